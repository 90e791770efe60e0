/**
 * The picture of a timeline as SVG: a lane for the verdict, one for each kind of signal, an axis below. Colours come by class
 * from the page around it, every bar says what it is as its title, and nothing is drawn from text that was not escaped.
 */
import { kindWords } from '../signal-words.ts';
import type { Bar, Interval, Timeline } from './timeline.ts';

/** Text as content or attribute value of HTML and XML; what may not stand in XML at all is replaced. */
export const escaped = (text: string): string =>
  text
    .replace(/(?![\t\n])[\p{Control}\p{Surrogate}\p{Bidi_Control}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const WIDTH = 1000;
const NAMES = 120;
const RIGHT = 16;
const TOP = 8;
const LANE = 34;
const BAR = 20;
const VERDICT_BAR = 26;
const AXIS = 34;
/** A bar is at least this wide, so that nothing disappears. */
const LEAST = 1.5;
/** Average width of a character, to know which label fits. */
const CHARACTER = 6.4;

/** Milliseconds between two ticks: at most twelve of a round number. */
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
];
const HOUR = 3_600_000;

function stepOf(length: number): number {
  const hours = [1, 2, 3, 6, 12, 24, 48, 168, 720, 8760].map((count) => count * HOUR);
  return [...STEPS, ...hours].find((step) => length / step <= 12) ?? length;
}

/** `1 min 30 s` after the start. */
export function instantWords(ms: number): string {
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(3))} s`;
  const [hours, minutes, seconds] = [Math.floor(ms / HOUR), Math.floor(ms / 60_000) % 60, (ms / 1000) % 60];
  const parts = [
    hours > 0 ? `${hours} h` : '',
    minutes > 0 ? `${minutes} min` : '',
    seconds > 0 ? `${Number(seconds.toFixed(3))} s` : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** `45 s`, `1:45`, `2:00:00`: short enough to stand twelve times in a row. */
function tickWords(ms: number, length: number): string {
  if (length < 60_000) return instantWords(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, seconds] = [Math.floor(ms / HOUR), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1000) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

const verdictClass = ({ verdict, strength }: Interval): string =>
  verdict === 'denied' ? 'denied' : `granted ${strength ?? ''}`;

const number = (value: number): string => String(Number(value.toFixed(2)));

/** @returns an `svg` element without any style of its own */
export function timelinePicture(timeline: Timeline): string {
  const { start, end, intervals, lanes } = timeline;
  const length = Math.max(1, end - start);
  const inner = WIDTH - NAMES - RIGHT;
  const x = (time: number): number => NAMES + ((Math.min(Math.max(time, start), end) - start) / length) * inner;
  const height = TOP + LANE * (lanes.length + 1) + AXIS;
  const bottom = height - AXIS;
  const out: string[] = [];

  const name = (row: number, text: string) =>
    out.push(`<text class="name" x="${NAMES - 10}" y="${TOP + LANE * row + LANE / 2 + 4}">${escaped(text)}</text>`);
  const bar = (
    row: number,
    tall: number,
    from: number,
    to: number,
    style: string,
    labels: readonly string[],
    title: string,
  ) => {
    const [left, width] = [x(from), Math.max(LEAST, x(to) - x(from))];
    const y = TOP + LANE * row + (LANE - tall) / 2;
    out.push(
      `<g class="bar ${style}"><title>${escaped(title)}</title><rect x="${number(left)}" y="${number(y)}" width="${number(width)}" height="${tall}" rx="3"/>`,
    );
    const label = labels.find((each) => each.length * CHARACTER + 12 < width);
    if (label !== undefined) {
      out.push(`<text x="${number(left + 7)}" y="${number(y + tall / 2 + 4)}">${escaped(label)}</text>`);
    }
    out.push('</g>');
  };

  const step = stepOf(length);
  for (let at = 0; at <= length; at += step) {
    const tick = number(x(start + at));
    const anchor = at === 0 ? 'start' : x(start + at) > WIDTH - 40 ? 'end' : 'middle';
    out.push(`<line class="tick" x1="${tick}" x2="${tick}" y1="${TOP}" y2="${bottom}"/>`);
    out.push(
      `<text class="time" text-anchor="${anchor}" x="${tick}" y="${bottom + 18}">${escaped(tickWords(at, length))}</text>`,
    );
  }
  for (const { from } of intervals.slice(1)) {
    out.push(`<line class="change" x1="${number(x(from))}" x2="${number(x(from))}" y1="${TOP}" y2="${bottom}"/>`);
  }
  name(0, 'verdict');
  for (const interval of intervals) {
    const { from, to, verdict, words, strength } = interval;
    const title = `${verdict}${strength === null ? '' : ` (${strength})`}: ${words}, from ${instantWords(from - start)} to ${instantWords(to - start)}`;
    bar(
      0,
      VERDICT_BAR,
      from,
      to,
      verdictClass(interval),
      verdict === 'granted' ? [`granted: ${words}`, verdict] : [verdict],
      title,
    );
  }
  for (const [i, { kind, bars }] of lanes.entries()) {
    name(i + 1, kindWords(kind));
    for (const each of bars) bar(i + 1, BAR, each.from, each.to, each.state, [each.label], barTitle(each, start));
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="verdicts and signals over time">${out.join('')}</svg>`;
}

const barTitle = ({ from, to, words }: Bar, start: number): string =>
  `${words}, from ${instantWords(from - start)} to ${instantWords(to - start)}`;
