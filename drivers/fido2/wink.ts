/** CTAPHID_WINK (CTAP 2.1 §11.2.9.2.1): the key makes itself seen, without asking for anything. */
import type { CtapHidChannel, TransactOptions } from './channel.ts';
import { unsupported } from './managed-call.ts';
import { CAPABILITY, CTAPHID } from './wire/ctaphid.ts';

/** Whether the key said, when the channel was opened, that it can. */
export const canWink = ({ info }: CtapHidChannel): boolean => (info.capabilities & CAPABILITY.WINK) !== 0;

/**
 * Resolves when the key has taken it; for how long it blinks is the key's own affair.
 * @throws {ERR_CTAP_UNSUPPORTED} and what {@link CtapHidChannel.transact} throws
 */
export async function wink(channel: CtapHidChannel, options: TransactOptions): Promise<void> {
  if (!canWink(channel)) throw unsupported('cannot wink');
  await channel.transact(CTAPHID.WINK, new Uint8Array(0), options);
}
