/**
 * `evaluate()`: policy and signals in, decision out. Pure and total: no clock, no input or output, and whatever stands
 * in a signal it returns. More satisfied factors never turn a grant into a denial; what is stale, simulated,
 * unavailable or from the future never grants.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import type { FactorKind, FactorSignal } from '../../drivers/signal.ts';
import type { Branch } from './branch.ts';
import { absorbSupersets, branchesOf } from './branches.ts';
import type { BranchReason, Decision, FactorReason, Finding } from './decision.ts';
import type { UnlockPolicy } from './model.ts';
import { compareStrength } from './words.ts';

export interface EvaluateOptions {
  /** True: the machine itself is simulated, so simulated signals count. */
  readonly machineSimulated: boolean;
  /** See `BranchOptions`. */
  readonly pinIsBound: boolean;
}

export type Snapshot = ReadonlyMap<FactorKind, FactorSignal>;

const made = new WeakSet<Decision>();

/** True when `evaluate()` made this very object. */
export const isEvaluated = (decision: Decision): boolean => made.has(decision);

const wellFormed = (signal: FactorSignal, factor: FactorKind): boolean =>
  signal.factor === factor &&
  Number.isFinite(signal.observedAt) &&
  Number.isFinite(signal.validFor) &&
  typeof signal.simulated === 'boolean' &&
  (signal.state === 'satisfied' || signal.state === 'unsatisfied' || signal.state === 'unavailable');

function find(
  factor: FactorKind,
  bound: boolean,
  signal: FactorSignal | undefined,
  now: MonotonicMs,
  policy: UnlockPolicy,
  machineSimulated: boolean,
): Finding {
  if (signal === undefined) return { is: 'missing' };
  if (!wellFormed(signal, factor) || !Number.isFinite(now)) return { is: 'malformed' };
  if (signal.simulated && !machineSimulated) return { is: 'simulated' };
  if (signal.observedAt > now) return { is: 'from-the-future' };
  if (signal.state === 'unsatisfied') return { is: 'unsatisfied', reason: signal.reason };
  if (signal.state === 'unavailable') return { is: 'unavailable', reason: signal.reason };
  // A bound factor of which there is only an observation (a key that is plugged in) proves nothing to the TPM.
  if (bound && signal.strength !== 'bound') return { is: 'only-observed' };
  const limit = policy.freshnessSeconds[factor];
  const allowedMs = limit === undefined ? signal.validFor : Math.min(signal.validFor, limit * 1000);
  // Written so that a limit that is not a number refuses.
  return now - signal.observedAt <= allowedMs ? { is: 'satisfied' } : { is: 'stale', allowedMs };
}

function leaf(
  factor: FactorKind,
  branch: Branch,
  signal: FactorSignal | undefined,
  now: MonotonicMs,
  policy: UnlockPolicy,
  options: EvaluateOptions,
): FactorReason {
  const bound = branch.bound.includes(factor);
  const finding = find(factor, bound, signal, now, policy, options.machineSimulated);
  const readable = signal !== undefined && finding.is !== 'malformed';
  return Object.freeze({
    kind: 'factor',
    ok: finding.is === 'satisfied',
    factor,
    finding: Object.freeze(finding),
    strength: bound ? 'bound' : 'gate',
    ageMs: readable ? now - signal.observedAt : null,
    source: readable ? signal.source : null,
    evidence: Object.freeze(readable && signal.state === 'satisfied' ? { ...signal.evidence } : {}),
    detail: readable && signal.state !== 'satisfied' ? (signal.detail ?? null) : null,
  });
}

function judge(
  branch: Branch,
  snapshot: Snapshot,
  now: MonotonicMs,
  policy: UnlockPolicy,
  options: EvaluateOptions,
): BranchReason {
  const children = branch.factors.map((f) => leaf(f, branch, snapshot.get(f), now, policy, options));
  const refusedAsAsserted = branch.strength === 'asserted' && policy.acceptAsserted !== true;
  return Object.freeze({
    kind: 'branch',
    ok: !refusedAsAsserted && children.every(({ ok }) => ok),
    branch,
    refusedAsAsserted,
    children: Object.freeze(children),
  });
}

/** The fewest factors that are not satisfied, over all branches that the policy accepts. */
function waysToSatisfied(branches: readonly BranchReason[]): readonly (readonly FactorKind[])[] {
  const ways = branches
    .filter(({ refusedAsAsserted }) => !refusedAsAsserted)
    .map(({ children }) => children.filter(({ ok }) => !ok).map(({ factor }) => factor));
  const fewest = Math.min(...ways.map(({ length }) => length));
  return Object.freeze(
    absorbSupersets(ways.filter(({ length }) => length === fewest)).map((way) => Object.freeze(way)),
  );
}

/**
 * Decides. Where several branches are satisfied the strongest one is taken, and of equals the first in canonical order.
 * @param snapshot the freshest signal of each factor
 * @param now on the same monotonic clock as `observedAt`
 * @returns a frozen decision, which `grantFor` accepts once if it is a grant
 */
export function evaluate(
  policy: UnlockPolicy,
  snapshot: Snapshot,
  now: MonotonicMs,
  options: EvaluateOptions,
): Decision {
  const children = branchesOf(policy, options).map((branch) => judge(branch, snapshot, now, policy, options));
  const best = children
    .filter(({ ok }) => ok)
    .reduce<BranchReason | undefined>(
      (most, next) =>
        most === undefined || compareStrength(next.branch.strength, most.branch.strength) > 0 ? next : most,
      undefined,
    );
  const reasons = Object.freeze({ kind: 'policy', ok: best !== undefined, children: Object.freeze(children) } as const);
  const decision: Decision = Object.freeze(
    best === undefined
      ? { verdict: 'denied', at: now, reasons, missing: waysToSatisfied(children) }
      : {
          verdict: 'granted',
          at: now,
          reasons,
          branch: best.branch,
          strength: best.branch.strength,
          missing: [] as const,
        },
  );
  made.add(decision);
  return decision;
}
