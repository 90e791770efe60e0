/**
 * Which factor to ask for next. Branches are tried in the order in which the policy writes their factors, passing over
 * those of which a factor cannot be had in this attempt.
 */
import type { FactorKind, FactorSignal } from '../../drivers/signal.ts';
import type { BranchReason, Decision, FactorReason, RuleReason } from '../policy/decision.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import { factorsIn } from '../policy/requirement.ts';
import type { FurtherWanted } from './state.ts';

/** The factors of a branch in the order in which the policy names them: what is asked for first stands first. */
function inWrittenOrder(policy: Pick<UnlockPolicy, 'require'>, factors: readonly FactorKind[]): readonly FactorKind[] {
  const written = factorsIn(policy.require);
  return factors.toSorted((a, b) => written.indexOf(a) - written.indexOf(b));
}

const isUnavailable = ({ finding }: { readonly finding: { readonly is: string; readonly reason?: string } }): boolean =>
  finding.is === 'unavailable' && finding.reason !== 'no-device';

/** A rule of which something cannot be observed here. A device that is absent may still come. */
const isOutOfReach = (rule: RuleReason): boolean => rule.children.length === 0 || rule.children.some(isUnavailable);

const isSurrounding = (factor: FactorKind): boolean => factor === 'phone' || factor === 'network';

/** A phone or a network of which no rule can come to hold in this attempt. */
const cannotCome = ({ factor, children }: FactorReason): boolean =>
  isSurrounding(factor) && children.every(isOutOfReach);

/** What has been found out in this attempt about what cannot be had. */
interface Limits {
  readonly givenUp: ReadonlyMap<FactorKind, FactorSignal>;
  /** Further factors that nobody is to be asked for, nor waited for. */
  readonly passesOver?: (factor: FactorKind) => boolean;
}

interface Candidate {
  readonly needed: readonly FactorKind[];
  readonly cost: number;
}

function candidateOf(
  policy: Pick<UnlockPolicy, 'require'>,
  reason: BranchReason,
  { givenUp, passesOver }: Limits,
): Candidate | null {
  if (reason.refusedAsAsserted || reason.windows.some(({ ok }) => !ok)) return null;
  const open = reason.children.filter(({ ok }) => !ok);
  if (open.length === 0 || open.some((leaf) => givenUp.has(leaf.factor) || cannotCome(leaf))) return null;
  if (passesOver !== undefined && open.some(({ factor }) => passesOver(factor))) return null;
  const needed = inWrittenOrder(
    policy,
    open.map(({ factor }) => factor),
  );
  // Nobody can present a phone or a network that is not there: what a person can do at once is asked for first.
  const absent = open.some(({ factor, finding }) => isSurrounding(factor) || finding.is === 'unavailable');
  return { needed, cost: needed.length + (absent ? reason.children.length : 0) };
}

/**
 * The next factor that would help, or null when no branch can be completed any more.
 * Branches of which no device, phone or network is missing come first, then those that need the fewest more factors, so that what is
 * there is used.
 */
export function nextFactor(
  policy: Pick<UnlockPolicy, 'require'>,
  decision: Decision,
  limits: Limits,
): FactorKind | null {
  const written = factorsIn(policy.require);
  const order = ({ branch }: BranchReason): string =>
    inWrittenOrder(policy, branch.factors)
      .map((factor) => String(written.indexOf(factor)).padStart(3, '0'))
      .join();
  let best: Candidate | null = null;
  for (const reason of decision.reasons.children.toSorted((a, b) => (order(a) < order(b) ? -1 : 1))) {
    const candidate = candidateOf(policy, reason, limits);
    if (candidate !== null && (best === null || candidate.cost < best.cost)) best = candidate;
  }
  return best?.needed[0] ?? null;
}

/**
 * The next factor that would help towards further policies than the one that opens; null: all of them are satisfied, or
 * one of them cannot be any more, and then the others are worth no gesture either. Nobody waits for what a person cannot
 * present at once: the door is open already.
 * @param judge decides on one of the policies
 */
export function nextFurther(
  { policies, notEnrolled }: FurtherWanted,
  judge: (policy: UnlockPolicy) => Decision,
  givenUp: ReadonlyMap<FactorKind, FactorSignal>,
): FactorKind | null {
  const passesOver = (factor: FactorKind): boolean => isSurrounding(factor) || notEnrolled.includes(factor);
  let next: FactorKind | null = null;
  for (const policy of policies) {
    const decision = judge(policy);
    if (decision.verdict === 'granted') continue;
    const factor = nextFactor(policy, decision, { givenUp, passesOver });
    if (factor === null) return null;
    next ??= factor;
  }
  return next;
}
