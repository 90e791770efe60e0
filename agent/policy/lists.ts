/** A requirement that is two lists, as Windows has it: one factor of the first and another one of the second. */
import type { FactorName, Requirement } from './requirement.ts';

const listOf = (part: Requirement): readonly FactorName[] | null => {
  if (typeof part === 'string') return [part];
  if (!('any' in part)) return null;
  const names = part.any.filter((name): name is FactorName => typeof name === 'string');
  return names.length === part.any.length ? names : null;
};

/** The two lists; null: it is another tree. */
export function twoLists(requirement: Requirement): readonly [readonly FactorName[], readonly FactorName[]] | null {
  if (typeof requirement === 'string' || !('all' in requirement) || requirement.all.length !== 2) return null;
  const [first, second] = requirement.all.map(listOf);
  return first && second ? [first, second] : null;
}
