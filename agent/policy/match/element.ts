/** What comes of holding one element of a condition against what is observed. */

export interface ElementReason {
  readonly kind: 'element';
  readonly ok: boolean;
  /** Name in the rule language (`ipv4DnsServer`), or what is asked beyond it (`proved`, `user`). */
  readonly element: string;
  readonly expected: string;
  /** What was observed, in words; null: it is not known. */
  readonly found: string | null;
  /** Who said what was found, in words; left out: nobody said who. */
  readonly source?: string;
}

export interface Match {
  readonly ok: boolean;
  /** The interface, network or device that comes closest; null: there is none. */
  readonly where: string | null;
  readonly elements: readonly ElementReason[];
}

export const element = (
  name: string,
  expected: string,
  found: string | null,
  ok: boolean,
  source: string | null = null,
): ElementReason =>
  Object.freeze({ kind: 'element', ok, element: name, expected, found, ...(source === null ? {} : { source }) });

/** The candidate that matches, or the one of which the most elements do, the earlier one of equals. */
export function closest(candidates: readonly Match[], none: readonly ElementReason[]): Match {
  let best: Match | null = null;
  let most = -1;
  for (const candidate of candidates) {
    if (candidate.ok) return candidate;
    const count = candidate.elements.filter(({ ok }) => ok).length;
    if (count > most) [best, most] = [candidate, count];
  }
  return best ?? { ok: false, where: null, elements: none };
}

export const listWords = (values: readonly string[] | null): string | null =>
  values === null ? null : values.length === 0 ? 'none' : values.join(', ');
