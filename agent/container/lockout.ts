/**
 * The dictionary-attack protection of the TPM (Part 1 §19.8): what it is set to, what is left of it, and what it is
 * worth to a PIN.
 */
import { getProperties, TPM_PT, TPMA_PERMANENT, type Tpm } from '../../drivers/tpm2/index.ts';

export interface Lockout {
  /** Wrong values that count now. */
  readonly counter: number;
  readonly maxTries: number;
  /** Seconds until one is forgotten; 0: the protection is off. */
  readonly recoverySeconds: number;
  /** Seconds for which a wrong lockoutAuth locks lockoutAuth itself. */
  readonly lockoutRecoverySeconds: number;
  readonly lockoutAuthSet: boolean;
  readonly ownerAuthSet: boolean;
  readonly inLockout: boolean;
}

/** What set-up sets, and what a foreign setting must not be weaker than. */
export const DICTIONARY_ATTACK = { maxTries: 32, recoveryTime: 600, lockoutRecovery: 86_400 } as const;

export async function readLockout(tpm: Tpm): Promise<Lockout> {
  const properties = await getProperties(tpm, TPM_PT.PERMANENT, 0x20);
  const value = (property: number): number => properties.get(property) ?? 0;
  const permanent = value(TPM_PT.PERMANENT);
  return {
    counter: value(TPM_PT.LOCKOUT_COUNTER),
    maxTries: value(TPM_PT.MAX_AUTH_FAIL),
    recoverySeconds: value(TPM_PT.LOCKOUT_INTERVAL),
    lockoutRecoverySeconds: value(TPM_PT.LOCKOUT_RECOVERY),
    lockoutAuthSet: (permanent & TPMA_PERMANENT.LOCKOUT_AUTH_SET) !== 0,
    ownerAuthSet: (permanent & TPMA_PERMANENT.OWNER_AUTH_SET) !== 0,
    inLockout: (permanent & TPMA_PERMANENT.IN_LOCKOUT) !== 0,
  };
}

/**
 * Guesses that a thief of the whole machine has in a day, once the first `maxTries` are spent. Null: no limit, because
 * the protection is off or anybody may reset it.
 */
export function guessesPerDay(lockout: Lockout): number | null {
  if (!lockout.lockoutAuthSet || lockout.maxTries === 0 || lockout.recoverySeconds === 0) return null;
  return Math.floor(86_400 / lockout.recoverySeconds);
}

/** True when a PIN may count as bound: nobody but the owner of lockoutAuth resets the counter, and it is slow enough. */
export const protectsPin = (lockout: Lockout): boolean =>
  lockout.lockoutAuthSet &&
  lockout.maxTries > 0 &&
  lockout.maxTries <= DICTIONARY_ATTACK.maxTries &&
  lockout.recoverySeconds >= DICTIONARY_ATTACK.recoveryTime;

/** Upper bound, in seconds, until the TPM answers again; 0: it answers now. */
export const lockedForSeconds = (lockout: Lockout): number => (lockout.inLockout ? lockout.recoverySeconds : 0);

export const tpmTriesLeft = (lockout: Lockout): number => Math.max(0, lockout.maxTries - lockout.counter);
