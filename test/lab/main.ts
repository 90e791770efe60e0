/**
 * `npm run lab [-- WALKTHROUGH…] [--repeat N] [--cache FOLDER] [--kernel PACKAGE] [--rebuild] [--reports FOLDER] [--keep]`:
 * runs walkthroughs in the virtual lab, each in a fresh guest; all that are shipped unless some are named.
 * Exit status: 0 all passed, 1 one did not, 2 wrong arguments, 125 the lab itself failed and says nothing.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkedDocument } from '../../agent/policy/forms/native-json.ts';
import { readWalkthrough } from '../../agent/walkthrough/read.ts';
import { shippedWalkthroughs } from '../../agent/walkthrough/shipped.ts';
import type { Image } from './guest-image/image.ts';
import { projectImage } from './guest-image/project-image.ts';
import { cacheFolder, prepareLab } from './prepare.ts';
import { type LabRun, runInLab } from './run-in-lab.ts';
import { tableOf } from './table.ts';

const LAB_FAILED = 125;
const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const say = (line: string): void => void process.stderr.write(`lab: ${line}\n`);
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const MB = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

interface Job {
  readonly name: string;
  readonly text: string;
  readonly actions: readonly string[];
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      repeat: { type: 'string', default: '1' },
      cache: { type: 'string' },
      kernel: { type: 'string' },
      reports: { type: 'string' },
      rebuild: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const repeat = Number(values.repeat);
  if (!Number.isSafeInteger(repeat) || repeat < 1) throw new TypeError(`--repeat ${values.repeat} is no count`);
  return { ...values, repeat, names: positionals };
}

/** Names of shipped walkthroughs, or files. All are checked before anything is started. */
function jobsOf(names: readonly string[]): readonly Job[] {
  const shipped = shippedWalkthroughs();
  const chosen =
    names.length === 0
      ? shipped
      : names.map((name) => {
          const known = shipped.find((each) => each.name === name);
          if (known === undefined && !existsSync(name)) throw new TypeError(`there is no walkthrough ${name}`);
          return known ?? { name, text: readFileSync(resolve(name), 'utf8') };
        });
  return chosen.map(({ name, text }) => {
    const { steps } = readWalkthrough(text, checkedDocument);
    return { name, text, actions: steps.map(({ action }) => action) };
  });
}

async function runAll(jobs: readonly Job[], options: ReturnType<typeof readOptions>, image: Image): Promise<LabRun[]> {
  const reports = resolve(options.reports ?? join(PROJECT, 'reports', 'lab'));
  mkdirSync(reports, { recursive: true });
  using project = projectImage(PROJECT);
  const runs: LabRun[] = [];
  for (let turn = 1; turn <= options.repeat; turn++) {
    for (const job of jobs) {
      const began = performance.now();
      const run = await runInLab(job, { image, project: project.file, reports, keep: options.keep });
      const load = loadavg()[0]?.toFixed(1) ?? '?';
      print(`${run.outcome.word}  ${job.name}  ${seconds(began)} (load ${load})`);
      for (const line of run.outcome.why) print(`    ${line}`);
      for (const line of run.strangers) print(`    ${line}`);
      if (run.kept !== null) print(`    logs and reports: ${run.kept}`);
      runs.push(run);
    }
  }
  return runs;
}

async function main(): Promise<number> {
  const began = performance.now();
  const options = readOptions();
  const jobs = jobsOf(options.names);
  const image = prepareLab(options.cache ?? cacheFolder(), {
    kernel: options.kernel ?? null,
    rebuild: options.rebuild,
    say,
  });
  const sizes = Object.entries(image.sizes).map(([name, bytes]) => `${name} ${MB(bytes)}`);
  print(`image: ${image.kernel}, ${sizes.join(', ')}, ${image.built ? `made in ${seconds(began)}` : 'from the cache'}`);
  const runs = await runAll(jobs, options, image);
  print('');
  for (const line of tableOf(runs)) print(line);
  print(`\nin all ${seconds(began)}`);
  if (runs.some(({ outcome }) => outcome.word === 'lab failed')) return LAB_FAILED;
  return runs.every(({ outcome }) => outcome.word === 'passed') ? 0 : 1;
}

// Whoever ends this ends the guest with it: what runs is ended when this process exits in order.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const)
  process.once(signal, () => process.exit(128 + number));

process.exitCode = await main().catch((error: Error) => {
  say(error.message);
  return error instanceof TypeError ? 2 : LAB_FAILED;
});
