/**
 * `npm run oracle [-- --pairs N] [--seed S]`: the product's evaluator against a second one, on a million generated pairs
 * of a policy and a snapshot. Exit status 1: they disagree somewhere, and the cases are named.
 */
import { parseArgs } from 'node:util';
import { compareEvaluators, tallyLines } from './compare.ts';

const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '20260101' } },
});
const whole = (text: string, name: string): number => {
  if (!/^\d{1,10}$/.test(text)) throw new TypeError(`--${name} has to be a whole number`);
  return Number(text);
};
const seed = whole(values.seed, 'seed');
process.stdout.write(`seed ${seed}\n`);
const tally = compareEvaluators(whole(values.pairs, 'pairs'), seed);
for (const line of tallyLines(tally)) process.stdout.write(`${line}\n`);
process.exitCode = tally.disagreements.length === 0 ? 0 : 1;
