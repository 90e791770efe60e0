/**
 * The timeline of a run as a picture: a row for the steps, one for each track, an axis below. Positions are percentages and
 * letters are not scaled, so that it can be read on a phone and on paper. Colours come by class from the page around it;
 * every bar says what it is as its title, and the same stands in a table below the picture.
 */
import { escaped, instantWords } from '../policy/study/timeline-picture.ts';
import type { Evidence, EvidenceStep, EvidenceTrack } from './schema.ts';

const ROW = 34;
const STEP_BAR = 24;
const BAR = 18;
const AXIS = 26;
/** A bar is at least this wide, in percent, so that nothing disappears. */
const LEAST = 0.4;
/** Average width of a letter and what is around it, in pixels: to know which label fits. */
const LETTER = 6.6;
const AROUND = 12;
/** Width of the picture in pixels: on a desk, and the least that it is drawn with. */
const WIDE = 900;
const NARROW = 520;

/** Milliseconds between two ticks: at most eight of a round number. */
const SPANS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000];
const MOST_TICKS = 8;

/** The share of the picture that may go by before the first step. */
const MOST_BEFORE = 0.15;

const SIGNS: Readonly<Record<EvidenceStep['outcome'], string>> = {
  passed: '✓',
  failed: '✗',
  'not here': '–',
  skipped: '↷',
};

/** How an outcome is drawn beside its colour. */
export const outcomeSign = (outcome: EvidenceStep['outcome']): string => SIGNS[outcome];
export const outcomeClass = (outcome: EvidenceStep['outcome']): string => outcome.replace(' ', '-');

export const instants = (fromMs: number, toMs: number): string => `${instantWords(fromMs)} to ${instantWords(toMs)}`;

const percent = (value: number): string => `${Number(value.toFixed(3))}%`;

interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  readonly style: string;
  /** From the longest to the shortest; the first that fits is drawn. */
  readonly labels: readonly string[];
  readonly title: string;
}

/** The name of a row, and what is drawn in it. */
export interface Row {
  readonly name: string;
  readonly bars: readonly Bar[];
}

/** Of what an interval says, the part that fits a bar. */
const short = (words: string): string => words.split(/[:(,]/)[0]?.trim() ?? '';

const trackBars = ({ name, intervals }: EvidenceTrack): readonly Bar[] =>
  intervals.map(({ fromMs, toMs, state, words }) => ({
    fromMs,
    toMs,
    style: state,
    labels: [words, short(words)],
    title: `${name}: ${words}, ${instants(fromMs, toMs)}`,
  }));

/** What the picture shows, from top to bottom. */
export function rowsOf({ steps, tracks }: Evidence): readonly Row[] {
  const stepBars = steps.map(({ number, what, outcome, startMs, endMs }) => ({
    fromMs: startMs,
    toMs: endMs,
    style: outcomeClass(outcome),
    labels: [`${number} ${what}`, `${number}${outcome === 'passed' ? '' : ` ${SIGNS[outcome]}`}`, String(number)],
    title: `step ${number}, ${what}: ${outcome}, ${instants(startMs, endMs)}`,
  }));
  return [{ name: 'steps', bars: stepBars }, ...tracks.map((track) => ({ name: track.name, bars: trackBars(track) }))];
}

function label(bar: Bar, width: number, tall: number): string {
  const fits = (text: string, picture: number) => text.length * LETTER + AROUND <= (width / 100) * picture;
  const text = bar.labels.find((each) => fits(each, WIDE));
  if (text === undefined || text === '') return '';
  // What fits on a desk only is left out where the picture is small.
  const least = fits(text, NARROW) ? '' : ' class="wide"';
  return `<text x="6" y="${tall / 2 + 4}"${least}>${escaped(text)}</text>`;
}

/**
 * Where the picture begins: with the first step, if what was prepared before it would take much of the room.
 * Milliseconds after the beginning of the run.
 */
export function pictureBegins({ steps: [first], spanMs }: Evidence): number {
  const startMs = first?.startMs ?? 0;
  return startMs > spanMs * MOST_BEFORE ? startMs : 0;
}

/** @returns an `svg` element without any style of its own, as high as its rows */
export function picture(evidence: Evidence): string {
  const rows = rowsOf(evidence);
  const begins = pictureBegins(evidence);
  const span = Math.max(1, evidence.spanMs - begins);
  const x = (atMs: number): number => (Math.min(Math.max(atMs - begins, 0), span) / span) * 100;
  const bottom = rows.length * ROW;
  const out: string[] = [];
  const between = SPANS.find((each) => span / each <= MOST_TICKS) ?? Math.ceil(span / MOST_TICKS / 600_000) * 600_000;
  for (let at = Math.ceil(begins / between) * between; at <= begins + span; at += between) {
    const anchor = x(at) < 3 ? 'start' : x(at) > 94 ? 'end' : 'middle';
    out.push(
      `<line class="tick" x1="${percent(x(at))}" x2="${percent(x(at))}" y1="0" y2="${bottom}"/>`,
      `<text class="time" text-anchor="${anchor}" x="${percent(x(at))}" y="${bottom + 18}">${escaped(instantWords(at))}</text>`,
    );
  }
  for (const [at, { bars }] of rows.entries()) {
    const tall = at === 0 ? STEP_BAR : BAR;
    const top = at * ROW + (ROW - tall) / 2;
    out.push(`<line class="row" x1="0" x2="100%" y1="${at * ROW + ROW}" y2="${at * ROW + ROW}"/>`);
    for (const bar of bars) {
      if (bar.toMs < begins) continue;
      const width = Math.max(LEAST, x(bar.toMs) - x(bar.fromMs));
      const left = Math.min(x(bar.fromMs), 100 - width);
      out.push(
        `<svg class="bar ${bar.style}" x="${percent(left)}" y="${top}" width="${percent(width)}" height="${tall}">` +
          `<title>${escaped(bar.title)}</title><rect width="100%" height="100%" rx="4"/>${label(bar, width, tall)}</svg>`,
      );
    }
  }
  return (
    `<svg class="time-line" xmlns="http://www.w3.org/2000/svg" width="100%" height="${bottom + AXIS}" role="img" ` +
    `aria-label="steps, verdicts, factors and devices over time; the table below says the same">${out.join('')}</svg>`
  );
}
