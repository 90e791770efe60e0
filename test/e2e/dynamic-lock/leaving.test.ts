/**
 * The real daemon with logind (python3-dbusmock) on a private bus and a phone that leaves as a recorded trace says: an
 * idle person's session is locked once and their container with it; a person at the keyboard goes on.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { Stage } from '../../demo/stage.ts';
import { missingForBus, PrivateBus } from '../../support/session/private-bus.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { ctl } from '../daemon/ctl.ts';
import { requireBuild } from '../demo/built.ts';

const PIN = '271828';
const UID = process.getuid?.() ?? 0;
const missing = (await swtpmMissing()) ?? missingForBridge() ?? missingForBus();

/** The phone is near, and from `leavesAfter` seconds on it cannot be reached. */
const trace = (leavesAfter: number): string => {
  const phone = { address: 'aa:bb:cc:dd:ee:ff', name: 'the phone', classOfDevice: 0x5a020c, users: [UID] };
  const lines: object[] = [{ phone, reachable: true, rssi: -1 }];
  for (const afterSeconds of [leavesAfter, 0.1, 0.1]) lines.push({ afterSeconds, phone, reachable: false });
  return lines.map((line) => JSON.stringify(line)).join('\n');
};

describe.skipIf(missing !== null)(`the phone leaves${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let stage: Stage;
  let bus: PrivateBus;
  beforeAll(() => requireBuild());
  afterEach(async () => {
    await stage?.close();
    await bus?.[Symbol.asyncDispose]();
  });

  const begin = async (leavesAfter: number): Promise<void> => {
    bus = await PrivateBus.start();
    await bus.startLogind();
    await bus.addSession('c1', UID);
    const path = join(bus.folder, 'trace.jsonl');
    await writeFile(path, trace(leavesAfter));
    stage = await Stage.set({
      settings: [
        `session.bus=${bus.address}`,
        `simulation.presence=${path}`,
        'dynamic_lock.enabled=true',
        'dynamic_lock.idle_seconds=5',
        'dynamic_lock.lock_delay_seconds=0',
      ],
    });
    await stage.startDaemon();
    expect((await stage.ctlWithSheet(['setup'])).answer.ok).toBe(true);
    expect((await stage.ctlWithSheet(['enrol', '--new-pin-fd', '5'], [PIN])).answer.ok).toBe(true);
    const { answer } = await ctl(stage.socket, ['unlock', '--pin-fd', '3'], { secret: PIN });
    expect(answer.ok).toBe(true);
  };
  const idle = (forSeconds: number | null) =>
    bus.update('c1', {
      IdleHint: ['b', forSeconds !== null],
      IdleSinceHintMonotonic: ['t', Number(process.hrtime.bigint() / 1000n) - (forSeconds ?? 0) * 1_000_000],
    });
  const status = async () => {
    const { result } = (await stage.ctl(['status'])).answer;
    return result as { own: { state: string }; dynamicLock: { state: string; text: string } };
  };
  /** Waits until `wanted` is so; the time limit of the test ends it. */
  const until = async (wanted: () => Promise<boolean>): Promise<void> => {
    while (!(await wanted())) await new Promise((resolve) => setTimeout(resolve, 200));
  };
  const events = async (): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const { answer } = await stage.ctl(['events']);
    return (answer.result as { events: Readonly<Record<string, unknown>>[] }).events;
  };

  it('and the person is idle: the session is locked exactly once, and the container', async () => {
    await begin(3);
    await idle(60);
    await until(async () => (await bus.calls('c1', 'Lock')) > 0);
    await until(async () => (await status()).own.state === 'locked');
    expect((await status()).dynamicLock).toEqual({
      state: 'locked',
      text: 'has locked: the phone has gone (simulated)',
    });
    // The desktop of the mock does not follow, and the person stays idle: another look changes nothing.
    await idle(70);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(await bus.calls('c1', 'Lock')).toBe(1);
    const told = await events();
    expect(
      told.filter(({ event }) => event === 'dynamic-lock').map(({ uid, detail }) => ({ uid, detail })),
    ).toMatchObject([
      {
        uid: UID,
        detail: { phone: 'aa:bb:cc:dd:ee:ff', why: 'unreachable', sessions: 1, refused: 0, simulated: true },
      },
    ]);
    expect(told.filter(({ event }) => event === 'locked').map(({ detail }) => detail)).toEqual([
      { why: 'dynamic-lock' },
    ]);
  });

  it('and the person is active: nothing is locked', async () => {
    await begin(1);
    await idle(null);
    await until(async () => (await status()).dynamicLock.state === 'away');
    // More than the time after which an idle person would have been locked.
    await new Promise((resolve) => setTimeout(resolve, 8000));
    expect(await bus.calls('c1', 'Lock')).toBe(0);
    expect((await status()).own.state).toBe('unlocked');
    expect((await events()).some(({ event }) => event === 'dynamic-lock')).toBe(false);
  });
});
