/**
 * Roots of Wi-Fi logins have names in a walkthrough: their certificates are made for each run, so that no file can know a
 * thumbprint. A policy names them as `trustedRootCA`, and whoever runs it puts the thumbprints in.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Walkthrough } from './schema.ts';

type Document = Readonly<Record<string, unknown>>;

const NAMED_AS = 'trustedRootCA';

/** What stands in for a thumbprint while a file is checked. */
export const ANY_THUMBPRINT = '0'.repeat(64);

/** Names of the roots that the access points of a walkthrough have their certificates from. */
export const rootsOf = ({ wifi }: Pick<Walkthrough['given'], 'wifi'>): ReadonlySet<string> =>
  new Set(Object.values(wifi).flatMap(({ root }) => (root === undefined ? [] : [root])));

function replaced(value: unknown, key: string | null, of: (text: string) => string): unknown {
  if (typeof value === 'string') return key === NAMED_AS ? of(value) : value;
  if (Array.isArray(value)) return value.map((each) => replaced(each, null, of));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replaced(inner, name, of)]));
}

/**
 * A policy with thumbprints in the place of the names of roots.
 * @param thumbprintOf null: the root has none here
 * @throws {ERR_WALKTHROUGH_NOT_GIVEN}
 */
export function withRoots(
  policy: Document,
  given: Pick<Walkthrough['given'], 'wifi'>,
  thumbprintOf: (root: string) => string | null,
): Document {
  const roots = rootsOf(given);
  return replaced(policy, null, (text) => {
    if (!roots.has(text)) return text;
    const thumbprint = thumbprintOf(text);
    if (thumbprint === null) throw new UnlockdError('ERR_WALKTHROUGH_NOT_GIVEN', `the root ${text} is not here`);
    return thumbprint;
  }) as Document;
}
