/**
 * The XML of signal rules, read as hostile input: comma-separated roots on one line become a list of elements with their
 * positions. One parser walks the whole text, so a comma inside a value or an attribute is never taken for a separator
 * and every position counts from the start of the text. What the names mean is for `rule-schema.ts`.
 */
import { SaxesParser } from 'saxes';
import { type ErrorCode, UnlockdError } from '../../../../drivers/base/errors.ts';
import {
  MAX_RULE_ATTRIBUTES,
  MAX_RULE_DEPTH,
  MAX_RULE_ELEMENTS,
  MAX_RULE_VALUE,
  MAX_RULES,
  MAX_RULES_LENGTH,
} from './limits.ts';

export interface RuleElement {
  readonly name: string;
  /** `rule[2]/and/signal[1]`: positions among equal names count from 1. */
  readonly path: string;
  /** Index of `<` in the whole text, in UTF-16 units. */
  readonly at: number;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly RuleElement[];
  /** All text directly inside, with entities resolved. */
  readonly text: string;
  /** Index where the content begins. */
  readonly contentAt: number;
}

/** The text that positions refer to, and how an error in it is told. */
export interface RuleText {
  readonly text: string;
  /** The setting that the text is the value of, such as `DeviceUnlock/Plugins`. */
  readonly setting: string;
}

/** An error at a position; line and column count from 1, columns in UTF-16 units. */
export function ruleError(
  source: RuleText,
  code: ErrorCode,
  message: string,
  at: number,
  element: string,
  cause?: unknown,
): UnlockdError {
  const before = source.text.slice(0, at).split(/\r\n|[\r\n]/);
  const line = before.length;
  const column = (before.at(-1)?.length ?? 0) + 1;
  const where = `${source.setting} line ${line} column ${column}${element === '' ? '' : ` (${element})`}`;
  return new UnlockdError(code, `${where}: ${message}`, {
    detail: { setting: source.setting, line, column, element },
    cause,
  });
}

interface OpenElement {
  name: string;
  path: string;
  at: number;
  attributes: Map<string, string>;
  children: OpenElement[];
  counts: Map<string, number>;
  text: string;
  contentAt: number;
}

const checkText = (source: RuleText): void => {
  const { text } = source;
  if (text.length > MAX_RULES_LENGTH) {
    throw ruleError(source, 'ERR_POLICY_RULE_TOO_LARGE', `longer than ${MAX_RULES_LENGTH} characters`, 0, '');
  }
  const lineBreak = text.search(/[\r\n\u0085\u2028\u2029]/);
  if (lineBreak >= 0) throw ruleError(source, 'ERR_POLICY_RULE_LINE_BREAK', 'there is a line break', lineBreak, '');
  const surrogate = text.search(/\p{Surrogate}/u);
  if (surrogate >= 0) {
    throw ruleError(source, 'ERR_POLICY_RULE_XML', 'half of a surrogate pair is no character', surrogate, '');
  }
};

/**
 * Splits and reads the roots.
 * @throws {ERR_POLICY_RULE_XML} not well-formed, or anything but elements, attributes and text
 * @throws {ERR_POLICY_RULE_SEPARATOR} @throws {ERR_POLICY_RULE_LINE_BREAK} @throws {ERR_POLICY_RULE_TOO_LARGE}
 */
