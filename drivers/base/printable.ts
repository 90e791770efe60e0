/** Texts of others (a device, a daemon, a file, a server) before a person reads them on a terminal or in a report. */

/** What others write (a daemon's text, a file's content) must not move the cursor, turn a line around or hide in it. */
export const printable = (text: string): string =>
  text.replace(/(?![\t\n\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');

const LONGEST_LINE = 128;

/** A text of somebody else on one line: nothing in it begins another line or moves the cursor. */
export function oneLine(text: string): string {
  const clean = printable(text).replace(/[\n\t\u2028\u2029]/g, '\ufffd');
  return clean.length <= LONGEST_LINE ? clean : `${clean.slice(0, LONGEST_LINE)}…`;
}
