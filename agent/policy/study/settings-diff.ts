/** What two documents say differently that is no verdict: rules for new PINs, verification by the key, dynamic lock. */
import type { PolicyDocument } from '../model.ts';

export interface ChangedSetting {
  /** `pin.minLength` */
  readonly element: string;
  /** Null: it is not there. */
  readonly a: unknown;
  readonly b: unknown;
}

/** What the verdicts are made of; the comparison of situations speaks of it. */
const OF_VERDICTS: ReadonlySet<string> = new Set([
  'version',
  'contexts',
  'rules',
  'windows',
  'matching',
  'freshnessSeconds',
]);

/** Other names, as those of Windows nodes, stand in quotes. */
const BARE = /^[A-Za-z0-9_-]+$/;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function changes(a: unknown, b: unknown, element: string): readonly ChangedSetting[] {
  if (isObject(a) && isObject(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].flatMap((key) =>
      changes(a[key], b[key], `${element}${BARE.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`}`),
    );
  }
  return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ element, a: a ?? null, b: b ?? null }];
}

export function changedSettings(a: PolicyDocument, b: PolicyDocument): readonly ChangedSetting[] {
  const [left, right] = [a, b].map((document) => Object.fromEntries(Object.entries(document)));
  const keys = new Set([...Object.keys(left ?? {}), ...Object.keys(right ?? {})]);
  return [...keys].filter((key) => !OF_VERDICTS.has(key)).flatMap((key) => changes(left?.[key], right?.[key], key));
}
