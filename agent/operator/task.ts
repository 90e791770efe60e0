/**
 * One physical thing that somebody is asked for, and who does it: a person at a terminal or a machine behind HTTP. Whether
 * it was done is seen by a detector wherever a driver can see it; nobody says "ready" for what can be seen.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { PhysicalStep } from '../../drivers/hal/operator.ts';

/** What is to be done, as data that a machine switches on. */
export type Doing =
  | { readonly do: 'touch' }
  | { readonly do: 'insert' | 'remove'; readonly key: string }
  | { readonly do: 'remove-all' }
  | PhysicalStep;

export interface Task {
  /** Different for every task of every run. Whoever is asked twice for one id does it once. */
  readonly id: string;
  readonly doing: Doing;
  /** What to do for a person: one sentence in the imperative without its full stop. */
  readonly text: string;
}

export interface Detector {
  /** What is looked for: `blue is plugged in`. */
  readonly what: string;
  /** Resolves as soon as it is so. @throws why it cannot be seen, and the signal's reason */
  until(options: { signal: AbortSignal }): Promise<void>;
}

export interface PerformOptions {
  readonly signal: AbortSignal;
  /** When the signal is going to abort, for whoever shows the time that is left. Null: nobody knows. */
  readonly endsAt: MonotonicMs | null;
}

export interface Hands extends AsyncDisposable {
  readonly kind: 'terminal' | 'http';
  /**
   * Resolves once it was done.
   * @param detector null: no driver can see it
   * @throws {ERR_OPERATOR_SKIPPED | ERR_OPERATOR_CANNOT} with `detail.reason`
   * @throws {ERR_OPERATOR_ABORTED | ERR_OPERATOR_UNREACHABLE | ERR_OPERATOR_ANSWER} and the signal's reason
   */
  perform(task: Task, detector: Detector | null, options: PerformOptions): Promise<void>;
  /** Says something that asks for nothing. */
  tell(words: string): void;
}

export const skipped = ({ text, doing }: Task, reason: string): UnlockdError =>
  new UnlockdError('ERR_OPERATOR_SKIPPED', `“${text}” was skipped: ${reason}`, { detail: { do: doing.do, reason } });
