/**
 * From a PIN to the authValue of its TPM object. The TPM limits the tries; scrypt only makes a copied object of a broken
 * TPM dearer to search.
 */
import { scrypt } from 'node:crypto';
import { Secret } from '../../drivers/base/secret.ts';

export const PIN_LOG_N = 14;

/**
 * scrypt(PIN in UTF-8 after NFC, salt, N = 2^logN, r = 8, p = 1), 32 bytes. Runs off the event loop.
 * @param pin normalised already; stays the caller's
 */
export async function pinAuthValue(pin: Secret, salt: Uint8Array, logN: number): Promise<Secret> {
  const N = 2 ** logN;
  const derived = await new Promise<Buffer>((resolve, reject) => {
    scrypt(pin.expose(), salt, 32, { N, r: 8, p: 1, maxmem: 129 * N * 8 }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
  return Secret.take(derived);
}
