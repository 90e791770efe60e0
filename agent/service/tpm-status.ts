/** What the TPM says of itself, for `status` and `doctor`. Absent or refusing hardware is a value. */
import type { Tpm } from '../../drivers/tpm2/index.ts';
import { getProperties, TPM_PT } from '../../drivers/tpm2/index.ts';
import type { TpmStatus } from '../api/ports.ts';
import { toRefusal } from '../api/refusal.ts';
import { guessesPerDay, type Lockout, lockedForSeconds, readLockout } from '../container/lockout.ts';

const text = (...words: readonly number[]): string =>
  words
    .flatMap((word) => [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff])
    .filter((code) => code >= 0x20 && code < 0x7f)
    .map((code) => String.fromCharCode(code))
    .join('')
    .trim();

export interface TpmIdentity {
  readonly manufacturer: string;
  readonly vendor: string;
}

async function readIdentity(tpm: Tpm): Promise<TpmIdentity> {
  const properties = await getProperties(tpm, TPM_PT.MANUFACTURER, 8);
  const at = (property: number): number => properties.get(property) ?? 0;
  const { VENDOR_STRING_1, VENDOR_STRING_2, VENDOR_STRING_3, VENDOR_STRING_4 } = TPM_PT;
  const vendor = text(at(VENDOR_STRING_1), at(VENDOR_STRING_2), at(VENDOR_STRING_3), at(VENDOR_STRING_4));
  return { manufacturer: text(at(TPM_PT.MANUFACTURER)), vendor };
}

/** A software TPM keeps its state in files: whoever copies them has unlimited tries. */
export const testDoubleOf = ({ manufacturer, vendor }: TpmIdentity): string | null =>
  manufacturer === 'IBM' || /^SW\b/.test(vendor) ? 'IBM SW TPM: a test double, no protection' : null;

const lockoutStatus = (lockout: Lockout): NonNullable<TpmStatus['lockout']> => ({
  counter: lockout.counter,
  maxTries: lockout.maxTries,
  recoverySeconds: lockout.recoverySeconds,
  lockoutAuthSet: lockout.lockoutAuthSet,
  lockedForSeconds: lockedForSeconds(lockout),
  guessesPerDay: guessesPerDay(lockout),
});

/**
 * @param withTpm runs an operation on the TPM
 * @param setUp whether this machine has been set up
 * @returns never throws for hardware reasons: what went wrong is in `problem`
 */
export async function readTpmStatus(
  description: string,
  setUp: boolean,
  withTpm: <T>(use: (tpm: Tpm) => Promise<T>) => Promise<T>,
): Promise<{ readonly status: TpmStatus; readonly lockout: Lockout | null }> {
  try {
    const { identity, lockout } = await withTpm(async (tpm) => ({
      identity: await readIdentity(tpm),
      lockout: await readLockout(tpm),
    }));
    const testDouble = testDoubleOf(identity);
    const status = { description, manufacturer: identity.manufacturer, testDouble, reachable: true, setUp };
    return { status: { ...status, lockout: lockoutStatus(lockout), problem: null }, lockout };
  } catch (error) {
    const problem = toRefusal(error);
    const status = {
      description,
      manufacturer: null,
      testDouble: null,
      reachable: false,
      setUp,
      lockout: null,
      problem,
    };
    return { status, lockout: null };
  }
}
