/** Keys of contexts, wrapped to what follows from a recovery sheet. */
import { describe, expect, it } from 'vitest';
import { openContextKey, recoveryPublicKey, wrapContextKey } from '../../../agent/container/context-recovery.ts';
import { newRecoverySecret } from '../../../agent/container/recovery-sheet.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';

const ID = systemEntropy.bytes(16);
const sheet = newRecoverySecret(systemEntropy);
const key = Secret.take(systemEntropy.bytes(32));
const publicKey = recoveryPublicKey(sheet, ID);
const wrap = () => wrapContextKey(publicKey, ID, 'wallet', key, systemEntropy);

describe('the key of a context', () => {
  it('opens under the sheet, from the public half alone, each time wrapped otherwise', () => {
    expect(openContextKey(sheet, ID, 'wallet', wrap())?.equals(key)).toBe(true);
    expect(Buffer.from(wrap()).equals(Buffer.from(wrap()))).toBe(false);
    expect(recoveryPublicKey(sheet, ID)).toEqual(publicKey);
  });

  it.each<[string, () => Secret | null]>([
    ['another sheet', () => openContextKey(newRecoverySecret(systemEntropy), ID, 'wallet', wrap())],
    ['another container', () => openContextKey(sheet, systemEntropy.bytes(16), 'wallet', wrap())],
    ['another context', () => openContextKey(sheet, ID, 'sudo', wrap())],
    ['half of it', () => openContextKey(sheet, ID, 'wallet', wrap().subarray(0, 40))],
    ['nothing', () => openContextKey(sheet, ID, 'wallet', new Uint8Array(0))],
    ['a point of low order', () => openContextKey(sheet, ID, 'wallet', wrap().fill(0, 0, 32))],
  ])('does not open with %s', (_, open) => {
    expect(open()).toBeNull();
  });

  it('does not open when any of its bytes was changed', () => {
    const good = wrap();
    for (let at = 0; at < good.length; at++) {
      const bad = Uint8Array.from(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      expect(openContextKey(sheet, ID, 'wallet', bad), `byte ${at}`).toBeNull();
    }
  });
});
