/**
 * The root that the active profile pins (WLAN_profile and OneX schemas, EapConnectionProperties): the one thumbprint in
 * every `TrustedRootCA` of it, where the server has to be verified and nobody may be asked to let another one pass.
 * Windows keeps the login's own chain to itself.
 */
import { leavesOf, type XmlLeaf } from './xml-leaves.ts';

const THUMBPRINT = /^(?:[0-9a-f]{2}\s+){19}[0-9a-f]{2}$|^[0-9a-f]{40}$/;

const texts = (leaves: readonly XmlLeaf[], name: string): readonly string[] =>
  leaves.filter(({ path }) => path.at(-1) === name && path.includes('OneX')).map(({ text }) => text.trim());

/** Longest names that are kept. */
const NAMES_LENGTH = 255;

export interface PinnedRoot {
  /** SHA-1 in lower-case hexadecimal. */
  readonly sha1: string;
  /** What the server's certificate has to be called, as the profile says; null: anything. */
  readonly serverName: string | null;
}

/** What all of them say; null: there is none, or they differ. */
function only(values: readonly string[]): string | null {
  const [first = null, ...others] = new Set(values);
  return others.length === 0 ? first : null;
}

/** @returns null: no root, more than one, or one that somebody may wave aside */
export function pinnedRoot(xml: string): PinnedRoot | null {
  const leaves = leavesOf(xml);
  if (leaves === null) return null;
  const roots = texts(leaves, 'TrustedRootCA').map((text) => text.toLowerCase());
  if (!roots.every((root) => THUMBPRINT.test(root))) return null;
  const sha1 = only(roots.map((root) => root.replace(/\s/g, '')));
  // Said once for each method that is nested in another.
  const unasked = only(texts(leaves, 'DisableUserPromptForServerValidation')) === 'true';
  const performed = texts(leaves, 'PerformServerValidation').every((value) => value === 'true');
  if (sha1 === null || !unasked || !performed) return null;
  const name = only(texts(leaves, 'ServerNames'));
  return { sha1, serverName: name === null || name === '' || name.length > NAMES_LENGTH ? null : name };
}
