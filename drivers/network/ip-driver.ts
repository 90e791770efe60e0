/**
 * The driver of the kind `ipConfig`: what a host's network seam tells, as signals. Nothing here is authenticated: whoever
 * plugs a travel router or a USB adapter into this machine serves any of it; and what is configured counts, whether or not
 * anybody answers: a cable that is moved to another network within a lease, where the host's daemon does not ask anew, is
 * not noticed. A loss acts at once, a gain when it has settled, and idle it costs nearly nothing.
 */
import { type Milliseconds, milliseconds, seconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';
import { isUnlockdError } from '../base/errors.ts';
import { OUTAGE_COUNTS_FOR, settled } from '../base/settling.ts';
import type { FactorDriver } from '../driver.ts';
import type { IpHal, NetworkEvent } from '../hal/network.ts';
import type { SurroundingSignal, UnavailableReason } from '../signal.ts';
import { commonObservation, ipObservation, isEmptyObservation, isSameObservation } from './ip-observation.ts';

export interface IpDriverOptions {
  readonly hal: IpHal;
  readonly clock: Clock;
  /** How long nothing may have changed before a gain counts; 300 ms. */
  readonly settle?: Milliseconds;
  /**
   * How often what is known is told again while the host tells of no change; 15 s. Where a policy lets the signal be so
   * old and no older, not more than half of that. A signal counts for twice as long.
   */
  readonly refresh?: Milliseconds;
  /** How often it is read again in spite of that, in case the host has kept a change to itself; 5 min. */
  readonly reread?: Milliseconds;
  /** Longest time of one reading; 3 s. */
  readonly within?: Milliseconds;
  /** `physical`: only interfaces with a device of their own. */
  readonly interfaces?: 'physical' | 'all';
}

const SETTLE = milliseconds(300);
const REFRESH = seconds(15);
/** A reading costs three processes where no daemon is asked. */
const REREAD = seconds(300);
const WITHIN = seconds(3);

interface Outage {
  readonly reason: UnavailableReason;
  readonly detail: string;
}

type Down = Extract<NetworkEvent, { type: 'unavailable' }>['reason'];

const OUTAGES: Readonly<Record<Down, Outage>> = {
  'no-driver': {
    reason: 'no-driver',
    detail: 'nothing here tells of addresses: no NetworkManager, systemd-networkd, ip',
  },
  'daemon-gone': { reason: 'failed', detail: 'the daemon that told of addresses went away' },
  'no-permission': { reason: 'no-permission', detail: 'this process may not read the addresses' },
  failed: { reason: 'failed', detail: 'the addresses cannot be read' },
};

function outageOf(error: unknown): Outage {
  if (isUnlockdError(error, 'ERR_HAL_NOT_FOUND', 'ERR_HAL_MODULE_MISSING')) {
    return { reason: 'no-driver', detail: error.message };
  }
  if (isUnlockdError(error, 'ERR_HAL_PERMISSION')) return { reason: 'no-permission', detail: error.message };
  return isUnlockdError(error) ? { reason: 'failed', detail: error.message } : OUTAGES.failed;
}

export class IpDriver implements FactorDriver {
  readonly kind = 'ipConfig';
  readonly #options: Required<IpDriverOptions>;

  constructor(options: IpDriverOptions) {
    this.#options = {
      settle: SETTLE,
      refresh: REFRESH,
      reread: REREAD,
      within: WITHIN,
      interfaces: 'physical',
      ...options,
    };
  }

  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<SurroundingSignal, void, undefined> {
    const { hal, clock, settle, refresh, reread, within, interfaces } = this.#options;
    const told = settled(
      {
        clock,
        settle,
        refresh,
        reread,
        within,
        events: async function* (options) {
          for await (const event of hal.watch(options)) {
            yield event.type === 'unavailable' ? { ...event, reason: OUTAGES[event.reason] } : event;
          }
        },
        read: async (options) => ipObservation(await hal.read(options), { interfaces }),
        failed: outageOf,
        common: commonObservation,
        same: isSameObservation,
        empty: isEmptyObservation,
      },
      { signal },
    );
    for await (const known of told) {
      const base = {
        kind: 'ipConfig',
        source: hal.name,
        observedAt: known.at,
        validFor: milliseconds(2 * refresh),
        simulated: hal.simulated,
      } as const;
      yield known.known
        ? { ...base, state: 'observed', observation: known.value }
        : { ...base, validFor: OUTAGE_COUNTS_FOR, state: 'unavailable', ...known.reason };
    }
  }
}
