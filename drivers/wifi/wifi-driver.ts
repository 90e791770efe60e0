/**
 * The Wi-Fi driver: reads the host when it tells of a change and from time to time, and makes observations of it. A loss
 * is told at once, a gain when it has stood for the settling time; a host that cannot be asked is `unavailable` at once.
 */
import { type Milliseconds, milliseconds, seconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';
import { isUnlockdError } from '../base/errors.ts';
import { OUTAGE_COUNTS_FOR, settled } from '../base/settling.ts';
import type { FactorDriver } from '../driver.ts';
import type { NetworkEvent, WifiHal, WifiSnapshot } from '../hal/network.ts';
import type { WifiObservation } from '../observation.ts';
import type { SurroundingSignal, UnavailableReason } from '../signal.ts';
import { commonOf, linkWords, observationOf, sameObservation } from './observe.ts';

export interface WifiDriverOptions {
  readonly clock: Clock;
  /** How long a gain has to stand; 300 ms. */
  readonly settle?: Milliseconds;
  /** How long an observation may count; 30 s. */
  readonly validFor?: Milliseconds;
  /** After which time without an event it is read again; 12 s. */
  readonly refresh?: Milliseconds;
  /** Longest time of one reading, which takes several calls; 10 s. */
  readonly within?: Milliseconds;
}

const SETTLE = milliseconds(300);
const VALID_FOR = seconds(30);
const REFRESH = seconds(12);
const WITHIN = seconds(10);

/** Why nothing is known, in words where there are better ones than the reason's own. */
interface Outage {
  readonly reason: UnavailableReason;
  readonly detail: string | null;
}

type Down = Extract<NetworkEvent, { type: 'unavailable' }>['reason'];

const OUTAGES: Readonly<Record<Down, Outage>> = {
  'no-driver': { reason: 'no-driver', detail: 'neither NetworkManager nor wpa_supplicant is there' },
  'no-permission': { reason: 'no-permission', detail: null },
  'daemon-gone': { reason: 'failed', detail: 'the service behind it has gone' },
  failed: { reason: 'failed', detail: null },
};

/** Ends a reading that came to no observation; nobody outside of this file sees it. */
class NothingToRely extends Error {
  readonly outage: Outage;

  constructor(outage: Outage) {
    super('nothing to rely on');
    this.outage = outage;
  }
}

function outageOf(error: unknown): Outage {
  if (error instanceof NothingToRely) return error.outage;
  if (!isUnlockdError(error)) return OUTAGES.failed;
  const detail = error.message;
  if (isUnlockdError(error, 'ERR_HAL_PERMISSION')) return { reason: 'no-permission', detail };
  const absent = isUnlockdError(error, 'ERR_HAL_NOT_FOUND', 'ERR_HAL_MODULE_MISSING');
  return { reason: absent ? 'no-driver' : 'failed', detail };
}

/** What was read, and from whom. */
interface Seen {
  readonly observation: WifiObservation;
  readonly source: string;
}

/** @throws NothingToRely where the machine has no Wi-Fi, or only a source answers that is known to be wrong */
function seenIn(snapshot: WifiSnapshot, name: string): Seen {
  const { present, links } = snapshot;
  if (!present) throw new NothingToRely({ reason: 'no-device', detail: 'this machine has no Wi-Fi interface' });
  const weak = links.filter((link) => link.weak);
  if (weak.length > 0 && weak.length === links.length) {
    const detail = `only ${weak[0]?.source} answers, which is not relied on: ${linkWords(weak)}`;
    throw new NothingToRely({ reason: 'unsupported', detail });
  }
  const sources = [...new Set(links.map((link) => link.source))];
  return { observation: observationOf(snapshot), source: sources.length > 0 ? sources.join(', ') : name };
}

class WifiDriver implements FactorDriver {
  readonly kind = 'wifi';
  readonly #hal: WifiHal;
  readonly #options: Required<WifiDriverOptions>;

  constructor(hal: WifiHal, options: WifiDriverOptions) {
    this.#hal = hal;
    this.#options = { settle: SETTLE, validFor: VALID_FOR, refresh: REFRESH, within: WITHIN, ...options };
  }

  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<SurroundingSignal, void, undefined> {
    const hal = this.#hal;
    const { clock, settle, refresh, within, validFor } = this.#options;
    const told = settled<Seen, Outage>(
      {
        clock,
        settle,
        refresh,
        within,
        events: async function* (options) {
          for await (const event of hal.watch(options)) {
            yield event.type === 'unavailable' ? { ...event, reason: OUTAGES[event.reason] } : event;
          }
        },
        read: async (options) => seenIn(await hal.read(options), hal.name),
        failed: outageOf,
        common: (before, now) => ({ ...now, observation: commonOf(before.observation, now.observation) }),
        same: (a, b) => sameObservation(a.observation, b.observation),
        empty: ({ observation }) => observation.associations.length === 0,
      },
      { signal },
    );
    for await (const known of told) {
      const base = { kind: 'wifi', observedAt: known.at, validFor, simulated: hal.simulated } as const;
      if (known.known) yield { ...base, ...known.value, state: 'observed' };
      else {
        const { reason, detail } = known.reason;
        const why = { reason, ...(detail === null ? {} : { detail }) };
        yield { ...base, validFor: OUTAGE_COUNTS_FOR, source: hal.name, state: 'unavailable', ...why };
      }
    }
  }
}

/** The driver of the Wi-Fi over a host. */
export const wifiDriver = (hal: WifiHal, options: WifiDriverOptions): FactorDriver => new WifiDriver(hal, options);
