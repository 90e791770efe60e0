/** `unlockctl walkthrough run --lane hardware`, the program from the build: on a real terminal, and where there is nothing. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { surfaceOfThisMachine } from '../../../agent/lanes/hardware-system.ts';
import { PROFILES } from '../../../hal-mocks/fido2/profile.ts';
import { bridgeArgv, SYSTEM_PYTHON } from '../../../hal-mocks/umockdev/bridge.ts';
import { LabBox, missingForLabBox } from '../../support/hardware-lane/lab-box.ts';
import { runToEnd } from '../../support/umockdev/bridge.ts';

const CTL = [process.execPath, fileURLToPath(new URL('../../../dist/agent/ctl.js', import.meta.url))];
const RELAY = fileURLToPath(new URL('../../support/operator/pty_relay.py', import.meta.url));
const run = (...args: readonly string[]) => ['walkthrough', 'run', ...args, '--lane', 'hardware'];

const AAGUID = PROFILES['2.1'].aaguid;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unlockd-hardware-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const { tpm } = surfaceOfThisMachine();
describe.skipIf(tpm !== false)(
  tpm === false ? 'a machine without hardware' : 'a machine without hardware (there is a TPM here)',
  () => {
    it('says all that is to be connected, in these words, and ends with 10', async () => {
      const socket = join(folder, 'none.sock');
      const ended = await runToEnd([...CTL, ...run('first-unlock'), '--json', '--socket', socket]);
      expect(ended.status).toBe(10);
      const { error, reasons } = JSON.parse(ended.stdout) as {
        error: { code: string; message: string };
        reasons: readonly { text: string }[];
      };
      expect([error.code, error.message]).toEqual([
        'ERR_LANE_HARDWARE',
        'this machine lacks what the walkthrough needs: the daemon, a TPM, a security key',
      ]);
      expect(reasons.map(({ text }) => text)).toEqual([
        `the daemon: no daemon listens on ${socket}; start it (systemctl start unlockd), or let the run have one of its own (--own-daemon FOLDER)`,
        'a TPM: there is no /dev/tpmrm0; switch the TPM on in the firmware of this machine, or put one in',
        'a security key: none is plugged in; plug in the one that is to be blue',
      ]);
    });

    it.each([
      [['--operator', 'robot'], 'ERR_OPERATOR_INVALID', 2],
      [['--operator', 'http://192.0.2.1/'], 'ERR_OPERATOR_INVALID', 2],
      [['--phone', 'Mine=1'], 'ERR_CLI_USAGE', 2],
      [['--root', 'campus=12'], 'ERR_CLI_USAGE', 2],
    ] as const)('%j is refused', async (args, code, status) => {
      const ended = await runToEnd([...CTL, ...run('first-unlock'), ...args, '--json']);
      expect([ended.status, JSON.parse(ended.stdout)]).toMatchObject([status, { error: { code } }]);
    });
  },
);

const missing = await missingForLabBox();
const title = missing === null ? 'a person at a real terminal' : `a person at a real terminal (${missing})`;
describe.skipIf(missing !== null)(title, { timeout: 120_000 }, () => {
  /** The program under a bridge and on a terminal of its own; `answer` is told each prompt and may type. */
  async function atTerminal(
    box: LabBox,
    args: readonly string[],
    answer: (prompt: string, type: (keys: string) => void) => void,
  ) {
    const command = [...CTL, ...args, '--socket', box.socketPath, '--daemon-uid', String(process.getuid?.())];
    const [program, ...rest] = [SYSTEM_PYTHON, RELAY, ...bridgeArgv(box.addresses, command)];
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    let written = '';
    let read = 0;
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      written += chunk.toString('utf8');
      const end = written.lastIndexOf('\n') + 1;
      for (const line of written.slice(read, end).split('\n')) {
        const [, prompt] = /> (.*?)\r?$/.exec(line) ?? [];
        if (prompt !== undefined) answer(prompt, (keys) => child.stdin.write(keys));
      }
      read = end;
      // A question waits for its answer on the same line.
      if (/ to go on: $/.test(written.slice(end))) {
        read = written.length;
        answer(written.slice(end), (keys) => child.stdin.write(keys));
      }
    });
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { status, written };
  }

  it('is prompted, seen without a key being pressed, and shown what came of it', async () => {
    await using box = await LabBox.open({ blue: 'plugged' });
    const report = join(folder, 'report.html');
    const faults: unknown[] = [];
    const { status, written } = await atTerminal(box, run('first-unlock', '--report', report), (prompt) => {
      box.obey(prompt).catch((error: unknown) => faults.push(error));
    });
    expect([status, faults], written).toEqual([0, []]);
    expect(written).toContain('blue is the Virtual Security Key (1209:beee) at /dev/hidraw0');
    expect(written).toMatch(/\d:\d\d left · until the key was touched · s: skip · q: end the run/);
    expect(written).toContain('put back: the enrolment that the run had made is removed');
    const page = readFileSync(report, 'utf8');
    for (const said of ['First unlock', AAGUID, 'swtpm']) expect(page).toContain(said);
    expect((await box.client.status()).own.state).toBe('none');
  });

  it('types the word before an enrolment is ended, and the run goes on at the same terminal', async () => {
    await using box = await LabBox.open({ blue: 'plugged' });
    await box.enrolled();
    const asked: string[] = [];
    const { status, written } = await atTerminal(box, run('first-unlock', '--destructive'), (prompt, type) => {
      if (prompt.endsWith('go on: ')) {
        asked.push(prompt);
        type('UNENROL\r');
      } else box.obey(prompt).catch(() => undefined);
    });
    expect([status, asked], written).toEqual([0, ['Type UNENROL to go on: ']]);
    expect(written).toContain('Your enrolment on this machine ends for ever');
    expect((await box.client.status()).own.state).toBe('none');
  });

  it('ends the run with Ctrl-C, and everything is put back', async () => {
    await using box = await LabBox.open({ blue: 'plugged' });
    let touches = 0;
    const { status, written } = await atTerminal(box, run('pin-change'), (prompt, type) => {
      if (prompt.startsWith('Touch') && ++touches > 2) type('\u0003');
      else box.obey(prompt).catch(() => undefined);
    });
    expect(status, written).toBe(6);
    expect(written).toContain('put back: the enrolment that the run had made is removed');
    expect((await box.client.status()).own.state).toBe('none');
  });
});
