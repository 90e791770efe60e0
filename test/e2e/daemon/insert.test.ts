/** A security key that comes and goes, with the real daemon: an unlock waits for it, and nothing dies of it. */
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { Stage } from '../../demo/stage.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { requireBuild } from '../demo/built.ts';
import { enrolledStage } from './ctl.ts';

const PIN = '271828';
const missing = (await swtpmMissing()) ?? missingForBridge();

describe.skipIf(missing !== null)(`the real daemon and its key${missing === null ? '' : ` (${missing})`}`, () => {
  let stage: Stage;
  beforeAll(async () => {
    ({ stage } = await enrolledStage(PIN));
  });
  afterAll(() => stage?.close());

  /** Says it to the authenticator and waits for its answer. */
  async function key(command: 'remove' | 'insert'): Promise<void> {
    await new Promise<void>((resolve) => {
      const stop = stage.authenticator.onLine((line) => {
        if (!line.includes('"ok"')) return;
        stop();
        resolve();
      });
      stage.authenticator.say(command);
    });
  }

  /** Unlocks; whenever the key is missed, `onInsert` is called. */
  const unlock = (onInsert: () => void) =>
    stage.ctl(['unlock', '--pin-fd', '3'], {
      extra: [PIN],
      onStderr: (line) => {
        if (line.includes('"insert"')) onInsert();
      },
    });

  it('an unlock without the key asks for it, goes on when it is plugged in, and is granted; twice in a row', async () => {
    for (const _round of [1, 2]) {
      await key('remove');
      const { answer, events } = await unlock(() => stage.authenticator.say('insert'));
      expect(answer.error ?? null).toBeNull();
      expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['insert', 'touch']));
    }
  });

  it('a key that is pulled out and plugged in several times is found again', async () => {
    for (let round = 0; round < 3; round++) {
      await key('remove');
      await key('insert');
    }
    const { answer } = await unlock(() => undefined);
    expect(answer.error ?? null).toBeNull();
  });

  it('the daemon hears of the end of its bridge once, and stops in order', async () => {
    const daemon = stage.daemon;
    if (daemon === null) throw new Error('no daemon runs');
    // As when it crashes: every thread of it dies at once.
    daemon.process.kill('SIGKILL');
    await daemon.line((line) => line.includes('unlockd has stopped'), 'the daemon');
    expect(daemon.output).not.toContain('ERR_DAEMON_STOP_TIMEOUT');
    await daemon.exited();
    stage.daemon = null;
  });
});

const bridge = missingForBridge();
describe.skipIf(bridge !== null)(`the bridge${bridge === null ? '' : ` (${bridge})`}`, () => {
  it('passes a signal on once, and ends as its command does', async () => {
    requireBuild();
    await using stage = await Stage.set();
    const script =
      'n=0; trap "n=\\$((n+1))" TERM; echo ready; while [ $n -eq 0 ]; do sleep 0.05; done; sleep 0.3; exit $n';
    const [program = '', ...args] = stage.besideTheKey(['sh', '-c', script]);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.once('data', () => child.kill('SIGTERM'));
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect(status).toBe(1);
  });
});
