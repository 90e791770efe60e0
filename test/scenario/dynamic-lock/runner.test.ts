/** Dynamic lock from end to end in one process: a recorded trace, sessions in memory, a clock that the test moves. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DynamicLockRunner } from '../../../agent/dynamic-lock/runner.ts';
import type { AuditFacts } from '../../../agent/dynamic-lock/words.ts';
import type { DynamicLockPolicy } from '../../../agent/policy/dynamic-lock.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { PresenceTrace, type TraceLine } from '../../../hal-mocks/bluetooth/presence-trace.ts';
import { MockSessions } from '../../../hal-mocks/session/mock-sessions.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';
import { A, ANA, ON } from '../../support/session/lock-trace.ts';

const line = (afterSeconds: number, rssi: number | null): TraceLine => ({
  afterSeconds,
  seen: {
    type: 'sample',
    phone: A,
    rssi: rssi === null ? null : { scale: 'relative', value: rssi },
    reachable: rssi !== null,
    source: 'probe',
  },
});
/** Near for a while, then three probes fail; gone 100 s after the beginning. */
const LEAVES = [line(0, -2), line(20, 0), line(20, -1), line(20, null), line(20, null), line(20, null)];

describe('dynamic lock', () => {
  let clock: ManualClock;
  let sessions: MockSessions;
  let opened: number;
  let policy: DynamicLockPolicy | null;
  let slept: boolean;
  let forgotten: number[];
  let audited: { event: string; uid: number; detail: AuditFacts }[];
  let reported: string[];
  let runner: DynamicLockRunner;
  let trace: PresenceTrace;

  const begin = async (lines: readonly TraceLine[] | null): Promise<void> => {
    trace = new PresenceTrace(lines ?? [], clock);
    runner = new DynamicLockRunner({
      clock,
      openSessions: () => {
        opened++;
        return sessions;
      },
      presence: lines === null ? null : trace,
      policy: async () => policy,
      slept: () => {
        const was = slept;
        slept = false;
        return was;
      },
      forget: async (uid) => {
        forgotten.push(uid);
      },
      audit: async (event, uid, detail) => {
        audited.push({ event, uid, detail });
      },
      report: (what, error) => reported.push(`${what}: ${error instanceof UnlockdError ? error.code : String(error)}`),
    });
    await runner.start();
    await clock.advance(0);
  };
  const secondsAgo = (seconds: number) => monotonicMs(clock.now() - seconds * 1000);

  beforeEach(() => {
    clock = new ManualClock();
    sessions = new MockSessions();
    opened = 0;
    policy = ON;
    slept = false;
    forgotten = [];
    audited = [];
    reported = [];
    sessions.logIn({ id: 'c1', uid: ANA, idle: { idleSinceMs: secondsAgo(0), source: 'mock' } });
  });
  afterEach(() => runner.stop());

  it('the phone leaves and the person is idle: the keys are forgotten and the session is locked, once', async () => {
    await begin(LEAVES);
    await clock.advance(104_000);
    expect([sessions.locks, forgotten]).toEqual([[], []]);
    await clock.advance(2_000);
    expect([sessions.locks, forgotten]).toEqual([['c1'], [ANA]]);
    await clock.advance(3_600_000);
    expect(sessions.locks).toEqual(['c1']);
    expect(audited).toEqual([
      {
        event: 'dynamic-lock',
        uid: ANA,
        detail: {
          phone: A.address,
          why: 'unreachable',
          strengthDb: null,
          thresholdDb: null,
          goneSeconds: 5,
          idleSeconds: 105,
          sessions: 1,
          refused: 0,
          simulated: true,
        },
      },
    ]);
    expect(runner.statusOf(ANA).state).toBe('locked');
    expect(reported).toEqual([]);
  });

  it('the phone leaves and the person is active: nothing is locked, until they have been away long enough', async () => {
    sessions.setIdle('c1', null);
    await begin(LEAVES);
    await clock.advance(400_000);
    expect([sessions.locks, forgotten, audited]).toEqual([[], [], []]);
    expect(runner.statusOf(ANA)).toEqual({
      state: 'away',
      text: `${A.name} has gone; locks after 30 s without input (simulated)`,
    });
    sessions.setIdle('c1', secondsAgo(0));
    await clock.advance(29_000);
    expect(sessions.locks).toEqual([]);
    await clock.advance(2_000);
    expect(sessions.locks).toEqual(['c1']);
  });

  it('while it is off nothing is opened, and no phone is woken', async () => {
    policy = null;
    await begin(LEAVES);
    await clock.advance(600_000);
    expect([opened, sessions.locks, forgotten]).toEqual([0, [], []]);
    expect(runner.statusOf(ANA)).toEqual({ state: 'off', text: 'off' });
  });

  it('a policy that switches it on is noticed by itself, and one that switches it off as well', async () => {
    policy = { ...ON, enabled: false };
    await begin(LEAVES);
    policy = ON;
    await clock.advance(31_000);
    expect(opened).toBe(1);
    expect(runner.statusOf(ANA).state).toBe('near');
    policy = null;
    await runner.policyChanged();
    expect(runner.statusOf(ANA).state).toBe('off');
    await clock.advance(600_000);
    expect(sessions.locks).toEqual([]);
  });

  it('a policy that cannot be read leaves the one before it in force', async () => {
    await begin(LEAVES);
    const before = runner.statusOf(ANA);
    policy = new Proxy(ON, {
      get: () => {
        throw new UnlockdError('ERR_POLICY_INVALID', 'damaged');
      },
    });
    await runner.policyChanged();
    expect(runner.statusOf(ANA)).toEqual(before);
    expect(reported).toEqual(['the settings of dynamic lock: ERR_POLICY_INVALID']);
  });

  it('without a driver it never locks, and says so', async () => {
    await begin(null);
    await clock.advance(600_000);
    expect(sessions.locks).toEqual([]);
    expect(runner.statusOf(ANA)).toEqual({
      state: 'cannot',
      text: 'never locks: nothing here looks for phones (`signals.bluetooth`)',
    });
  });

  it('a phone that was never near is said to be', async () => {
    await begin([line(0, null), line(20, null)]);
    await clock.advance(600_000);
    expect(sessions.locks).toEqual([]);
    expect(runner.statusOf(ANA)).toEqual({
      state: 'never-seen',
      text: 'does not lock: no phone of yours has been near yet (simulated)',
    });
  });

  it('a suspend that shows afterwards voids what was seen before it', async () => {
    await begin(LEAVES);
    await clock.advance(90_000);
    slept = true;
    await clock.advance(600_000);
    expect(sessions.locks).toEqual([]);
    expect(runner.statusOf(ANA).state).toBe('never-seen');
  });

  it('a suspend that the session host announces does, too', async () => {
    await begin(LEAVES);
    await clock.advance(50_000);
    sessions.sleep(true);
    await clock.advance(600_000);
    expect(sessions.locks).toEqual([]);
  });

  it('a session host that is away is nobody’s idleness; when it is back the lock comes', async () => {
    await begin(LEAVES);
    sessions.setAvailable(false);
    await clock.advance(300_000);
    expect([sessions.locks, forgotten]).toEqual([[], []]);
    expect(runner.statusOf(ANA).state).toBe('cannot');
    sessions.setAvailable(true);
    await clock.advance(2_000);
    expect([sessions.locks, forgotten]).toEqual([['c1'], [ANA]]);
  });

  it('a desktop that does not follow keeps no container open, and is not asked over and over', async () => {
    sessions.followsLocks = false;
    await begin(LEAVES);
    await clock.advance(3_600_000);
    expect([sessions.locks, forgotten]).toEqual([['c1'], [ANA]]);
  });

  it('a lock that the host refuses is tried again, with the keys gone at the first try', async () => {
    const genuine = sessions.lock.bind(sessions);
    let refuse = 2;
    sessions.lock = async (id, options) => {
      if (refuse-- > 0) throw new UnlockdError('ERR_HAL_PERMISSION', 'not allowed');
      await genuine(id, options);
    };
    await begin(LEAVES);
    await clock.advance(107_000);
    expect([sessions.locks, forgotten]).toEqual([[], [ANA]]);
    await clock.advance(60_000);
    expect(sessions.locks).toEqual(['c1']);
    expect(audited.map(({ detail }) => detail.refused)).toEqual([1, 1, 0]);
    expect(reported).toEqual(['locking a session: ERR_HAL_PERMISSION']);
  });

  it('however often a session changes, the sessions are read once a second', async () => {
    let lists = 0;
    const genuine = sessions.list.bind(sessions);
    sessions.list = async (options) => {
      lists++;
      return await genuine(options);
    };
    await begin(LEAVES);
    const before = lists;
    for (let n = 0; n < 50; n++) {
      sessions.setLocked('c1', n % 2 === 0);
      await clock.advance(100);
    }
    expect(lists - before).toBeLessThanOrEqual(6);
    expect(lists - before).toBeGreaterThan(1);
  });

  it('stopping it closes what it opened, and leaves no timer', async () => {
    await begin(LEAVES);
    await runner.stop();
    expect(clock.pending).toBe(0);
    await expect(sessions.list({ signal: new AbortController().signal })).rejects.toThrow('closed');
    await runner.stop();
  });
});
