"""Runs a command on a terminal of its own. Usage: pty_relay.py COMMAND [ARGUMENT ...]

What the command writes to its terminal goes to standard output, what comes on standard input is typed. The exit status is
the command's.
"""
import os
import pty
import select
import sys


def main():
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    typing = True
    while True:
        ready, _, _ = select.select([terminal] + ([0] if typing else []), [], [])
        if 0 in ready:
            typed = os.read(0, 4096)
            typing = bool(typed)
            os.write(terminal, typed)
        if terminal in ready:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:
                break
            if not chunk:
                break
            os.write(1, chunk)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


main()
