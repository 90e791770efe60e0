/**
 * `policy lint`: what is wrong or dangerous in a policy before it is set, each with its place in the document, and in any
 * case what the weakest way in takes, in words.
 */
import type { Strength } from '../branch.ts';
import type { BranchOptions } from '../branches.ts';
import type { ContextName, PolicyDocument } from '../model.ts';
import { opensWith, weakest } from '../words.ts';
import { contextsToLint, lintContexts } from './lint/contexts.ts';
import { lintDocument } from './lint/document.ts';
import { finding, type LintFinding, type Severity } from './lint/finding.ts';
import { lintRules } from './lint/rules.ts';
import { lintSubsumed } from './lint/subsumed.ts';
import { lintWeakPoints } from './lint/weak-points.ts';
import type { UserFacts } from './risk.ts';

export interface LintFacts extends BranchOptions {
  /** What users have enrolled; null: not known, so people are made up. */
  readonly users?: readonly UserFacts[] | null;
}

export interface LintReport {
  /** Errors first, then risks, then notes. */
  readonly findings: readonly LintFinding[];
  readonly weakest: readonly {
    readonly context: ContextName;
    /** Null: there is no way in. */
    readonly strength: Strength | null;
    /** `this machine + the PIN`. */
    readonly words: string;
  }[];
}

const ORDER: Readonly<Record<Severity, number>> = { error: 0, risk: 1, note: 2 };

/** Total: whatever document was read, it has a report. */
export function lint(document: PolicyDocument, facts: LintFacts): LintReport {
  const contexts = contextsToLint(document, facts);
  const used = new Set(contexts.flatMap(({ branches }) => branches.flatMap(({ rules }) => rules)));
  const wantsPin = contexts.some(({ branches }) => branches.some(({ factors }) => factors.includes('pin')));
  const findings = [
    ...lintContexts(document, contexts),
    ...lintWeakPoints(document, contexts, facts, facts.users ?? null),
    ...lintRules(document, used),
    ...lintSubsumed(document, contexts),
    ...lintDocument(document, contexts),
    ...(wantsPin && !facts.pinIsBound
      ? [
          finding(
            'pin-not-bound',
            'contexts',
            'the TPM does not limit tries at the PIN here, so a PIN is only observed',
          ),
        ]
      : []),
  ];
  return {
    findings: findings.toSorted((a, b) => ORDER[a.severity] - ORDER[b.severity]),
    weakest: contexts.map(({ name, branches }) => ({
      context: name,
      strength: weakest(branches),
      words: opensWith(branches),
    })),
  };
}

/** The report for people. */
export const lintWords = ({ findings, weakest: least }: LintReport): readonly string[] => [
  ...findings.map(({ severity, code, element, message }) => `${severity}: ${element}: ${message} [${code}]`),
  ...least.map(({ context, strength, words }) =>
    strength === null
      ? `${context}: opens with nothing`
      : `${context}: the weakest way in opens with ${words} (${strength})`,
  ),
];
