/**
 * How well dynamic lock tells leaving from staying: `npm run proximity [-- --days N] [-- --tuning] [-- --write]`. Days of
 * people with phones are made from seeds by a stated model of the radio, and ours runs beside what others do. The exit
 * status is 1 when ours is not better than the rule of Windows in all three measures, 2 when it could not be run.
 *
 * `--tuning` shows what the defaults were chosen from, on seeds of their own; `--write` writes the table into
 * docs/reference/proximity.md; `--store` writes the pieces of traces that the unit tests read.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_DYNAMIC_LOCK, type DynamicLockPolicy } from '../../agent/policy/dynamic-lock.ts';
import { PROJECT_ROOT } from '../support/project/source-tree.ts';
import type { Algorithm } from './links.ts';
import { blueProximity, smartLock, windowsRule } from './others.ts';
import { ours } from './ours.ts';
import { Tally } from './score.ts';
import { storedOf } from './stored.ts';
import { notBetter, type Row, tableOf } from './table.ts';
import { traceOf } from './trace.ts';

const PAGE = 'docs/reference/proximity.md';
const VECTORS = 'test/vectors/proximity';
const MARKS = ['<!-- generated: proximity -->', '<!-- end of proximity -->'] as const;
/** The defaults were chosen on the first, and are judged on the second. */
const SEEDS = { tuning: { first: 1, days: 60 }, report: { first: 1001, days: 200 } };

const ON: DynamicLockPolicy = { ...DEFAULT_DYNAMIC_LOCK, enabled: true };
const WINDOWS = 'Windows rule';

const SIDE_BY_SIDE: Readonly<Record<string, Algorithm>> = {
  'dynamic lock, its defaults': ours(ON),
  'dynamic lock, in a hurry': ours({ ...ON, sampleEverySeconds: 5, idleSeconds: 10, lockDelaySeconds: 0 }),
  [WINDOWS]: windowsRule,
  BlueProximity: blueProximity,
  'Chrome OS Smart Lock': smartLock,
};

/** What was tried. */
function grid(): Readonly<Record<string, Algorithm>> {
  const found: Record<string, Algorithm> = {};
  for (const rssiFar of [-12, -14, -16]) {
    for (const rssiMaxDelta of [-10, -12, -14]) {
      for (const smoothing of [0.5, 0.8, 1]) {
        for (const weakSamples of [2, 3]) {
          const name = `far ${rssiFar}, fall ${rssiMaxDelta}, smoothing ${smoothing}, ${weakSamples} samples`;
          found[name] = ours({ ...ON, rule: { ...ON.rule, rssiFar, rssiMaxDelta }, smoothing, weakSamples });
        }
      }
    }
  }
  return found;
}

function run(algorithms: Readonly<Record<string, Algorithm>>, first: number, days: number): readonly Row[] {
  const tallies = Object.entries(algorithms).map(([name, algorithm]) => ({ name, tally: new Tally(algorithm) }));
  for (let day = 0; day < days; day++) {
    const trace = traceOf(first + day);
    for (const { tally } of tallies) tally.add(trace);
    if (process.stderr.isTTY) process.stderr.write(`\r${day + 1} of ${days} days`);
  }
  if (process.stderr.isTTY) process.stderr.write('\n');
  return tallies.map(({ name, tally }) => ({ name, figures: tally.figures }));
}

function write(lines: readonly string[]): void {
  const path = join(PROJECT_ROOT, PAGE);
  const page = readFileSync(path, 'utf8');
  const [begin, end] = MARKS.map((mark) => page.indexOf(mark));
  if (begin === undefined || end === undefined || begin < 0 || end < begin) throw new Error(`${PAGE} has no marks`);
  const body = `${MARKS[0]}\n\n${lines.join('\n')}\n\n`;
  writeFileSync(path, `${page.slice(0, begin)}${body}${page.slice(end)}`);
}

/** Pieces with what is hard in them: a departure, a body that turns, a way within the room. Seconds of the day. */
const PIECES = [
  {
    file: 'leaves',
    title: 'leaves the room for a quarter of an hour, and comes back',
    seed: 2006,
    from: 1600,
    to: 3000,
  },
  { file: 'turns', title: 'sits with the phone behind the body, and turns', seed: 2004, from: 5700, to: 6950 },
  { file: 'visits', title: 'goes to the other end of the room for a minute', seed: 2001, from: 3650, to: 3900 },
] as const;

function store(): void {
  mkdirSync(join(PROJECT_ROOT, VECTORS), { recursive: true });
  for (const { file, title, seed, from, to } of PIECES) {
    const text = JSON.stringify(storedOf(traceOf(seed), title, from, to));
    writeFileSync(join(PROJECT_ROOT, VECTORS, `${file}.json`), `${text}\n`);
  }
}

function main(): number {
  const { values } = parseArgs({
    options: {
      days: { type: 'string' },
      tuning: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      store: { type: 'boolean', default: false },
    },
  });
  if (values.store) {
    store();
    return 0;
  }
  const { first, days: usual } = values.tuning ? SEEDS.tuning : SEEDS.report;
  const days = values.days === undefined ? usual : Number(values.days);
  if (!Number.isInteger(days) || days < 1) throw new TypeError('--days has to be a whole number above 0');
  const rows = run(values.tuning ? { ...SIDE_BY_SIDE, ...grid() } : SIDE_BY_SIDE, first, days);
  const [one, ...others] = rows;
  const lines = [
    `${days} working days of eight hours (seeds ${first} to ${first + days - 1}), ${one?.figures.departures} departures.`,
    '',
    ...tableOf(rows),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (values.write && !values.tuning) write(lines);
  const windows = others.find(({ name }) => name === WINDOWS);
  if (one === undefined || windows === undefined) return 2;
  const worse = notBetter(one.figures, windows.figures);
  for (const measure of worse) process.stderr.write(`not better than the Windows rule: ${measure}\n`);
  return worse.length === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 2;
}
