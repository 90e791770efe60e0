/** Things of which there is one: outside of a server, a network or a phone some users have no way in. */
import type { BranchOptions } from '../../branches.ts';
import type { PolicyDocument } from '../../model.ts';
import { lossesOf } from '../loss.ts';
import { typicalUsers, type UserFacts, WaysIn } from '../risk.ts';
import type { LintContext } from './contexts.ts';
import { finding, type LintFinding } from './finding.ts';

/** Losses that are named in one finding. */
const NAMED = 6;

/**
 * Of the surroundings only: that a PIN can be forgotten and a key be lost is so with every policy, and `policy risk` says
 * whom it hits.
 * @param users null: nobody says who is enrolled, so people are made up
 */
export function lintWeakPoints(
  document: PolicyDocument,
  contexts: readonly LintContext[],
  options: BranchOptions,
  users: readonly UserFacts[] | null,
): readonly LintFinding[] {
  const losses = lossesOf(document).filter(({ gesture }) => gesture === null);
  const people = users ?? typicalUsers(document, options);
  return contexts.flatMap(({ name, element }) => {
    const ways = new WaysIn(document, name, options);
    return people.flatMap((user): readonly LintFinding[] => {
      if (!ways.isOpenFor(user)) {
        return users === null
          ? []
          : [finding('user-locked-out', element, `${user.user} has no way into ${name} with what is enrolled`)];
      }
      const hit = losses.filter((loss) => !ways.isOpenFor(user, loss)).map(({ what }) => what);
      if (hit.length === 0) return [];
      const more = hit.length > NAMED ? `, and ${hit.length - NAMED} more` : '';
      return [
        finding(
          'single-point',
          element,
          `${user.user} has no way into ${name} if ${hit.slice(0, NAMED).join('; if ')}${more}`,
        ),
      ];
    });
  });
}
