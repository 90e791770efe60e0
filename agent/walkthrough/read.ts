/**
 * Reads a walkthrough: YAML 1.2 (of which JSON is a part) or an object of a program. Files come from anywhere, so aliases
 * and custom tags are refused, length and nesting are bounded, and every error says line, column and what to do.
 */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { ANY_THUMBPRINT, withRoots } from './roots.ts';
import { ACTION_NAMES, type ActionName, outerSchema, type Step, stepSchema, type Walkthrough } from './schema.ts';
import { storyFault } from './story.ts';

type Path = readonly PropertyKey[];

/** Size limit of a file, in UTF-16 units. */
export const MAX_WALKTHROUGH_LENGTH = 65_536;
const MAX_NESTING = 32;

/** Checks `given.policy`, and those of steps, as policies are checked. @throws {ERR_POLICY_INVALID} with `detail.element` */
export type PolicyCheck = (document: unknown) => void;

class Fault extends Error {
  readonly path: Path;
  constructor(path: Path, message: string) {
    super(message);
    this.path = path;
  }
}

const elementOf = (path: Path): string =>
  path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );

const invalid = (message: string, detail: Readonly<Record<string, string | number>>, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_WALKTHROUGH_INVALID', message, { detail, cause });

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The library's words, shorter; of a union the words of the first alternative that got furthest. */
function faultOf(issue: z.core.$ZodIssue, base: Path): Fault {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return new Fault([...path, issue.keys[0] ?? ''], 'there is no such element here');
  }
  if (issue.code === 'invalid_union') {
    const inner = issue.errors
      .flatMap(([first]) => (first === undefined ? [] : [faultOf(first, path)]))
      .sort((a, b) => b.path.length - a.path.length)[0];
    if (inner !== undefined) return inner;
  }
  if (issue.code === 'invalid_key') return new Fault(path, issue.issues[0]?.message ?? 'is no name');
  const words = issue.message.replace(/^Invalid (?:input|option): /, '');
  return new Fault(path, words.replace(/, received undefined$/, ', and there is nothing'));
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, base: Path): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A misspelt element is missing under its name and unknown under the other: the latter says more.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  throw issue === undefined ? new Fault(base, 'is no walkthrough') : faultOf(issue, base);
}

function checkNesting(value: unknown, path: Path = []): void {
  if (path.length > MAX_NESTING) throw new Fault(path.slice(0, 2), 'is nested too deeply');
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const own = [...path, Array.isArray(value) ? Number(key) : key];
    if (key === '__proto__') throw new Fault(own, 'there is no such element here');
    checkNesting(inner, own);
  }
}

function checkedStep(value: unknown, index: number): Step {
  const path = ['steps', index];
  if (!isRecord(value)) throw new Fault(path, 'a step is an action with what it is about, e.g. `- insert: blue`');
  const actions = ACTION_NAMES.filter((name) => Object.hasOwn(value, name));
  const [action, second] = actions;
  if (action === undefined) {
    const [first] = Object.keys(value);
    throw new Fault(
      first === undefined ? path : [...path, first],
      `no action of a step: one of ${ACTION_NAMES.join(', ')}`,
    );
  }
  if (second !== undefined) {
    throw new Fault([...path, second], `${action} is an action too, and a step has one: make two steps of it`);
  }
  return stepOf(action, parsed(stepSchema(action), value, path));
}

/** What the schema has checked, with what may be left out filled in. */
function stepOf(action: ActionName, checked: unknown): Step {
  const step = checked as Readonly<Record<string, unknown>>;
  const { note = null, within, expect = {} } = step;
  return { action, value: step[action], note, withinSeconds: within, expect } as Step;
}

/** The policy at this place, as policies are checked. Names of roots are as good as their thumbprints. */
function checkPolicyAt(
  path: Path,
  policy: Readonly<Record<string, unknown>>,
  given: Walkthrough['given'],
  checkPolicy: PolicyCheck,
): void {
  try {
    checkPolicy(withRoots(policy, given, () => ANY_THUMBPRINT));
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_POLICY_INVALID')) throw error;
    const element = String(error.detail.element ?? '');
    const inner = [...element.matchAll(/([^.[\]]+)/g)].map(([key]) => (/^\d+$/.test(key) ? Number(key) : key));
    throw new Fault([...path, ...(element === '(document)' ? [] : inner)], error.message);
  }
}

function checked(value: unknown, checkPolicy: PolicyCheck): Walkthrough {
  checkNesting(value);
  const outer = parsed(outerSchema, value, []);
  const { given } = outer;
  if (given.policy !== undefined) checkPolicyAt(['given', 'policy'], given.policy, given, checkPolicy);
  const { walkthrough: _version, ...rest } = outer;
  const walkthrough = { ...rest, steps: outer.steps.map(checkedStep) };
  for (const [index, step] of walkthrough.steps.entries()) {
    if (step.action === 'setPolicy') checkPolicyAt(['steps', index, 'setPolicy'], step.value, given, checkPolicy);
  }
  const fault = storyFault(walkthrough);
  if (fault !== null) throw new Fault(fault.path, fault.message);
  return walkthrough;
}

/**
 * Checks a walkthrough that a program has put together.
 * @throws {ERR_WALKTHROUGH_INVALID} with the element in `detail.element` (`steps[3].unlock.pin`)
 */
export function checkWalkthrough(value: unknown, checkPolicy: PolicyCheck): Walkthrough {
  try {
    return checked(value, checkPolicy);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const element = elementOf(error.path) || '(document)';
    throw invalid(`${element}: ${error.message}`, { element });
  }
}

type Document = ReturnType<typeof parseDocument>;

/** Where an element begins, or what is around it where it is missing. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (pair !== undefined && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
    }
    const node = document.getIn(path.slice(0, length), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) return node.range[0];
  }
  return 0;
}

/** The package's words for a person: without its picture of the line. */
const syntaxWords = (message: string): string =>
  (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');

/**
 * Reads a walkthrough.
 * @param text YAML 1.2, at most {@link MAX_WALKTHROUGH_LENGTH} units
 * @throws {ERR_WALKTHROUGH_INVALID} with `detail.line`, `detail.column` (from 1) and `detail.element`
 */
export function readWalkthrough(text: string, checkPolicy: PolicyCheck): Walkthrough {
  if (text.length > MAX_WALKTHROUGH_LENGTH) {
    throw invalid(`longer than ${MAX_WALKTHROUGH_LENGTH} characters`, { element: '(document)', line: 1, column: 1 });
  }
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const refuse = (offset: number, element: string, message: string, cause?: unknown): UnlockdError => {
    const { line, column } = at(offset);
    const where = element === '(document)' ? '' : `${element}: `;
    return invalid(`line ${line} column ${column}: ${where}${message}`, { element, line, column }, cause);
  };
  let document: Document;
  let value: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, version: '1.2', schema: 'core', logLevel: 'error' });
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw refuse(problem.pos[0], '(document)', syntaxWords(problem.message), problem);
    value = document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    if (isUnlockdError(cause)) throw cause;
    // The parser goes as deep as the text does, and counts aliases by throwing.
    const tooDeep = cause instanceof RangeError;
    throw refuse(0, '(document)', tooDeep ? 'is nested too deeply' : 'has an alias: write it out instead', cause);
  }
  try {
    return checked(value, checkPolicy);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw refuse(offsetOf(document, error.path), elementOf(error.path) || '(document)', error.message);
  }
}
