/** What is wrong with a context: ways in that are none, that open at no time, or that are weaker than they look. */
import type { FactorKind } from '../../../../drivers/signal.ts';
import type { Branch } from '../../branch.ts';
import { type BranchOptions, branchesOf } from '../../branches.ts';
import { twoLists } from '../../lists.ts';
import { type ContextName, contextsOf, type PolicyDocument, policyFor } from '../../model.ts';
import { type FactorName, namesIn, type Requirement } from '../../requirement.ts';
import { factorOfRule } from '../../rules.ts';
import { localTimeWords } from '../../time-window.ts';
import { branchOpensWith, compareStrength, factorsWords, factorWords, weakest } from '../../words.ts';
import { localTimeAt, MINUTES_OF_WEEK, type WeekPiece, weekPieces } from '../week.ts';
import { finding, type LintFinding } from './finding.ts';

export interface LintContext {
  readonly name: ContextName;
  readonly element: string;
  readonly require: Requirement;
  readonly acceptAsserted: boolean;
  readonly branches: readonly Branch[];
}

export const contextsToLint = (document: PolicyDocument, options: BranchOptions): readonly LintContext[] =>
  contextsOf(document).map((name) => {
    const policy = policyFor(document, name);
    const { require, acceptAsserted } = policy;
    return {
      name,
      element: twoLists(require) === null ? `contexts.${name}.require` : `contexts.${name}`,
      require,
      acceptAsserted,
      branches: branchesOf(policy, options),
    };
  });

const isSignal = (factor: FactorKind): boolean => factor === 'phone' || factor === 'network';
export const gesturesOf = ({ factors }: Branch): readonly FactorKind[] => factors.filter((factor) => !isSignal(factor));

/** Alternatives of one factor. Two parts of an `all` are two factors, so only what is no `all` can be of one. */
function loneNames(requirement: Requirement): readonly FactorName[] {
  if (typeof requirement === 'string') return [requirement];
  if ('need' in requirement) return loneNames(requirement.need);
  if ('any' in requirement) return requirement.any.flatMap(loneNames);
  if ('all' in requirement) return requirement.all.length === 1 ? requirement.all.flatMap(loneNames) : [];
  return requirement.atLeast === 1 ? requirement.of.flatMap(loneNames) : [];
}

const nameWords = (name: FactorName): string =>
  name === 'trustedSignal' ? 'a trusted signal' : name.startsWith('rule:') ? name : factorWords(name as FactorKind);

function signalsWithoutRules({ element, require }: LintContext, document: PolicyDocument): readonly LintFinding[] {
  const factors = new Set(document.rules.map(factorOfRule));
  return namesIn(require).flatMap((name) => {
    const asked =
      name === 'trustedSignal' ? factors.size : name === 'phone' || name === 'network' ? Number(factors.has(name)) : 1;
    return asked > 0
      ? []
      : [finding('signal-without-rules', element, `${nameWords(name)} is asked for, and no rule says when it counts`)];
  });
}

const gapWords = ({ from, to }: WeekPiece): string =>
  `${localTimeWords(localTimeAt(from))} to ${localTimeWords(localTimeAt(to % MINUTES_OF_WEEK))}`;

/** The gaps that are said; the others are counted. */
const GAPS_NAMED = 4;

function times({ name, element, branches }: LintContext, document: PolicyDocument): readonly LintFinding[] {
  const names = [...new Set(branches.flatMap(({ during }) => during))];
  const windows = names.flatMap((each) =>
    Object.hasOwn(document.windows, each) ? (document.windows[each] ?? []) : [],
  );
  if (branches.length === 0 || windows.length !== names.length) return [];
  const pieces = weekPieces(windows);
  const isOpen = ({ during }: Branch, { open }: WeekPiece) => during.every((each) => open.has(names.indexOf(each)));
  const never = branches.filter((branch) => !pieces.some((piece) => isOpen(branch, piece)));
  if (never.length === branches.length) {
    return [finding('never-open', element, `${name} opens at no time: its windows are never open together`)];
  }
  const out = never.map((branch) =>
    finding(
      'pair-never-open',
      element,
      `${factorsWords(branch.factors)} during ${branch.during.join(' and ')}: never open together`,
    ),
  );
  const closed = pieces.filter((piece) => !branches.some((branch) => isOpen(branch, piece)));
  if (closed.length > 0) {
    const more = closed.length > GAPS_NAMED ? `, and ${closed.length - GAPS_NAMED} more times` : '';
    const words = closed.slice(0, GAPS_NAMED).map(gapWords).join('; ');
    out.push(finding('closed-hours', element, `nobody can use ${name} from ${words}${more}`));
  }
  return out;
}

function pinOnly({ element, branches }: LintContext): readonly LintFinding[] {
  const own = branches.filter((branch) => gesturesOf(branch).every((factor) => factor === 'pin'));
  // With two factors each, all of these take a signal.
  if (own.length === 0) return [];
  return [
    finding(
      'pin-only-depends',
      element,
      `whoever has a PIN and nothing else gets in only while ${[...new Set(own.flatMap(({ factors }) => factors.filter(isSignal).map(factorWords)))].join(' or ')} is there; otherwise by the recovery sheet`,
    ),
  ];
}

function strength(context: LintContext, unlock: LintContext | undefined): readonly LintFinding[] {
  const { name, element, branches, acceptAsserted } = context;
  const out: LintFinding[] = [];
  const asserted = [
    ...new Set(branches.filter((each) => each.strength === 'asserted').map(({ factors }) => factorsWords(factors))),
  ];
  for (const words of asserted) {
    out.push(
      acceptAsserted
        ? finding('asserted-pair', element, `${words}: opens with this machine alone, the TPM checks neither`)
        : finding('asserted-refused', element, `${words}: the TPM checks neither, and acceptAsserted is not set`),
    );
  }
  const [own, ofUnlock] = [weakest(branches), weakest(unlock?.branches ?? [])];
  if (name !== 'unlock' && own !== null && ofUnlock !== null && compareStrength(own, ofUnlock) < 0) {
    const least = branches.find((each) => each.strength === own);
    const opens = least === undefined ? own : branchOpensWith(least);
    out.push(
      finding(
        'weaker-than-unlock',
        element,
        `${name} opens with ${opens} (${own}), unlock with no less than ${ofUnlock}`,
      ),
    );
  }
  return out;
}

/** @param contexts as {@link contextsToLint} gives them */
export function lintContexts(document: PolicyDocument, contexts: readonly LintContext[]): readonly LintFinding[] {
  const unlock = contexts.find(({ name }) => name === 'unlock');
  return contexts.flatMap((context) => {
    const { name, element, branches, require } = context;
    const lone = [...new Set(loneNames(require))].map((each) =>
      finding('single-factor', element, `${nameWords(each)} alone is dropped, and with it whatever takes it and more`),
    );
    const none =
      branches.length === 0
        ? [finding('no-way-in', element, `nothing satisfies ${name} with two different factors`)]
        : [];
    return [
      ...none,
      ...lone,
      ...signalsWithoutRules(context, document),
      ...strength(context, unlock),
      ...pinOnly(context),
      ...times(context, document),
    ];
  });
}
