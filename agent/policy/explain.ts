/**
 * The reason tree as lines of words. Every leaf says which factor, what was found, since when, from which source, and
 * whether the TPM enforces it (`bound`) or only this program saw it (`gate`).
 */
import type { FactorKind, UnavailableReason, UnsatisfiedReason } from '../../drivers/signal.ts';
import type { Decision, FactorReason, Finding } from './decision.ts';
import { branchOpensWith, factorName, factorsWords, factorWords } from './words.ts';

/** One line of the reasons; the shape that the API carries. */
export interface ReasonLine {
  readonly depth: number;
  readonly ok: boolean;
  readonly text: string;
}

const UNSATISFIED: Readonly<Record<UnsatisfiedReason, string>> = {
  'not-presented': 'not presented',
  wrong: 'wrong',
  'not-enrolled': 'not enrolled for this user',
  'wrong-device': 'another device than the enrolled one',
  'not-verified': 'user not verified by the device',
  cancelled: 'cancelled',
  'timed-out': 'not presented in time',
  expired: 'expired',
};

const UNAVAILABLE: Readonly<Record<UnavailableReason, string>> = {
  'no-device': 'no device',
  'no-permission': 'the device may not be opened',
  'no-driver': 'no driver for it',
  'locked-out': 'locked out after too many wrong tries',
  unsupported: 'not supported here',
  failed: 'the device failed',
};

const span = (ms: number): string => (ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`);

function findingWords(finding: Finding): string {
  switch (finding.is) {
    case 'satisfied':
      return 'satisfied';
    case 'missing':
      return 'not presented';
    case 'unsatisfied':
      return UNSATISFIED[finding.reason] ?? 'not satisfied';
    case 'unavailable':
      return `unavailable: ${UNAVAILABLE[finding.reason] ?? 'unknown reason'}`;
    case 'stale':
      return `too old (counts for ${span(Math.max(0, finding.allowedMs))})`;
    case 'simulated':
      return 'simulated, and this machine is not';
    case 'only-observed':
      return 'seen, but not proved to the TPM';
    case 'from-the-future':
      return 'observed later than now; its clock is wrong';
    case 'malformed':
      return 'the signal is malformed';
  }
}

/** `user not verified` for a fact that is false, `firmware version 5` for one with a value. */
function evidenceWords(name: string, value: string | number | boolean): string {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  if (typeof value !== 'boolean') return `${words} ${value}`;
  return value ? words : words.replace(/\S+$/, 'not $&');
}

function leafLine(leaf: FactorReason): string {
  const bound = leaf.strength === 'bound';
  const facts = [bound ? 'bound: the TPM checks it' : 'gate: only observed'];
  if (leaf.ageMs !== null && leaf.ageMs >= 0) facts.push(`${span(leaf.ageMs)} ago`);
  if (leaf.source !== null && !(bound && leaf.source === 'TPM')) facts.push(`from ${leaf.source}`);
  for (const [name, value] of Object.entries(leaf.evidence)) facts.push(evidenceWords(name, value));
  if (leaf.detail !== null) facts.push(leaf.detail);
  return `${factorName(leaf.factor)}: ${findingWords(leaf.finding)} [${facts.join('; ')}]`;
}

/** `a security key` or `the PIN + a face`, one entry for each shortest way to a grant. */
export const missingWords = (missing: readonly (readonly FactorKind[])[]): string =>
  missing.map((way) => factorsWords(way)).join(', or ');

/** Presented, and not accepted; or kept from being presented. Neither is "missing": presenting it again is no advice. */
function isRefused(finding: Finding): boolean {
  if (finding.is === 'unavailable') return finding.reason === 'locked-out';
  return (
    finding.is === 'unsatisfied' && ['wrong', 'not-enrolled', 'wrong-device', 'not-verified'].includes(finding.reason)
  );
}

const leavesOf = (decision: Decision): readonly FactorReason[] =>
  decision.reasons.children.flatMap(({ children }) => children);

/** What is missing, without the factors that were given and refused. */
export function stillMissing(decision: Decision): readonly (readonly FactorKind[])[] {
  const leaves = leavesOf(decision);
  const refused = (factor: FactorKind): boolean =>
    leaves.some((leaf) => leaf.factor === factor && isRefused(leaf.finding));
  return decision.missing.map((way) => way.filter((factor) => !refused(factor))).filter((way) => way.length > 0);
}

/** `the PIN (wrong)`, `the PIN (locked out after too many wrong tries)`; empty when nothing was refused. */
export function refusedWords(decision: Decision): string {
  const words = leavesOf(decision).flatMap(({ factor, finding }) => {
    if (!isRefused(finding)) return [];
    return [`${factorWords(factor)} (${findingWords(finding).replace(/^unavailable: /, '')})`];
  });
  return [...new Set(words)].join(', ');
}

/** True when every pair that could still be completed here needs `factor`: nothing helps before it is there again. */
export function waitsFor(decision: Decision, factor: FactorKind): boolean {
  const possible = decision.reasons.children.filter(
    ({ refusedAsAsserted, children }) =>
      !refusedAsAsserted && children.every((leaf) => leaf.factor === factor || leaf.finding.is !== 'unavailable'),
  );
  return possible.every(({ children }) => children.some((leaf) => leaf.factor === factor && !leaf.ok));
}

/** The whole tree, from the verdict down to each factor. */
export function explain(decision: Decision): readonly ReasonLine[] {
  const lines: ReasonLine[] = [
    decision.verdict === 'granted'
      ? { depth: 0, ok: true, text: `granted by ${factorsWords(decision.branch.factors)} (${decision.strength})` }
      : { depth: 0, ok: false, text: 'denied: no pair of factors of the policy is satisfied' },
  ];
  for (const { ok, branch, refusedAsAsserted, children } of decision.reasons.children) {
    const refused = refusedAsAsserted ? '; refused, as the policy does not accept asserted pairs' : '';
    const opens = `${branch.strength}, opens with ${branchOpensWith(branch)}`;
    lines.push({ depth: 1, ok, text: `${factorsWords(branch.factors)} (${opens})${refused}` });
    for (const leaf of children) lines.push({ depth: 2, ok: leaf.ok, text: leafLine(leaf) });
  }
  const missing = stillMissing(decision);
  if (missing.length > 0) lines.push({ depth: 0, ok: false, text: `missing: ${missingWords(missing)}` });
  return lines;
}
