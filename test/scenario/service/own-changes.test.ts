/** Whoever listens to the signals does not learn from their moments when the phone of somebody else comes or goes. */
import { describe, expect, it } from 'vitest';
import type { SensedSignal, SignalChange } from '../../../agent/api/ports.ts';
import { OwnChanges, visibleTo, watchSignals } from '../../../agent/service/signals-view.ts';
import { Sensors } from '../../../agent/signals/sensors.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import type { BluetoothDevice } from '../../../drivers/observation.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { officeNetwork, satisfied } from '../../support/policy-fixtures.ts';

const [ALICE, BOB] = [1000, 1001];
const VALID_FOR = 8000;
const phoneOf = (user: number, proved = true): BluetoothDevice => ({
  address: `02:00:00:00:00:${user === ALICE ? '01' : '02'}`,
  name: 'phone',
  classOfDevice: 0x5a020c,
  users: [user],
  proved,
  rssi: { scale: 'relative', value: 0 },
  rssiBest: null,
});
const near = (at: number, ...devices: BluetoothDevice[]): FactorSignal => ({
  source: 'a test',
  observedAt: monotonicMs(at),
  validFor: milliseconds(VALID_FOR),
  simulated: false,
  kind: 'bluetooth',
  state: 'observed',
  observation: { devices },
});
const radioOff = (at: number): FactorSignal => {
  const { observation: _none, ...rest } = near(at) as Extract<FactorSignal, { kind: 'bluetooth'; state: 'observed' }>;
  return { ...rest, state: 'unavailable', reason: 'no-device' };
};

/** Which of the signals alice is told. */
function told(...signals: FactorSignal[]): readonly number[] {
  const own = new OwnChanges();
  return signals.filter((signal) => own.isOwn(visibleTo(ALICE, signal))).map(({ observedAt }) => observedAt);
}

describe('of phones a listener is told', () => {
  it('nothing when somebody else’s comes, changes or goes, however often and however late', () => {
    const bob = phoneOf(BOB);
    expect(told(near(0), near(1000, bob), near(2000, phoneOf(BOB, false)), near(60_000), near(90_000, bob))).toEqual([
      0,
    ]);
  });

  it('what becomes of the own one, whatever else is around', () => {
    const [alice, bob] = [phoneOf(ALICE), phoneOf(BOB)];
    expect(told(near(0, bob), near(100, bob, alice), near(200, alice), near(300, phoneOf(ALICE, false)))).toEqual([
      0, 100, 300,
    ]);
    expect(told(near(0, alice), radioOff(100), near(200))).toEqual([0, 100, 200]);
  });

  it('that the own one is still there, before what was told of it is too old', () => {
    const alice = phoneOf(ALICE);
    const times = [0, 1000, 3999, 4000, 5000, 7999, 8000, 20_000];
    expect(told(...times.map((at) => near(at, alice)))).toEqual([0, 4000, 8000, 20_000]);
  });

  it('everything of what is the same for everybody', () => {
    const own = new OwnChanges();
    const network = {
      ...satisfied('network'),
      kind: 'ipConfig',
      observation: officeNetwork(),
    } as unknown as SensedSignal;
    expect([own.isOwn(network), own.isOwn(network)]).toEqual([true, true]);
  });

  it('anew what is there after nothing was known any more', () => {
    const own = new OwnChanges();
    const seen = visibleTo(ALICE, near(0));
    expect([own.isOwn(seen), own.isOwn(seen)]).toEqual([true, false]);
    own.lost('bluetooth');
    expect(own.isOwn(seen)).toBe(true);
  });
});

describe('a listener on the running service', () => {
  it('sleeps through a change of another user’s phone, and wakes for the own one', async () => {
    const sensors = new Sensors(systemClock, []);
    const stop = new AbortController();
    const seen: SignalChange[] = [];
    const now = () => systemClock.now();
    sensors.ledger.record(near(now()));
    const parts = { sensors, clock: systemClock };
    for await (const change of watchSignals(parts, ALICE, { signal: stop.signal })) {
      seen.push(change);
      if (seen.length === 1) {
        setImmediate(() => {
          sensors.ledger.record(near(now(), phoneOf(BOB)));
          setImmediate(() => {
            sensors.ledger.record(near(now()));
            setImmediate(() => sensors.ledger.record(near(now(), phoneOf(BOB), phoneOf(ALICE))));
          });
        });
      } else stop.abort();
    }
    await sensors.stop();
    expect(seen).toHaveLength(2);
    const last = seen.at(-1);
    expect(last?.type === 'signal' ? last.signal.observation : null).toMatchObject({ devices: [{ users: [ALICE] }] });
  });
});
