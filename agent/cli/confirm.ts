/** The question before something that cannot be undone: a word that is typed, or an option that a script gives. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Context } from './context.ts';

const LINE_BYTES = 64;

/**
 * @param what what would happen, as a sentence
 * @param word what has to be typed
 * @throws {ERR_CLI_USAGE} there is no terminal to ask on
 * @throws {ERR_CLI_INTERRUPTED} something else was typed
 */
export async function requireTypedWord(context: Context, what: string, word: string): Promise<void> {
  const terminal = context.terminal();
  if (terminal === null) {
    throw new UnlockdError('ERR_CLI_USAGE', `${what} Without a terminal to confirm it on, --yes is needed`);
  }
  const question = `${what}\nType ${word} to go on: `;
  const typed = await terminal.readVisible(question, { limit: LINE_BYTES, signal: context.deps.interrupted });
  if (typed.trim() !== word) {
    throw new UnlockdError('ERR_CLI_INTERRUPTED', `${word} was not typed: nothing was changed`);
  }
}
