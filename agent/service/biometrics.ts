/**
 * Fingers and faces: asked for through the reader of the machine, whose word is all there is. They are observed, never
 * bound; what the reader says counts only for users for whom it was put into the container.
 */
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { RetryReason, VerifyOutcome } from '../../drivers/hal/biometric.ts';
import type { Biometric } from '../container/state.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import { factorsIn } from '../policy/requirement.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import type { ServiceParts } from './parts.ts';

const WANTED: Readonly<Record<Biometric, string>> = {
  fingerprint: 'Put your finger on the reader',
  face: 'Look at the camera',
};

const AGAIN: Readonly<Record<RetryReason, string>> = {
  unclear: 'the reader could not see it well',
  'too-short': 'that was too short',
  'not-centered': 'not in the middle',
  'remove-and-retry': 'lift it and put it down again',
  'too-fast': 'that was too fast',
};

const UNAVAILABLE_WORDS: Readonly<Record<Extract<VerifyOutcome, { is: 'unavailable' }>['reason'], string>> = {
  'no-reader': 'there is no reader',
  'not-enrolled': 'nothing is enrolled with the reader for this user',
  'no-permission': 'the daemon may not use the reader',
  busy: 'somebody else uses the reader',
  disconnected: 'the reader went away',
  'timed-out': 'nothing was shown in time',
  failed: 'the reader failed',
};

/** Asks for one finger or face. @throws the reason of `signal` */
export async function verifyBiometric(
  parts: ServiceParts,
  run: CeremonyRun,
  modality: Biometric,
  signal: AbortSignal,
): Promise<VerifyOutcome> {
  const { biometric } = parts;
  if (biometric === null) return { is: 'unavailable', reason: 'no-reader', detail: null };
  const text = WANTED[modality];
  run.emit({ type: 'biometric', modality, text, again: null });
  return await biometric.verify({
    modality,
    user: parts.userName(run.uid),
    within: parts.settings.touchWithin,
    onRetry: (reason) => run.emit({ type: 'biometric', modality, text, again: AGAIN[reason] }),
    signal,
  });
}

/** @throws {ERR_BIOMETRIC_NOT_VERIFIED | ERR_BIOMETRIC_UNAVAILABLE} */
export function requireMatch(modality: Biometric, outcome: VerifyOutcome): void {
  if (outcome.is === 'match') return;
  if (outcome.is === 'no-match') {
    throw new UnlockdError('ERR_BIOMETRIC_NOT_VERIFIED', `the ${modality} was not recognised`);
  }
  const { reason, detail } = outcome;
  throw new UnlockdError('ERR_BIOMETRIC_UNAVAILABLE', `${modality}: ${UNAVAILABLE_WORDS[reason]}`, {
    detail: { reason, detail },
  });
}

const isBiometric = (factor: string): factor is Biometric => factor === 'fingerprint' || factor === 'face';

/** Fingers and faces that a policy takes. */
export const biometricsIn = (policy: UnlockPolicy): readonly Biometric[] =>
  factorsIn(policy.require).filter(isBiometric);

/**
 * What of the policy's fingers and faces the reader of this machine knows of the user, for a container that is made.
 * A reader that cannot be asked knows nothing: the container is made without.
 */
export async function knownBiometrics(
  parts: ServiceParts,
  policies: readonly UnlockPolicy[],
  user: string,
  signal: AbortSignal,
): Promise<readonly Biometric[]> {
  const { biometric } = parts;
  const wanted = [...new Set(policies.flatMap(biometricsIn))];
  const known: Biometric[] = [];
  for (const modality of biometric === null ? [] : wanted) {
    try {
      if ((await biometric?.enrolled(user, modality, { signal }))?.length) known.push(modality);
    } catch (error) {
      if (!isUnlockdError(error) || signal.aborted) throw error;
    }
  }
  return known;
}
