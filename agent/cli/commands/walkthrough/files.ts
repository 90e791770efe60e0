/** Walkthroughs that a command line names: files, standard input, or one that comes with the product. */
import { isUnlockdError, UnlockdError } from '../../../../drivers/base/errors.ts';
import { checkedDocument } from '../../../policy/forms/native-json.ts';
import { readWalkthrough } from '../../../walkthrough/read.ts';
import type { Walkthrough } from '../../../walkthrough/schema.ts';
import { shippedWalkthroughs } from '../../../walkthrough/shipped.ts';
import { readBytes } from '../../file-io.ts';

export interface WalkthroughFile {
  /** What the command line calls it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly walkthrough: Walkthrough;
}

export const nameOf = (path: string): string => (path === '-' ? 'standard input' : path);

/** @throws {ERR_WALKTHROUGH_INVALID} with file, line and column in the message */
export function parseFile(path: string, bytes: Uint8Array): Walkthrough {
  try {
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      throw new UnlockdError('ERR_WALKTHROUGH_INVALID', 'this is not text in UTF-8', { cause });
    }
    return readWalkthrough(text, checkedDocument);
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_WALKTHROUGH_INVALID')) throw error;
    const { line, column } = error.detail;
    const at = line === undefined ? '' : `:${line}:${column}`;
    const message = error.message.replace(/^line \d+ column \d+: /, '');
    const detail = { path, ...error.detail };
    throw new UnlockdError(error.code, `${nameOf(path)}${at}: ${message}`, { detail, cause: error });
  }
}

/** A word without a path and an ending may be the name of a shipped one; `./first-unlock` never is. */
const SHIPPED_NAME = /^[a-z][a-z0-9-]*$/;

/**
 * @param named a path, `-`, or the name of a walkthrough that comes with the product
 * @throws {ERR_CLI_FILE | ERR_WALKTHROUGH_INVALID}
 */
export function readNamed(named: string): WalkthroughFile {
  const shipped = SHIPPED_NAME.test(named) ? shippedWalkthroughs().find(({ name }) => name === named) : undefined;
  const bytes = shipped === undefined ? readBytes(named) : new TextEncoder().encode(shipped.text);
  return { name: nameOf(named), bytes, walkthrough: parseFile(shipped?.path ?? named, bytes) };
}
