"""Runs a command on a terminal of its own and types answers at its PIN prompts.

Usage: pty_answers.py ANSWER [ANSWER ...] -- COMMAND [ARGUMENT ...]. What the command prints goes to standard output; the
exit status is the command's.
"""
import os
import pty
import re
import sys

# systemd's prompt goes on behind the colon.
PROMPT = re.compile(rb'(PIN|pin|same again|to go on)[^\n]*: ?(\(press TAB for no echo\) ?)?$')
COLOUR = re.compile(rb'\x1b\[[0-9;]*[A-Za-z]')


def main():
    split = sys.argv.index('--')
    answers, command = sys.argv[1:split], sys.argv[split + 1:]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    line = b''
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        if not chunk:
            break
        # At once: whoever reads may have something to do with the key now.
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        line = (line + chunk).rsplit(b'\n', 1)[-1]
        if answers and PROMPT.search(COLOUR.sub(b'', line)):
            os.write(terminal, answers.pop(0).encode() + b'\n')
            line = b''
    sys.stdout.flush()
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


main()
