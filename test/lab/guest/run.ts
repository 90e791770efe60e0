/** Runs one walkthrough on the lab lane, and leaves what came of each step in the shared folder as soon as it is known. */
import { appendFileSync, readFileSync } from 'node:fs';
import { openLane } from '../../../agent/lanes/index.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { runWalkthrough } from '../../../agent/walkthrough/run.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import type { StepLine } from '../outcome.ts';
import { OUT } from './programs.ts';

const [file = ''] = process.argv.slice(2);
const walkthrough = readWalkthrough(readFileSync(file, 'utf8'), checkedDocument);
const { signal } = new AbortController();
const parts = { clock: systemClock, entropy: systemEntropy, signal };
const print = (line: string): void => void process.stdout.write(`${line}\n`);

await using lane = await openLane('lab', walkthrough, { ...parts, progress: print, finding: print });
const results = await runWalkthrough(walkthrough, {
  ...parts,
  lane,
  onStep: ({ step, outcome, why, startMs, endMs }, index) => {
    const line: StepLine = { index, action: step.action, outcome, why, ms: Math.round(endMs - startMs) };
    appendFileSync(`${OUT}/steps`, `${JSON.stringify(line)}\n`);
    print(`${index + 1} ${step.action}: ${outcome} ${why.join('; ')}`);
  },
});
process.exitCode = results.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
