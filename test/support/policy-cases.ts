/**
 * How many generated cases a test of the policy room shows, and from which seed on: as many as it asks for and a new
 * seed, unless `UNLOCKD_POLICY_CASES` (a share) and `UNLOCKD_POLICY_SEED` say otherwise.
 */
import { systemEntropy } from '../../drivers/base/entropy.ts';

const { UNLOCKD_POLICY_CASES, UNLOCKD_POLICY_SEED } = process.env;

export const casesOf = (wanted: number): number => Math.ceil(wanted * Number(UNLOCKD_POLICY_CASES ?? 1));

export const freshSeed = (): number =>
  UNLOCKD_POLICY_SEED === undefined ? Buffer.from(systemEntropy.bytes(4)).readUInt32LE() : Number(UNLOCKD_POLICY_SEED);
