/**
 * `npm run fuzz`: generated cases, seven million and more, for everything that reads what it cannot trust. Each has to end
 * in a value or a typed error, in bounded time and memory. `-- --cases N`, `--seed S`, `--only fido2/`; what fails names its case.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { fuzzSocket } from './api-socket.ts';
import { record } from './corpus.ts';
import { fido2AnswerTargets } from './fido2-answers.ts';
import { type Result, runTarget } from './run.ts';
import { targetsOf } from './targets.ts';

/** A reader may keep tables, never what it was given: bytes of heap more than before, after a collection. */
const HEAP_LIMIT = 32 * 1024 * 1024;
const SOCKET_CASES_PER_MILLION = 4000;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const whole = (text: string, name: string): number => {
  if (!/^\d{1,10}$/.test(text)) throw new TypeError(`--${name} has to be a whole number`);
  return Number(text);
};

function row(result: Result): string {
  const { name, cases, values, typedErrors, took, slowest, heapGrowth, faults } = result;
  return [
    name.padEnd(18),
    String(cases).padStart(9),
    String(values).padStart(9),
    String(typedErrors).padStart(13),
    (took / 1000).toFixed(1).padStart(9),
    slowest.toFixed(0).padStart(11),
    (heapGrowth / 1024 / 1024).toFixed(1).padStart(9),
    String(faults.length).padStart(8),
  ].join('');
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    cases: { type: 'string', default: '7000000' },
    seed: { type: 'string', default: '20260101' },
  },
});
const cases = whole(values.cases, 'cases');
const seed = whole(values.seed, 'seed');
say(`seed ${seed}, ${cases} cases`);
const all = [...targetsOf(await record()), ...(await fido2AnswerTargets())];
const targets = all.filter(({ name }) => name.startsWith(values.only));
const withSocket = 'api/socket'.startsWith(values.only);
if (targets.length === 0) throw new TypeError(`no target begins with ${values.only}`);
const shared = new SharedArrayBuffer(8);
const counters = new Int32Array(shared);
const names = [...targets.map(({ name }) => name), 'api/socket'];
const watchdog = new Worker(new URL('./watchdog.js', import.meta.url), { workerData: { shared, names } });
watchdog.unref();

say('target                cases    values  typed errors  seconds  slowest ms  heap MiB  faults');
const weight = targets.reduce((sum, target) => sum + target.weight, 0);
const results: Result[] = [];
const keep = (result: Result): void => {
  say(row(result));
  results.push(result);
};
try {
  for (const [index, target] of targets.entries()) {
    Atomics.store(counters, 1, index);
    const share = Math.ceil((cases * target.weight) / weight);
    keep(await runTarget(target, share, seed, () => Atomics.add(counters, 0, 1)));
  }
  if (withSocket) {
    Atomics.store(counters, 1, targets.length);
    // Each is a connection of its own; this many are enough, however many cases the readers get.
    const share = Math.ceil((Math.min(cases, 2_000_000) / 1_000_000) * SOCKET_CASES_PER_MILLION);
    keep(await fuzzSocket(share, seed, () => Atomics.add(counters, 0, 1)));
  }
} finally {
  for (const target of all) await target.close?.();
  await watchdog.terminate();
}
const total = results.reduce((sum, result) => sum + result.cases, 0);
const bad = results.filter(({ faults, heapGrowth }) => faults.length > 0 || heapGrowth > HEAP_LIMIT);
for (const { name, faults, heapGrowth } of bad) {
  say(`\n${name}: ${heapGrowth > HEAP_LIMIT ? 'the heap grew without bound; ' : ''}${faults.join('\n')}`);
}
say(`\n${total} cases, ${bad.length === 0 ? 'each a value or a typed error' : `${bad.length} targets failed`}`);
process.exitCode = bad.length === 0 ? 0 : 1;
