/**
 * Asks a person for a finger or a face, as one gesture of an unlock. What a reader or its daemon says is all there is: a
 * match is a `gate`, seen by this program alone, and never bound to a key (Windows Hello's own rule for biometrics needs
 * a second factor for the same reason).
 */
import type { Milliseconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';
import type { BiometricHal, Modality, RetryReason, VerifyOutcome } from '../hal/biometric.ts';
import type { GestureSignal } from '../signal.ts';

export interface BiometricRequest {
  readonly modality: Modality;
  /** Login name of the person, as the host knows it. */
  readonly user: string;
  /** How long the person may take. */
  readonly within: Milliseconds;
  /** How long a match counts. */
  readonly validFor: Milliseconds;
  readonly clock: Clock;
  /** Called for every retry that the reader asks for; must not throw. */
  readonly onRetry?: (reason: RetryReason) => void;
  readonly signal: AbortSignal;
}

type State = Pick<Extract<GestureSignal, { state: 'satisfied' }>, 'state' | 'strength' | 'evidence'> | BadState;
type BadState =
  | Pick<Extract<GestureSignal, { state: 'unsatisfied' }>, 'state' | 'reason' | 'detail'>
  | Pick<Extract<GestureSignal, { state: 'unavailable' }>, 'state' | 'reason' | 'detail'>;

type Unavailable = Extract<VerifyOutcome, { is: 'unavailable' }>['reason'];

const MEANINGS: Readonly<Record<Unavailable, BadState>> = {
  'no-reader': { state: 'unavailable', reason: 'no-device' },
  'not-enrolled': { state: 'unsatisfied', reason: 'not-enrolled' },
  'no-permission': { state: 'unavailable', reason: 'no-permission' },
  busy: { state: 'unavailable', reason: 'failed', detail: 'somebody else uses the reader' },
  disconnected: { state: 'unavailable', reason: 'no-device', detail: 'the reader went away' },
  'timed-out': { state: 'unsatisfied', reason: 'timed-out' },
  failed: { state: 'unavailable', reason: 'failed' },
};

function stateOf(outcome: VerifyOutcome): State {
  switch (outcome.is) {
    case 'match': {
      const evidence = outcome.template === null ? {} : { template: outcome.template };
      return { state: 'satisfied', strength: 'gate', evidence };
    }
    case 'no-match':
      return { state: 'unsatisfied', reason: 'wrong' };
    case 'unavailable': {
      const meaning = MEANINGS[outcome.reason];
      return outcome.detail === null ? meaning : { ...meaning, detail: outcome.detail };
    }
  }
}

/**
 * One try.
 * @param hal null: this machine has no such part
 * @throws the reason of `signal`, and nothing else
 */
export async function verifyGesture(hal: BiometricHal | null, request: BiometricRequest): Promise<GestureSignal> {
  const { modality, user, within, validFor, clock, onRetry, signal } = request;
  signal.throwIfAborted();
  const base = (source: string, simulated: boolean) =>
    ({ kind: modality, source, observedAt: clock.now(), validFor, simulated }) as const;
  if (hal === null) return { ...base('unlockd', false), state: 'unavailable', reason: 'no-driver' };
  const outcome = await hal.verify({ modality, user, within, signal, ...(onRetry === undefined ? {} : { onRetry }) });
  return { ...base(hal.name, hal.simulated), ...stateOf(outcome) };
}
