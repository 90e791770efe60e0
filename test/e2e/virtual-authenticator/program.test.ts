/** The virtual authenticator as a program: its addresses, its control line, its state file, its refusals. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BuiltProgram,
  buildAuthenticatorProgram,
  RunningAuthenticator,
} from '../../support/umockdev/authenticator-program.ts';
import { missingPythonModule, runToEnd, SYSTEM_PYTHON } from '../../support/umockdev/bridge.ts';

const CLIENT = fileURLToPath(new URL('../../support/umockdev/python_fido2_client.py', import.meta.url));
const missing = missingPythonModule('import fido2.ctap2', 'python3-fido2');

let program: BuiltProgram;
let folder: string;
beforeAll(async () => {
  program = await buildAuthenticatorProgram();
  folder = await mkdtemp(join(tmpdir(), 'unlockd-authenticator-'));
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('the program', () => {
  it('tells its free ports and answers its control line', async () => {
    const args = ['--udp-port', '0', '--tcp-port', '0', '--profile', '2.0'];
    const { program: running, ready } = await RunningAuthenticator.start(program.main, args);
    await using _ = running;
    expect(ready).toMatchObject({ ready: true, profile: '2.0' });
    expect([ready.udp, ready.tcp]).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      expect.stringMatching(/:\d+$/),
    ]);
    expect(await running.command('touch')).toEqual({ ok: false, reason: 'nothing waits for a touch' });
    expect(await running.command('remove')).toEqual({ ok: true });
    expect(await running.command('status')).toMatchObject({ plugged: false, pinSet: false });
    expect(await running.command('insert')).toEqual({ ok: true });
    expect(running.events).toEqual([{ event: 'removed' }, { event: 'inserted' }]);
    expect(await running.command('finger thumb')).toEqual({ ok: false, reason: 'the reader waits for nobody' });
    expect(await running.command('finger thumb blurred')).toMatchObject({ ok: false });
    for (const line of ['power-cycle', 'set touch auto 5', 'fault busy 2', 'lie uv on', 'unplug-at 7', 'behave']) {
      expect(await running.command(line)).toEqual({ ok: true });
    }
    for (const line of ['dance', 'fault constructor', 'set min-pin-length 2', 'set nothing']) {
      expect(await running.command(line)).toMatchObject({ ok: false });
    }
  });

  it.each([
    [['--udp-port', '70000'], '--udp-port'],
    [['--udp-port', '0', '--profile', 'toString'], 'there is no profile'],
    [['--udp-port', '0', '--seed', 'x'], '--seed'],
    [['--surprise'], 'surprise'],
    [[], 'give --udp-port, --tcp-port or --uhid'],
  ])('refuses %j with its usage and status 2', async (args, text) => {
    const { status, stderr, stdout } = await runToEnd([process.execPath, program.main, ...args]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(text);
    expect(stderr).toContain('Usage:');
  });

  it.skipIf(existsSync('/dev/uhid'))('says what is missing where the kernel makes no devices', async () => {
    const { status, stdout, stderr } = await runToEnd([process.execPath, program.main, '--uhid']);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('/dev/uhid');
    expect(stderr).toContain('ERR_HAL_IO');
  });

  it.skipIf(missing)(
    `keeps PIN and credentials in its file for the next start${missing ? ` (${missing})` : ''}`,
    async () => {
      const args = [
        '--udp-port',
        '0',
        '--state',
        join(folder, 'state'),
        '--pin',
        '12345678',
        '--touch',
        'auto',
        '--touch-delay',
        '5',
      ];
      const client = async (ready: Readonly<Record<string, unknown>>, ...steps: readonly string[]) => {
        const port = String(ready.udp).split(':')[1] ?? '';
        const { stdout, stderr, status } = await runToEnd([SYSTEM_PYTHON, CLIENT, port, ...steps]);
        expect([status, stderr]).toEqual([0, '']);
        return JSON.parse(stdout) as readonly unknown[];
      };
      {
        const { program: running, ready } = await RunningAuthenticator.start(program.main, args);
        await using _ = running;
        await client(ready, 'make:12345678:2:rk', 'wrong_pin:0000');
        expect((await running.command('status')).pinRetries).toBe(7);
        expect(running.events).toEqual([{ event: 'touch-wanted' }]);
      }
      const { program: running, ready } = await RunningAuthenticator.start(program.main, args);
      await using _ = running;
      expect(await running.command('status')).toMatchObject({
        pinSet: true,
        pinRetries: 7,
        residents: 1,
        signCount: 1,
      });
      // The second registration of the same user replaces the first; the counter goes on where it was.
      const [, assertion] = await client(ready, 'make:12345678:2:rk', 'assertion:12345678:2:0:resident');
      expect(assertion).toMatchObject({ user: 'u1', counter: 3 });
      expect((await running.command('status')).residents).toBe(1);
    },
  );
});
