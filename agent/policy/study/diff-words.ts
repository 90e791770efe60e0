/** A comparison of two policies for people: each difference with its way, its example, and how far the proof goes. */
import type { FactorKind } from '../../../drivers/signal.ts';
import { localTimeWords } from '../time-window.ts';
import { factorsWords } from '../words.ts';
import type { ContextDiff, Difference } from './diff.ts';
import type { ChangedSetting } from './settings-diff.ts';

const SIDES = { a: ['the first policy', 'the second'], b: ['the second policy', 'the first'] } as const;

/** `PIN + a trusted network by rule office`. */
export function wayWords({ factors, rule, during }: Difference['way']): string {
  const by = rule === null ? '' : ` by rule ${rule}`;
  const times = during.length === 0 ? '' : ` during ${during.join(' and ')}`;
  return `${factorsWords(factors as readonly FactorKind[])}${by}${times}`;
}

/** `for example with the PIN right; …`. */
export function exampleWords({ situation, example }: Difference): string {
  const when = example.localTime === null ? '' : `, on ${localTimeWords(example.localTime)}`;
  return `for example with ${situation.join('; ')}${when}`;
}

function differenceWords(difference: Difference): readonly string[] {
  const [grants, denies] = SIDES[difference.grantedBy];
  return [
    `  ${wayWords(difference.way)}: granted by ${grants}, denied by ${denies}`,
    `    ${exampleWords(difference)}`,
  ];
}

function proofWords({ proof, complete, bounds, elements, differences }: ContextDiff): string {
  if (!complete) return `  not everything was compared: ${bounds.join('; ')}`;
  const count = `${elements} ${elements === 1 ? 'element' : 'elements'}`;
  const none = differences.length === 0 ? 'proved' : 'nothing else';
  return proof === 'diagram'
    ? `  ${none}, over all combinations of ${count}`
    : `  ${none}: the smallest situations of every way were compared, as the combinations of ${count} were too many to go through as well`;
}

const value = (of: unknown): string => (of === null ? 'not there' : JSON.stringify(of));

export const diffWords = (contexts: readonly ContextDiff[], settings: readonly ChangedSetting[]): readonly string[] => [
  ...contexts.flatMap((diff) => [
    `${diff.context}: ${diff.differences.length === 0 ? 'the same verdict in every situation' : `${diff.differences.length} ${diff.differences.length === 1 ? 'difference' : 'differences'}`}`,
    ...diff.differences.flatMap(differenceWords),
    proofWords(diff),
  ]),
  ...settings.map(({ element, a, b }) => `${element}: ${value(a)}, then ${value(b)}`),
];
