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

/**
 * Which signals are the listener's to hear of. One signal tells of everybody's phones, so that a phone of somebody else came
 * or went would be told by the moment of a signal in which the listener sees no change. Such a one is told only where the
 * listener's own phones are in it and what was told of them is half as old as it may become: whoever records it needs that.
 */
export class OwnChanges {
  readonly #told = new Map<string, { readonly what: string; readonly from: number }>();

  /** @param visible as the listener may see it */
  isOwn(visible: SensedSignal): boolean {
    const { kind, observedAt, ...what } = visible;
    if (kind !== 'bluetooth') return true;
    const last = this.#told.get(kind);
    const now = { what: JSON.stringify(what), from: observedAt };
    if (last !== undefined && last.what === now.what) {
      const isFresh = observedAt < last.from + visible.validFor / 2;
      if (isFresh || hasNoPhone(visible)) return false;
    }
    this.#told.set(kind, now);
    return true;
  }

  lost(kind: string): void {
    this.#told.delete(kind);
  }
}

const hasNoPhone = ({ observation }: SensedSignal): boolean => {
  const { devices } = (observation ?? {}) as { readonly devices?: readonly unknown[] };
  return devices === undefined || devices.length === 0;
};

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
export async function signalsNow(
  { sensors, clock }: Parts,
  uid: number,
): Promise<Pick<SignalsView, 'now' | 'signals'>> {
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
  {
    signal,
    gestures = async () => undefined,
  }: {
    readonly signal: AbortSignal;
    /** Tells of the gestures until the signal aborts; never throws. */
    readonly gestures?: (tell: (row: SensedSignal) => void, options: { signal: AbortSignal }) => Promise<void>;
  },
): AsyncGenerator<SignalChange> {
  const pending = new Map<SignalKind, FactorSignal | null>(sensors.ledger.all());
  const rows = new Map<string, SensedSignal>();
  const own = new OwnChanges();
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
  const over = new AbortController();
  const following = gestures(
    (row) => {
      rows.set(row.kind, row);
      wake.resolve();
    },
    { signal: AbortSignal.any([signal, over.signal]) },
  );
  try {
    while (!signal.aborted) {
      const [row] = rows.values();
      if (row !== undefined) {
        rows.delete(row.kind);
        yield { type: 'gesture', now: clock.now(), signal: row };
        continue;
      }
      const [next] = pending;
      if (next === undefined) {
        await wake.promise;
        wake = deferred<void>();
        continue;
      }
      const [kind, seen] = next;
      pending.delete(kind);
      const now = clock.now();
      if (seen === null) {
        own.lost(kind);
        yield { type: 'lost', now, kind };
        continue;
      }
      const visible = visibleTo(uid, seen);
      if (own.isOwn(visible)) yield { type: 'signal', now, signal: visible };
    }
  } finally {
    over.abort();
    unlisten();
    signal.removeEventListener('abort', onAbort);
    await following;
  }
}
