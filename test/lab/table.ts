/** The runs of the lab as a table: which walkthrough, what came of it, how long, and what this lane could not do. */
import { notHere } from './outcome.ts';
import type { LabRun } from './run-in-lab.ts';

const notHereWords = ({ outcome }: LabRun): string => {
  const why = notHere(outcome).map(({ number, action, why }) => `${number} ${action}: ${why.join('; ')}`);
  return why.length === 0 ? 'none' : why.join(' | ');
};

/** @returns lines */
export function tableOf(runs: readonly LabRun[]): readonly string[] {
  const names = [...new Set(runs.map(({ name }) => name))];
  const rows = names.map((name) => {
    const own = runs.filter((run) => run.name === name);
    const passed = own.filter(({ outcome }) => outcome.word === 'passed').length;
    const failed = own.filter(({ outcome }) => outcome.word === 'FAILED').length;
    const times = own.map(({ seconds }) => seconds).sort((a, b) => a - b);
    const time =
      own.length === 1 ? `${times[0]?.toFixed(0)} s` : `${times[0]?.toFixed(0)} to ${times.at(-1)?.toFixed(0)} s`;
    const [first] = own;
    const word = own.length === 1 ? (first?.outcome.word ?? '') : `${passed} of ${own.length} passed, ${failed} failed`;
    return [name, word, time, String(first?.steps ?? 0), first === undefined ? '' : notHereWords(first)];
  });
  const head = ['walkthrough', 'outcome', 'took', 'steps', 'not on this lane'];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
