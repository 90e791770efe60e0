/** What is wrong with the document as a whole: what nobody asks for, and the loose readings of Windows. */
import type { PolicyDocument } from '../../model.ts';
import type { Requirement } from '../../requirement.ts';
import type { LintContext } from './contexts.ts';
import { finding, type LintFinding } from './finding.ts';

function windowsIn(requirement: Requirement): readonly string[] {
  if (typeof requirement === 'string') return [];
  if ('need' in requirement) return [requirement.during, ...windowsIn(requirement.need)];
  const parts = 'any' in requirement ? requirement.any : 'all' in requirement ? requirement.all : requirement.of;
  return parts.flatMap(windowsIn);
}

function switches({ rules, matching }: PolicyDocument): readonly LintFinding[] {
  const conditions = rules.flatMap(({ all }) => all);
  const has = (type: string) => conditions.some((condition) => condition.type === type);
  const out: LintFinding[] = [];
  const hasSuffix = conditions.some((condition) => condition.type === 'ipConfig' && condition.dnsSuffix !== undefined);
  if (matching.dnsSuffix === 'substring' && hasSuffix) {
    out.push(
      finding('suffix-by-substring', 'matching.dnsSuffix', 'evilcorp.example.test has the part corp.example too'),
    );
  }
  if (matching.adapters === 'mixed' && has('ipConfig')) {
    out.push(finding('adapters-mixed', 'matching.adapters', 'a dongle that serves one element completes the others'));
  }
  if (matching.phones === 'any-paired' && has('bluetooth')) {
    out.push(
      finding(
        'phones-of-anybody',
        'matching.phones',
        'every phone that is paired with the machine counts for every user',
      ),
    );
  }
  const madeUp = matching.interfaceKinds.filter((kind) => kind === 'vpn' || kind === 'virtual');
  if (madeUp.length > 0 && has('ipConfig')) {
    out.push(
      finding(
        'interfaces-made-up',
        'matching.interfaceKinds',
        `${madeUp.join(' and ')} interfaces have the addresses that software gives them`,
      ),
    );
  }
  return out;
}

export function lintDocument(document: PolicyDocument, contexts: readonly LintContext[]): readonly LintFinding[] {
  const usedRules = new Set(contexts.flatMap(({ branches }) => branches.flatMap(({ rules }) => rules)));
  const usedWindows = new Set(contexts.flatMap(({ require }) => windowsIn(require)));
  return [
    ...switches(document),
    ...document.rules.flatMap(({ name }, at) =>
      usedRules.has(name) ? [] : [finding('rule-unused', `rules[${at}]`, `no context asks for rule ${name}`)],
    ),
    ...Object.keys(document.windows)
      .filter((name) => !usedWindows.has(name))
      .map((name) => finding('window-unused', `windows.${name}`, `no context asks for window ${name}`)),
  ];
}
