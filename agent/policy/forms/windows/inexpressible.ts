/**
 * What an export cannot say, as a list of reasons: a policy is written whole or not at all, and never weaker than it was.
 */
import { UnlockdError } from '../../../../drivers/base/errors.ts';

export interface Inexpressible {
  /** The setting, rule or factor. */
  readonly what: string;
  /** Why the form has no words for it; a sentence for people. */
  readonly words: string;
}

export class InexpressibleError extends UnlockdError {
  readonly reasons: readonly Inexpressible[];

  constructor(reasons: readonly Inexpressible[]) {
    const [first] = reasons;
    const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : '';
    super('ERR_POLICY_NOT_WINDOWS', `${first?.what ?? ''}: ${first?.words ?? ''}${more}`, {
      detail: { reasons: reasons.length, what: first?.what ?? '' },
    });
    this.reasons = reasons;
  }
}

/** @throws {ERR_POLICY_NOT_WINDOWS} an {@link InexpressibleError} where there is a reason */
export function refuseInexpressible(reasons: readonly Inexpressible[]): void {
  if (reasons.length > 0) throw new InexpressibleError(reasons);
}