export function readRuleXml(source: RuleText): readonly RuleElement[] {
  checkText(source);
  const { text } = source;
  const parser = new SaxesParser({ fragment: true });
  const roots: OpenElement[] = [];
  const rootCounts = new Map<string, number>();
  const stack: OpenElement[] = [];
  let elements = 0;
  let betweenAt = 0;
  const here = (): string => stack.at(-1)?.path ?? '';
  const fail = (code: ErrorCode, message: string, at: number, element = here(), cause?: unknown): UnlockdError =>
    ruleError(source, code, message, Math.max(0, Math.min(at, text.length)), element, cause);
  const openAt = (): number => text.lastIndexOf('<', parser.position - 1);

  // The raw text, not the parsed one: a comma that is written as an entity separates nothing.
  const separate = (to: number, last: boolean): void => {
    const between = text.slice(betweenAt, to);
    const found = between.replace(/[ \t]/g, '');
    const first = roots.length === 0;
    const wanted = first || last ? '' : ',';
    if (found !== wanted) {
      const at = betweenAt + Math.max(0, between.search(/[^ \t]/));
      if (/[^,]/.test(found)) throw fail('ERR_POLICY_RULE_SEPARATOR', 'text between the rules', at);
      const words =
        wanted === ',' && found === '' ? 'there is no comma between two rules' : 'there is a comma too many';
      throw fail('ERR_POLICY_RULE_SEPARATOR', words, at);
    }
  };

  parser.on('error', (error) => {
    throw fail('ERR_POLICY_RULE_XML', error.message.replace(/^\d+:\d+: /, ''), parser.position - 1, here(), error);
  });
  const refuse = (what: string) => (): void => {
    throw fail('ERR_POLICY_RULE_XML', `${what} may not stand here`, openAt());
  };
  parser.on('doctype', refuse('a document type'));
  parser.on('processinginstruction', refuse('a processing instruction'));
  parser.on('xmldecl', refuse('an XML declaration'));
  parser.on('comment', refuse('a comment'));
  parser.on('cdata', refuse('a CDATA section'));
  parser.on('opentagstart', (tag) => {
    const at = openAt();
    const parent = stack.at(-1);
    if (parent === undefined) separate(at, false);
    const counts = parent?.counts ?? rootCounts;
    const nth = (counts.get(tag.name) ?? 0) + 1;
    counts.set(tag.name, nth);
    const path = `${parent === undefined ? '' : `${parent.path}/`}${tag.name.slice(0, 64)}[${nth}]`;
    elements += 1;
    if (elements > MAX_RULE_ELEMENTS || (parent === undefined && roots.length >= MAX_RULES)) {
      throw fail('ERR_POLICY_RULE_TOO_LARGE', 'too many elements', at, path);
    }
    if (stack.length >= MAX_RULE_DEPTH) throw fail('ERR_POLICY_RULE_TOO_LARGE', 'nested too deeply', at, path);
    if (tag.name.length > MAX_RULE_VALUE) throw fail('ERR_POLICY_RULE_TOO_LARGE', 'the name is too long', at, path);
    const element = {
      name: tag.name,
      path,
      at,
      attributes: new Map<string, string>(),
      children: [],
      counts: new Map<string, number>(),
      text: '',
      contentAt: at,
    };
    (parent?.children ?? roots).push(element);
    stack.push(element);
  });
  parser.on('attribute', ({ name, value }) => {
    const element = stack.at(-1);
    if (element === undefined) return;
    // A name that stands twice is an error of the parser's own.
    if (element.attributes.size >= MAX_RULE_ATTRIBUTES || name.length + value.length > MAX_RULE_VALUE) {
      throw fail('ERR_POLICY_RULE_TOO_LARGE', 'attributes too many or too long', element.at);
    }
    element.attributes.set(name, value);
  });
  parser.on('opentag', () => {
    const element = stack.at(-1);
    if (element !== undefined) element.contentAt = parser.position;
  });
  parser.on('text', (run) => {
    const element = stack.at(-1);
    if (element === undefined) return;
    if (element.text.length + run.length > MAX_RULE_VALUE) {
      throw fail('ERR_POLICY_RULE_TOO_LARGE', 'the value is too long', element.contentAt);
    }
    element.text += run;
  });
  parser.on('closetag', () => {
    stack.pop();
    if (stack.length === 0) betweenAt = parser.position;
  });
  parser.write(text).close();
  separate(text.length, true);
  return roots;
}
