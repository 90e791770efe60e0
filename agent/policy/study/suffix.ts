/** The DNS suffix of the machine: one text that several `dnsSuffix` elements may match, and which of them can be so together. */
import { suffixMatches } from '../match/ip-config.ts';
import type { Matching } from '../model.ts';

export interface SuffixElement {
  readonly value: string;
  readonly mode: Matching['dnsSuffix'];
}

const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '');

export const suffixKey = ({ value, mode }: SuffixElement): string => `${mode} ${plain(value)}`;

export const suffixWords = ({ value, mode }: SuffixElement): string =>
  `dnsSuffix ${mode === 'labels' ? '' : 'with '}${value}`;

const matches = ({ value, mode }: SuffixElement, text: string): boolean => suffixMatches(value, text, mode);

/** Whatever matches `a` matches `b`. */
export const suffixImplies = (a: SuffixElement, b: SuffixElement): boolean =>
  (a.mode === 'labels' || b.mode === 'substring') && matches(b, plain(a.value));

/** Nothing matches both: two ends of which neither is the end of the other. */
export const suffixesExclude = (a: SuffixElement, b: SuffixElement): boolean =>
  a.mode === 'labels' && b.mode === 'labels' && !suffixImplies(a, b) && !suffixImplies(b, a);

/** Between parts that only have to occur somewhere, none of which is the end of a name. */
const JOINTS = ['.', '.0.', '-', '.zz-', ''];
/** After the parts where no end of a name is asked for: they then are no end either. */
const TAILS = ['', '-0', '-zz'];

/**
 * A text that matches all of `wanted` and none of `unwanted`; null also for the suffix of a machine that has none.
 * @returns undefined: none was found
 */
export function suffixFor(
  wanted: readonly SuffixElement[],
  unwanted: readonly SuffixElement[],
): string | null | undefined {
  if (wanted.length === 0) return null;
  const byLength = (of: readonly SuffixElement[]) =>
    of.map(({ value }) => plain(value)).sort((a, b) => b.length - a.length);
  const [end] = byLength(wanted.filter(({ mode }) => mode === 'labels'));
  const parts = byLength(wanted.filter(({ mode }) => mode === 'substring')).filter(
    (part, i, all) => !(end?.includes(part) ?? false) && !all.slice(0, i).some((longer) => longer.includes(part)),
  );
  for (const joint of JOINTS) {
    for (const tail of end === undefined ? TAILS : ['']) {
      const text = [...parts, ...(end === undefined ? [] : [end])].join(joint) + tail;
      if (wanted.every((each) => matches(each, text)) && !unwanted.some((each) => matches(each, text))) return text;
    }
  }
  return undefined;
}
