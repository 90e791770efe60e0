/**
 * Two runs compared: steps whose outcome, verdict, error code or reason differs, and what the machines had of devices. Times,
 * versions and addresses differ between any two runs and are no difference. Pure.
 */
import type { Evidence, EvidenceDevice, EvidenceStep } from './schema.ts';

const PARTS = ['step', 'expected', 'outcome', 'verdict', 'code', 'reason', 'device', 'walkthrough'] as const;

export interface ReportDifference {
  readonly part: (typeof PARTS)[number];
  /** `step 3: unlock: PIN mine`, `security key blue` */
  readonly where: string;
  /** Null: there is none. */
  readonly a: string | null;
  readonly b: string | null;
}

/** Reasons that are not met and have no reason of their own below them. */
const leaves = ({ reasons }: EvidenceStep): string =>
  reasons
    .filter(({ ok, depth }, at) => !ok && (reasons[at + 1]?.depth ?? 0) <= depth)
    .map(({ text }) => text)
    .join('; ');

const textOf = (text: string): string | null => (text === '' ? null : text);

/** The words before the colon: the message behind it may count seconds. */
const verdictOf = ({ got }: EvidenceStep): string | null => got?.split(':')[0] ?? null;

const stepParts: readonly (readonly [ReportDifference['part'], (step: EvidenceStep) => string | null])[] = [
  ['expected', ({ expected }) => textOf(expected.join(', '))],
  ['outcome', ({ outcome, why }) => (outcome === 'passed' ? outcome : [outcome, ...why].join(': '))],
  ['verdict', verdictOf],
  ['code', ({ code }) => code],
  ['reason', (step) => textOf(leaves(step))],
];

/** Steps side by side as far as they do the same; what only one of them has stands alone. */
function paired(
  a: readonly EvidenceStep[],
  b: readonly EvidenceStep[],
): readonly (readonly [EvidenceStep | null, EvidenceStep | null])[] {
  // The longest common run of actions, so that one step more does not make all that follow differ.
  const lengths: number[][] = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row === undefined) continue;
      row[j] = a[i]?.what === b[j]?.what ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const out: (readonly [EvidenceStep | null, EvidenceStep | null])[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const [left = null, right = null] = [a[i], b[j]];
    if (left !== null && right !== null && left.what === right.what) {
      out.push([left, right]);
      i++;
      j++;
    } else if (right === null || (left !== null && at(i + 1, j) >= at(i, j + 1))) {
      out.push([left, null]);
      i++;
    } else {
      out.push([null, right]);
      j++;
    }
  }
  return out;
}

const deviceWords = ({ nature, manufacturer, model, firmware, aaguid, says }: EvidenceDevice): string =>
  [nature, manufacturer, model, firmware, aaguid, ...says].filter((part) => part !== null).join(', ');

function* deviceDifferences(a: Evidence, b: Evidence): Generator<ReportDifference> {
  const names = ({ kind, name }: EvidenceDevice) => `${kind} ${name}`;
  const [left, right] = [a, b].map(({ devices }) => new Map(devices.map((each) => [names(each), deviceWords(each)])));
  for (const where of new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])])) {
    const [one = null, other = null] = [left?.get(where), right?.get(where)];
    if (one !== other) yield { part: 'device', where, a: one, b: other };
  }
}

function* stepDifferences(a: Evidence, b: Evidence): Generator<ReportDifference> {
  for (const [left, right] of paired(a.steps, b.steps)) {
    const step = left ?? right;
    const where = `step ${step?.number}: ${step?.what}`;
    if (left === null || right === null) {
      yield { part: 'step', where, a: left?.outcome ?? null, b: right?.outcome ?? null };
      continue;
    }
    for (const [part, of] of stepParts) {
      const [one, other] = [of(left), of(right)];
      if (one !== other) yield { part, where, a: one, b: other };
    }
  }
}

/** In the order of the steps, then devices. Nothing: the runs came to the same. */
export function diffReports(a: Evidence, b: Evidence): readonly ReportDifference[] {
  const files: readonly ReportDifference[] =
    a.walkthrough.digest === b.walkthrough.digest
      ? []
      : [{ part: 'walkthrough', where: 'file', a: a.walkthrough.digest, b: b.walkthrough.digest }];
  return [...files, ...stepDifferences(a, b), ...deviceDifferences(a, b)];
}
