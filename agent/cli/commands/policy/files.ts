/** Files that the policy commands read: what stands in them is named by file, line and column in every error. */
import { isUnlockdError, UnlockdError } from '../../../../drivers/base/errors.ts';
import { jsonErrorAt } from '../../../../drivers/base/json-error.ts';
import { type PolicyFormat, type ReadPolicy, readPolicyFiles } from '../../../policy/forms/policy-file.ts';
import { readBytes } from '../../file-io.ts';

const nameOf = (path: string): string => (path === '-' ? 'standard input' : path);

/** @throws {ERR_POLICY_INVALID} with the file, the line and the column */
export function requireJson(path: string, text: string): void {
  const at = jsonErrorAt(text);
  if (at === null) return;
  const before = text.slice(0, at).split('\n');
  const [line, column] = [before.length, (before.at(-1)?.length ?? 0) + 1];
  const what = at >= text.trimEnd().length ? 'the document ends too early' : 'this is not JSON';
  throw new UnlockdError('ERR_POLICY_INVALID', `${nameOf(path)}:${line}:${column}: ${what}`, {
    detail: { path, line, column },
  });
}

/** An error of the reader with the file that it is about; null: there are several, and only the reader can know. */
function inFile(error: unknown, path: string | null): unknown {
  if (!isUnlockdError(error) || path === null) return error;
  if (error.code !== 'ERR_POLICY_INVALID') {
    if (error.message.includes(nameOf(path))) return error;
    const detail = { path, ...error.detail };
    return new UnlockdError(error.code, `${nameOf(path)}: ${error.message}`, { detail, cause: error });
  }
  const { line, column } = error.detail;
  const at = line === undefined ? '' : `:${line}:${column}`;
  const message = error.message.replace(/^line \d+ column \d+: /, '');
  return new UnlockdError(error.code, `${nameOf(path)}${at}: ${message}`, {
    detail: { path, ...error.detail },
    cause: error,
  });
}

/**
 * Reads a policy in any form.
 * @throws {ERR_CLI_FILE} and what the readers throw, with the file
 */
export function readPolicy(paths: readonly string[], format: PolicyFormat | 'auto' = 'auto'): ReadPolicy {
  const files = paths.map((path) => ({ name: nameOf(path), data: readBytes(path) }));
  const [first] = files;
  const only = files.length === 1 && first !== undefined ? new TextDecoder().decode(first.data) : '';
  if (format === 'json' || (format === 'auto' && only.trimStart().startsWith('{'))) requireJson(paths[0] ?? '', only);
  try {
    return readPolicyFiles(files, format);
  } catch (error) {
    throw inFile(error, paths.length === 1 ? (paths[0] ?? '') : null);
  }
}

/** What was understood, and what was done to it, a line each. */
export const noteLines = ({ form, notes }: ReadPolicy): readonly string[] => [
  `read as: ${form}`,
  ...notes.map(({ where, words }) => `note: ${where}: ${words}`),
];
