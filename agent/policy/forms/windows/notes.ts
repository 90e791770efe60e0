/**
 * Notes: what an import did that its author may want to know and that is no error. Programs switch on the code; the
 * words are for people.
 */

export const NOTE_CODES = [
  /** A value lost to a stronger source; the words name both. */
  'overridden',
  /** A key, a node or a whole policy that has nothing to do with Windows Hello for Business. */
  'ignored',
  /** Windows has no such setting for users. */
  'no-user-scope',
  /** A setting that no part of the product knows; it is kept as it is. */
  'unknown-node',
  /** The file deletes it: not configured. */
  'deleted',
  /** A documented spelling variant, a host bit in a prefix, spaces in a list: the export writes the usual form. */
  'spelling',
  /** A provider is listed twice; once is enough. */
  'duplicate',
  /** Minimum and maximum length of the PIN contradict each other: both have their defaults. */
  'pin-lengths-inconsistent',
  /** Trusted signal is listed and there is no rule that could make it true (validity rule V5). */
  'signal-without-rules',
  /** There are rules and no list that uses them. */
  'rules-without-signal',
  /** Windows supports only phones for dynamic lock. */
  'not-a-phone',
] as const;
export type NoteCode = (typeof NOTE_CODES)[number];

export interface Note {
  readonly code: NoteCode;
  /** A sentence for people. */
  readonly words: string;
  /** The setting, line or element that it is about. */
  readonly where: string;
}
