/** What a daemon behind a socket senses, over all its lives: a stream that breaks off is begun anew when there is a daemon. */
import { milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { ApiClient } from '../api/client.ts';
import type { SignalChange } from '../api/ports.ts';

/** Before it is tried again. */
const AGAIN_AFTER = milliseconds(500);

/**
 * For daemons that have no radio: where there is one, watching makes the daemon look at phones.
 * @yields until `signal` aborts
 */
export async function* watchedOverRestarts(
  client: Pick<ApiClient, 'watchSignals'>,
  clock: Clock,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<SignalChange> {
  while (!signal.aborted) {
    try {
      yield* client.watchSignals({ signal });
    } catch {
      // Just now there is no daemon, or there was one until just now.
    }
    await clock.sleep(AGAIN_AFTER, { signal }).catch(() => undefined);
  }
}
