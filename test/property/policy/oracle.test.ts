/**
 * The product's evaluator against a second one that shares no code with it: the short form of `npm run oracle`. The seed
 * is new in every run and stands in the message of a failure.
 */
import { expect, test } from 'vitest';
import { compareEvaluators, tallyLines } from '../../oracle/compare.ts';
import { casesOf, freshSeed } from '../../support/policy-cases.ts';

const PAIRS = casesOf(20_000);

test(`a second evaluator decides ${PAIRS} generated pairs of policy and snapshot alike`, () => {
  const seed = freshSeed();
  const tally = compareEvaluators(PAIRS, seed);
  expect(tally.disagreements, `seed ${seed}: ${tallyLines(tally).join('\n')}`).toEqual([]);
  // Neither verdict is rare, or the agreement would say little.
  for (const count of [tally.granted, tally.denied, ...Object.values(tally.grantedBy)]) {
    expect(count).toBeGreaterThan(PAIRS / 100);
  }
});
