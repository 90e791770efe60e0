/**
 * What happens to the Wi-Fi, as a stream: whether it can be asked at all, and that something may have changed. However
 * many signals there are, one entry waits.
 */
import { Doorbell } from '../../base/doorbell.ts';
import { UnlockdError } from '../../base/errors.ts';
import type { NetworkEvent } from '../../hal/network.ts';
import type { BusServiceEvent } from '../dbus/bus-service.ts';
import type { BusSignal } from '../dbus/connection.ts';

export interface WifiSources {
  /** Resolves when it is known for the first time what is there. */
  looked(): Promise<void>;
  /** Whether any of them is there. */
  present(): boolean;
  /** Whether something answers where none of them is. */
  lastResort(): Promise<boolean>;
  listen(told: (event: BusServiceEvent) => void): () => void;
  matters(signal: BusSignal): boolean;
}

/** What has happened since it was last looked at. */
interface Pending {
  /** One of the sources has gone: nothing that was known holds. */
  gone: boolean;
  appeared: boolean;
  changed: boolean;
}

const nothing = (): Pending => ({ gone: false, appeared: false, changed: false });

/** See `WifiHal.watch`. */
export async function* watchWifi(
  sources: WifiSources,
  signal: AbortSignal,
): AsyncGenerator<NetworkEvent, void, undefined> {
  let pending = nothing();
  using bell = new Doorbell(signal);
  const stop = sources.listen((event) => {
    if (event.type === 'vanished') pending.gone = true;
    else if (event.type === 'appeared') pending.appeared = true;
    else if (sources.matters(event.signal)) pending.changed = true;
    else return;
    bell.ring();
  });
  const isThere = async (): Promise<boolean> => sources.present() || (await sources.lastResort());
  try {
    await sources.looked();
    pending = nothing();
    let told = await isThere();
    if (signal.aborted) return;
    yield told ? { type: 'available' } : { type: 'unavailable', reason: 'no-driver' };
    while (!signal.aborted) {
      const { gone, appeared, changed } = pending;
      pending = nothing();
      if (gone || appeared) {
        // At once, before anything is asked that may take its time.
        if (gone && told) yield { type: 'unavailable', reason: 'daemon-gone' };
        if (gone) told = false;
        if (await isThere()) {
          told = true;
          yield { type: 'available' };
        }
      } else if (changed) yield { type: 'changed' };
      await bell.heard();
    }
  } catch (error) {
    if (!signal.aborted)
      throw error instanceof UnlockdError ? error : new UnlockdError('ERR_HAL_IO', 'Wi-Fi', { cause: error });
  } finally {
    stop();
  }
}
