/**
 * The native policy document as TOML 1.0, for people: the same elements as in JSON, checked by the same schema, and each
 * error has its line and column. Comments are read over; what is kept is the document, not its text.
 */
import { parse, TomlError } from 'smol-toml';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { PolicyDocument } from '../model.ts';
import { checkedDocument, checkSize, invalidPolicy, located, MAX_POLICY_LENGTH } from './native-json.ts';

/** Size limit of a text, in UTF-16 units: with its comments and tables it is longer than the document that is kept. */
export const MAX_TOML_LENGTH = 4 * MAX_POLICY_LENGTH;

/** Inline tables and arrays within each other; the deepest requirement that is accepted has less. */
const MAX_INLINE_DEPTH = 48;

/** The parser's words without the excerpt of the text that follows them. */
const reasonOf = (error: TomlError): string =>
  (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');

function syntaxError(error: unknown): UnlockdError {
  if (!(error instanceof TomlError)) return invalidPolicy('the document is not TOML', '(document)', error);
  const { line, column } = error;
  return new UnlockdError('ERR_POLICY_INVALID', `line ${line} column ${column}: ${reasonOf(error)}`, {
    detail: { element: '(document)', line, column },
    cause: error,
  });
}

/**
 * Reads a policy document.
 * @param text TOML, at most {@link MAX_TOML_LENGTH} units; as JSON at most `MAX_POLICY_LENGTH`
 * @throws {ERR_POLICY_INVALID} with the element in `detail.element`, and where it stands in `detail.line` and `column`
 */
export function parseToml(text: string): PolicyDocument {
  if (text.length > MAX_TOML_LENGTH) {
    throw invalidPolicy(`the text is longer than ${MAX_TOML_LENGTH} characters`, '(document)');
  }
  let value: unknown;
  try {
    value = parse(text, { maxDepth: MAX_INLINE_DEPTH });
  } catch (error) {
    throw syntaxError(error);
  }
  try {
    return checkSize(checkedDocument(value));
  } catch (error) {
    throw located(error, text, 'toml');
  }
}
