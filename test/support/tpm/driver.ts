/** Our driver on a software TPM, with the clock and the randomness of this machine. */
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import { Tpm } from '../../../drivers/tpm2/index.ts';

/** Runs `use` over a connection of its own, which is closed afterwards: another client may follow. */
export async function withTpm<T>(config: string, use: (tpm: Tpm) => Promise<T>): Promise<T> {
  const transport = await linuxTpm(config).open({ signal: new AbortController().signal });
  await using tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy });
  return await use(tpm);
}
