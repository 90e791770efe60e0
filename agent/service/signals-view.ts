/**
 * What a caller may see of the surroundings, once or as they change. Other users' phones are left out: who is near is
 * theirs to tell.
 */
import { seconds } from '../../drivers/base/brand.ts';
import { deferred } from '../../drivers/base/deferred.ts';
import { type FactorSignal, type SignalKind, SURROUNDING_KINDS } from '../../drivers/signal.ts';
import type { SensedSignal, SignalChange, SignalsView } from '../api/ports.ts';
import { LookAround } from './look-around.ts';
import type { ServiceParts } from './parts.ts';

type Parts = Pick<ServiceParts, 'sensors' | 'clock'>;

/** The signal as `uid` may see it. */
export function visibleTo(uid: number, signal: FactorSignal): SensedSignal {
  if (signal.kind !== 'bluetooth' || signal.state !== 'observed') return signal;
  const own = signal.observation.devices.filter(({ users }) => users.includes(uid));
  // Whom else it was enrolled for is not said either.
  const devices = own.map((device) => ({ ...device, users: [uid] }));
  return { ...signal, observation: { devices } };
}

/** Longest time that somebody who asks once waits for their phone to be looked at. */
const LOOK_WITHIN = seconds(3);

/** Of the own phones none is proved, and it could be: they were looked at only while somebody asked. */
function isMissed({ sensors }: Parts, uid: number): boolean {
  const seen = sensors.ledger.snapshot().get('bluetooth');
  if (seen === undefined) return true;
  if (seen.kind !== 'bluetooth' || seen.state !== 'observed') return false;
  const own = seen.observation.devices.filter(({ users }) => users.includes(uid));
  return own.length > 0 && !own.some(({ proved }) => proved);
}

/** What is known now; the phones of who asks are looked at first. */
export async function signalsNow({ sensors, clock }: Parts, uid: number): Promise<SignalsView> {
  using looking = new LookAround({ sensors, clock }, uid);
  if (looking.begin(SURROUNDING_KINDS)) {
    const { signal } = new AbortController();
    await looking.until(() => !isMissed({ sensors, clock }, uid), { within: LOOK_WITHIN, signal });
  }
  return {
    now: clock.now(),
    signals: [...sensors.ledger.all().values()].map((signal) => visibleTo(uid, signal)),
  };
}

/**
 * First what is known, then every change until `signal` aborts. A listener that is slow misses what has been overtaken,
 * and never holds more than one change of a kind.
 */
export async function* watchSignals(
  { sensors, clock }: Parts,
  uid: number,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<SignalChange> {
  const pending = new Map<SignalKind, FactorSignal | null>(sensors.ledger.all());
  let wake = deferred<void>();
  const unlisten = sensors.ledger.onChange((change) => {
    const kind = change.type === 'lost' ? change.kind : change.signal.kind;
    // Last in, last out.
    pending.delete(kind);
    pending.set(kind, change.type === 'lost' ? null : change.signal);
    wake.resolve();
  });
  using looking = new LookAround({ sensors, clock }, uid);
  looking.begin(SURROUNDING_KINDS);
  const onAbort = () => {
    // Whoever does not take what comes any more may never come back to end this.
    looking[Symbol.dispose]();
    wake.resolve();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    while (!signal.aborted) {
      const [next] = pending;
      if (next === undefined) {
        await wake.promise;
        wake = deferred<void>();
        continue;
      }
      const [kind, seen] = next;
      pending.delete(kind);
      const now = clock.now();
      yield seen === null ? { type: 'lost', now, kind } : { type: 'signal', now, signal: visibleTo(uid, seen) };
    }
  } finally {
    unlisten();
    signal.removeEventListener('abort', onAbort);
  }
}
