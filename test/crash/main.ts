/**
 * `npm run crash`: the real daemon, killed at random moments of an enrolment, a PIN change and a policy change, at least
 * 70 times each; and then the agent ended at every call of each that changes the disk and at every TPM command, before it
 * and after it. Prints its seed, a line a round and a table; the exit status is not 0 when anything did not hold.
 * `-- --rounds N` rounds of each, `--seed S`, `--every N`: one of so many exact points.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { swtpmMissing } from '../../hal-mocks/tpm2/swtpm.ts';
import { ExactKills } from '../support/crash/exact-kills.ts';
import { CrashRounds, OPERATIONS, type Round } from '../support/crash/rounds.ts';
import { missingForBridge } from '../support/umockdev/bridge.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const whole = (text: string, name: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new TypeError(`--${name} has to be a whole number`);
  return Number(text);
};

function table(rounds: readonly Round[]): void {
  say('operation      rounds  before  during  after   old   new  violations');
  for (const operation of OPERATIONS) {
    const of = rounds.filter((round) => round.operation === operation);
    const count = (test: (round: Round) => boolean, width: number) => String(of.filter(test).length).padStart(width);
    say(
      [
        operation.padEnd(14),
        count(() => true, 7),
        count(({ when }) => when === 'before', 8),
        count(({ when }) => when === 'during', 8),
        count(({ when }) => when === 'after', 7),
        count(({ state }) => state === 'old', 6),
        count(({ state }) => state === 'new', 6),
        count(({ violations }) => violations.length > 0, 12),
      ].join(''),
    );
  }
}

/** The series at exact points. @returns how many were met, and how many of them did not hold */
async function exactKills(every: number): Promise<{ readonly rounds: number; readonly broken: number }> {
  await using kills = await ExactKills.start();
  const counted = { rounds: 0, broken: 0 };
  for (const operation of OPERATIONS) {
    for (const point of await kills.pointsOf(operation, every)) {
      for (const side of ['before', 'after'] as const) {
        const { label, met, state, violations } = await kills.round(operation, point, side);
        const bad = violations.length === 0 ? '' : `  VIOLATION: ${violations.join('; ')}`;
        say(
          `${operation.padEnd(14)} ${side.padEnd(6)} ${String(point).padStart(3)} ${label.padEnd(32)} ${state}${bad}`,
        );
        if (met) counted.rounds++;
        if (violations.length > 0) counted.broken++;
      }
    }
  }
  return counted;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '70' },
    seed: { type: 'string', default: '20260101' },
    every: { type: 'string', default: '1' },
  },
});
const count = whole(values.rounds, 'rounds');
const seed = whole(values.seed, 'seed');
const every = Math.max(1, whole(values.every, 'every'));
const missing = (await swtpmMissing()) ?? missingForBridge();
if (missing !== null) throw new Error(missing);

say(`seed ${seed}, ${count} kills of each operation`);
const done: Round[] = [];
const program = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
await using rounds = await CrashRounds.start(
  { daemon: program('agent/main.js'), authenticator: program('hal-mocks/fido2/main.js') },
  seed,
);
let fatal: unknown = null;
try {
  for (const operation of OPERATIONS) {
    await rounds.measure(operation);
    say(`${operation} takes ${rounds.durationOf(operation).toFixed(0)} ms`);
  }
  for (let number = 1; number <= count; number++) {
    for (const operation of OPERATIONS) {
      const round = await rounds.round(operation);
      done.push(round);
      const bad = round.violations.length === 0 ? '' : `  VIOLATION: ${round.violations.join('; ')}`;
      const at = round.killedAt.toFixed(0).padStart(5);
      say(
        `${String(number).padStart(4)} ${operation.padEnd(14)} killed at ${at} ms  ${round.when.padEnd(7)}${round.state}${bad}`,
      );
    }
  }
} catch (error) {
  fatal = error;
}
table(done);
const broken = done.filter(({ violations }) => violations.length > 0).length;
if (fatal !== null)
  say(`stopped: ${fatal instanceof Error ? (fatal.stack ?? fatal.message) : String(fatal)}\n${rounds.log}`);
say(
  broken === 0 && fatal === null
    ? `${done.length} kills at random moments, everything held`
    : `${broken} of ${done.length} rounds did not hold`,
);
say(`every call that writes, from the first to the last, of ${OPERATIONS.join(', ')}`);
const exact = await exactKills(every);
say(
  exact.broken === 0
    ? `${exact.rounds} ends at exact points, everything held`
    : `${exact.broken} of ${exact.rounds} ends at exact points did not hold`,
);
process.exitCode = broken === 0 && fatal === null && exact.broken === 0 ? 0 : 1;
