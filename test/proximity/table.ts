/** The figures as the table of docs/reference/proximity.md, and what has to hold in them. */
import type { Estimate, Figures } from './score.ts';

export interface Row {
  readonly name: string;
  readonly figures: Figures;
}

const figure = (value: number, digits: number): string => value.toFixed(digits);
const interval = ({ value, low, high }: Estimate, digits: number, unit = 1): string =>
  `${figure(value * unit, digits)} (${figure(low * unit, digits)}–${figure(high * unit, digits)})`;

/** Lines of Markdown. */
export const tableOf = (rows: readonly Row[]): readonly string[] => [
  '| | false locks an hour | missed departures, % | seconds to the lock: median | p95 | readings an hour |',
  '|---|---|---|---|---|---|',
  ...rows.map(
    ({ name, figures }) =>
      `| ${name} | ${interval(figures.falseLocksAnHour, 3)} | ${interval(figures.missed, 1, 100)} | ` +
      `${figure(figures.median, 0)} | ${figure(figures.p95, 0)} | ${figure(figures.readingsAnHour, 0)} |`,
  ),
];

/** In which measures the first is not better than the second; empty: better in all three. */
export function notBetter(ours: Figures, other: Figures): readonly string[] {
  const measures: readonly (readonly [string, boolean])[] = [
    ['false locks', ours.falseLocksAnHour.value < other.falseLocksAnHour.value],
    ['missed departures', ours.missed.value < other.missed.value],
    ['time to lock', ours.median < other.median && ours.p95 < other.p95],
  ];
  return measures.flatMap(([name, better]) => (better ? [] : [name]));
}
