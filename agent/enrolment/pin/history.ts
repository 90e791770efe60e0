/**
 * The PINs that may not come again, and when a PIN has to be changed (Windows PINComplexity `History`, `Expiration`).
 * The history keeps derived hashes, each with a salt of its own; the derivation is handed in, and the entries are to
 * be stored encrypted under the container key only.
 */
import { timingSafeEqual } from 'node:crypto';
import type { UnixMs } from '../../../drivers/base/brand.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import type { PinRules } from '../../policy/model.ts';

export interface PinHistoryEntry {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** The same derivation for every entry: a hash of the normalised PIN under the salt. The caller disposes it. */
export type DerivePinHash = (pin: Secret, salt: Uint8Array) => Promise<Secret>;

/**
 * @param entries newest first; the current PIN is the first one
 * @throws {ERR_PIN_REUSED} when the PIN is one of the newest `rules.history` entries
 */
export async function requireNotInHistory(
  pin: Secret,
  entries: readonly PinHistoryEntry[],
  rules: Pick<PinRules, 'history'>,
  derive: DerivePinHash,
): Promise<void> {
  let found = false;
  for (const { salt, hash } of entries.slice(0, rules.history)) {
    const candidate = await derive(pin, salt);
    try {
      const bytes = candidate.expose();
      // No early end: how long it takes does not say which entry it was.
      if (bytes.length === hash.length && timingSafeEqual(bytes, hash)) found = true;
    } finally {
      candidate.dispose();
    }
  }
  if (found) {
    throw new UnlockdError('ERR_PIN_REUSED', `the PIN is one of the last ${rules.history}`, {
      detail: { history: rules.history },
    });
  }
}

const DAY_MS = 86_400_000;

/**
 * When the PIN has to be changed. Civil time decides, so setting the clock back postpones it: this is a rule of
 * hygiene, not a protection.
 * @returns null when the policy knows no expiry; `daysLeft` is rounded up, 0 when it has expired
 */
export function pinExpiry(
  setAt: UnixMs,
  rules: Pick<PinRules, 'expiryDays'>,
  now: UnixMs,
): { readonly expired: boolean; readonly daysLeft: number } | null {
  if (rules.expiryDays === 0) return null;
  const left = setAt + rules.expiryDays * DAY_MS - now;
  return { expired: left <= 0, daysLeft: Math.min(rules.expiryDays, Math.max(0, Math.ceil(left / DAY_MS))) };
}
