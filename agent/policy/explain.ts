/**
 * The reason tree as lines of words. Every leaf says which factor, what was found, since when, from which source, and
 * whether the TPM enforces it (`bound`) or only this program saw it (`gate`).
 */
import type { FactorKind } from '../../drivers/signal.ts';
import type { Decision, FactorReason, Finding, RuleReason, SignalReason, WindowReason } from './decision.ts';
import { UNAVAILABLE_WORDS, UNSATISFIED_WORDS } from './signal-words.ts';
import { branchOpensWith, factorName, factorsWords, factorWords } from './words.ts';

/** One line of the reasons; the shape that the API carries. */
export interface ReasonLine {
  readonly depth: number;
  readonly ok: boolean;
  readonly text: string;
}

const span = (ms: number): string => (ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`);

function findingWords(finding: Finding): string {
  switch (finding.is) {
    case 'satisfied':
      return 'satisfied';
    case 'missing':
      return 'not presented';
    case 'unsatisfied':
      return UNSATISFIED_WORDS[finding.reason] ?? 'not satisfied';
    case 'unavailable':
      return `unavailable: ${UNAVAILABLE_WORDS[finding.reason] ?? 'unknown reason'}`;
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
    case 'no-match':
      return 'not as the rule asks';
    case 'no-rule-holds':
      return finding.rules === 1 ? 'its rule does not hold' : `none of its ${finding.rules} rules holds`;
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

/** Above this many, only what comes closest is written out: nobody reads a thousand rules that do not hold. */
const RULES_WRITTEN_OUT = 8;

const sincePart = (ageMs: number | null): string[] => (ageMs !== null && ageMs >= 0 ? [`${span(ageMs)} old`] : []);

function signalLines(signal: SignalReason, depth: number): ReasonLine[] {
  const facts = [...(signal.source === null ? [] : [`source: ${signal.source}`]), ...sincePart(signal.ageMs)];
  if (signal.detail !== null) facts.push(signal.detail);
  const note = facts.length === 0 ? '' : ` (${facts.join(', ')})`;
  const where = signal.where === null ? '' : ` on ${signal.where}`;
  const own = { depth, ok: signal.ok, text: `${signal.type}${where}: ${findingWords(signal.finding)}${note}` };
  const elements = signal.children.map(({ ok, element, expected, found, source }) => {
    const told = source === undefined ? '' : ` (source: ${source})`;
    const text = ok ? `${found ?? expected}${told}` : `${found ?? 'not known'}${told}, asked for is ${expected}`;
    return { depth: depth + 1, ok, text: `${element}: ${text}` };
  });
  return [own, ...elements];
}

const closeness = (rule: RuleReason): number =>
  rule.children.reduce((sum, signal) => {
    const held = signal.children.filter(({ ok }) => ok).length;
    return sum + (signal.ok ? 1 : held / (signal.children.length + 1));
  }, 0) / Math.max(1, rule.children.length);

/** Where one holds, that one; otherwise all of them, or of many those that come closest. */
function ruleLines(rules: readonly RuleReason[], depth: number): ReasonLine[] {
  const held = rules.find(({ ok }) => ok);
  const byCloseness = () => rules.toSorted((a, b) => closeness(b) - closeness(a));
  const few = rules.length <= RULES_WRITTEN_OUT;
  const shown = held !== undefined ? [held] : few ? rules : byCloseness().slice(0, RULES_WRITTEN_OUT);
  const lines = shown.flatMap((rule) => [
    { depth, ok: rule.ok, text: `rule ${rule.rule}: ${rule.ok ? 'holds' : 'does not hold'}` },
    ...rule.children.flatMap((signal) => signalLines(signal, depth + 1)),
  ]);
  if (held === undefined && !few) {
    lines.push({ depth, ok: false, text: `and ${rules.length - shown.length} more rules that do not hold` });
  }
  return lines;
}

const windowLine = ({ ok, window, expected, found }: WindowReason, depth: number): ReasonLine => ({
  depth,
  ok,
  text: `during ${window}: ${expected}${ok ? '' : `, it is ${found ?? 'not known what time it is'}`} [gate: only observed]`,
});

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

/** One factor that is not satisfied: each way in which it would be, down to the element. */
export function explainFactor(
  decision: Decision,
  factor: FactorKind,
): { readonly leaves: readonly FactorReason[]; readonly lines: readonly ReasonLine[] } {
  const open = leavesOf(decision).filter((leaf) => leaf.factor === factor && !leaf.ok);
  const ruled = (leaf: FactorReason): string => leaf.children.map(({ rule }) => rule).join();
  const leaves = open.filter((leaf, i) => open.findIndex((other) => ruled(other) === ruled(leaf)) === i);
  const lines = leaves.flatMap((leaf) => [
    { depth: 0, ok: leaf.ok, text: leafLine(leaf) },
    ...ruleLines(leaf.children, 1),
  ]);
  return { leaves, lines };
}

/** What was written out once is not written out again: the second time it is only said where it stands. */
function factorLines(leaf: FactorReason, written: Set<string>): readonly ReasonLine[] {
  const rules = ruleLines(leaf.children, 3);
  const text = leafLine(leaf);
  const key = JSON.stringify([leaf.factor, rules]);
  if (rules.length > 0 && written.has(key)) return [{ depth: 2, ok: leaf.ok, text: `${text}: the rules as above` }];
  written.add(key);
  return [{ depth: 2, ok: leaf.ok, text }, ...rules];
}

/** The whole tree, from the verdict down to each factor. */
export function explain(decision: Decision): readonly ReasonLine[] {
  const written = new Set<string>();
  const lines: ReasonLine[] = [
    decision.verdict === 'granted'
      ? { depth: 0, ok: true, text: `granted by ${factorsWords(decision.branch.factors)} (${decision.strength})` }
      : { depth: 0, ok: false, text: 'denied: no pair of factors of the policy is satisfied' },
  ];
  for (const { ok, branch, refusedAsAsserted, windows, children } of decision.reasons.children) {
    const refused = refusedAsAsserted ? '; refused, as the policy does not accept asserted pairs' : '';
    const opens = `${branch.strength}, opens with ${branchOpensWith(branch)}`;
    lines.push({ depth: 1, ok, text: `${factorsWords(branch.factors)} (${opens})${refused}` });
    for (const window of windows) lines.push(windowLine(window, 2));
    lines.push(...children.flatMap((leaf) => factorLines(leaf, written)));
  }
  const missing = stillMissing(decision);
  if (missing.length > 0) lines.push({ depth: 0, ok: false, text: `missing: ${missingWords(missing)}` });
  return lines;
}
