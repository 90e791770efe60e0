/** Factors and branches in words for people: status, verdicts and the audit log all say the same thing the same way. */
import type { FactorKind } from '../../drivers/signal.ts';
import type { Branch, Strength } from './branch.ts';
import type { FactorName, Requirement } from './requirement.ts';

const NAME: Readonly<Record<FactorKind, string>> = {
  pin: 'PIN',
  securityKey: 'security key',
  fingerprint: 'fingerprint',
  face: 'face',
  phone: 'phone',
  network: 'network',
};

const WITH_ARTICLE: Readonly<Record<FactorKind, string>> = {
  pin: 'the PIN',
  securityKey: 'a security key',
  fingerprint: 'a fingerprint',
  face: 'a face',
  phone: 'a paired phone',
  network: 'a trusted network',
};

/** `PIN`, `security key`. */
export const factorName = (factor: FactorKind): string => NAME[factor];

/** `the PIN`, `a security key`. */
export const factorWords = (factor: FactorKind): string => WITH_ARTICLE[factor];

/** `the PIN + a security key`. */
export const factorsWords = (factors: readonly FactorKind[]): string => factors.map(factorWords).join(' + ');

const nameWords = (name: FactorName): string => {
  if (name === 'trustedSignal') return 'trusted signal';
  return name.startsWith('rule:') ? `signal ${name.slice('rule:'.length)}` : factorName(name as FactorKind);
};

const bracketed = (requirement: Requirement): string => {
  const words = requirementWords(requirement);
  return typeof requirement === 'string' ? words : `(${words})`;
};

/** A list of one is what stands in it. */
const parts = (of: readonly Requirement[], word: string, wrap: (part: Requirement) => string): string =>
  of.length === 1 ? requirementWords(of[0] as Requirement) : of.map(wrap).join(word);

/**
 * A requirement in words. Two lists read as Windows means them: `first PIN or fingerprint, then security key`; what is
 * nested stands in brackets.
 */
export function requirementWords(requirement: Requirement): string {
  if (typeof requirement === 'string') return nameWords(requirement);
  if ('need' in requirement) return `${bracketed(requirement.need)} during ${requirement.during}`;
  if ('any' in requirement) return parts(requirement.any, ' or ', bracketed);
  if ('atLeast' in requirement) {
    return `${requirement.atLeast} of ${requirement.of.map(bracketed).join(', ')}`;
  }
  const { all } = requirement;
  const areLists = all.every(
    (part) => typeof part === 'string' || ('any' in part && part.any.every((p) => typeof p === 'string')),
  );
  if (all.length >= 2 && areLists) return `first ${all.map(requirementWords).join(', then ')}`;
  return parts(all, ' and ', bracketed);
}

const RANK: Readonly<Record<Strength, number>> = { asserted: 0, 'bound-1': 1, 'bound-2': 2 };

/** The class of a whole policy is that of its weakest branch. Null: there is no branch. */
export function weakest(branches: readonly Branch[]): Strength | null {
  return branches.reduce<Strength | null>(
    (least, { strength }) => (least === null || RANK[strength] < RANK[least] ? strength : least),
    null,
  );
}

/** Negative: `a` is the weaker one. */
export const compareStrength = (a: Strength, b: Strength): number => RANK[a] - RANK[b];

/** What one branch really takes, gates left out: `this machine + the PIN`. */
export const branchOpensWith = (branch: Branch): string =>
  branch.bound.length === 0 ? 'this machine alone' : ['this machine', ...branch.bound.map(factorWords)].join(' + ');

/**
 * What it takes to open a container under these branches, as an attacker would read them: the weakest ones, without
 * the factors that only this program observes. `this machine + the PIN + a security key`.
 */
export function opensWith(branches: readonly Branch[]): string {
  const least = weakest(branches);
  if (least === null) return 'nothing';
  const ways = branches.filter(({ strength }) => strength === least).map(branchOpensWith);
  return [...new Set(ways)].join(', or ');
}
