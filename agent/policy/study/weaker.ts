/**
 * What a new document gives up, context by context: one that is not named any more, and one that grants where it denied
 * before, each with one example. For whoever sets a policy, before it is set and after.
 */
import { type BranchOptions, branchesOf } from '../branches.ts';
import { CONTEXT_NAMES, type ContextName, type PolicyDocument, policyFor } from '../model.ts';
import { compareStrength, opensWith, weakest } from '../words.ts';
import { type Difference, firstGrantedOnlyBy } from './diff.ts';
import { exampleWords, wayWords } from './diff-words.ts';

export interface WeakerContext {
  readonly context: ContextName;
  /** It had a policy of its own and a key of its own, and has that of `unlock` from now on. */
  readonly dropped: boolean;
  /** A situation that opens it now and did not before; null: none was found. */
  readonly difference: Difference | null;
  /** Why one may be there all the same; empty: there is none. */
  readonly bounds: readonly string[];
  /** The strength of the weakest pair before and after, where it got weaker: `bound-2 -> bound-1, opens with …`. */
  readonly strength: string | null;
}

export interface WeakerOptions extends BranchOptions {
  /** Rules of both documents together, up to which situations are compared; left out: as for a comparison by hand. */
  readonly rules?: number;
}

function strengthOf(before: PolicyDocument, after: PolicyDocument, context: ContextName, options: BranchOptions) {
  const [a, b] = [before, after].map((document) => branchesOf(policyFor(document, context), options));
  const [was, is] = [weakest(a ?? []), weakest(b ?? [])];
  if (was === null || is === null || compareStrength(is, was) >= 0) return null;
  return `${was} -> ${is}, opens with ${opensWith(b ?? [])}`;
}

/** Contexts that are dropped, or that `after` opens in a situation in which `before` did not. */
export function weakerContexts(
  before: PolicyDocument,
  after: PolicyDocument,
  options: WeakerOptions,
): readonly WeakerContext[] {
  return CONTEXT_NAMES.flatMap((context): readonly WeakerContext[] => {
    const [was, is] = [before.contexts[context] !== undefined, after.contexts[context] !== undefined];
    if (!was && !is) return [];
    const dropped = was && !is;
    const { difference, bounds } = firstGrantedOnlyBy(policyFor(after, context), policyFor(before, context), options);
    const strength = strengthOf(before, after, context, options);
    if (!dropped && difference === null && bounds.length === 0 && strength === null) return [];
    return [{ context, dropped, difference, bounds, strength }];
  });
}

/** One sentence for each, and for each thing that is to be known of it. */
export const weakerWords = ({ context, dropped, difference, bounds, strength }: WeakerContext): readonly string[] => [
  ...(dropped
    ? [
        `the context ${context} is dropped: it has the policy of unlock, and at each user's next unlock its own key goes, with whatever is encrypted under it`,
      ]
    : []),
  ...(difference === null
    ? [
        ...(strength === null ? [] : [`${context} is weaker than before (${strength})`]),
        ...bounds.map((bound) => `${context}: whether it is weaker than before was not found out: ${bound}`),
      ]
    : [
        `${context} is weaker than before${strength === null ? '' : ` (${strength})`}: ${wayWords(difference.way)} opens it now and did not; ${exampleWords(difference)}`,
      ]),
];
