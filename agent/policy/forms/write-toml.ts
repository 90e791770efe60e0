/**
 * Writes a policy document as TOML that people read and edit: what has its default is left out, two lists of factors are
 * written as lists, each condition of a rule is a table of its own. Read again it is the same document.
 */
import { GESTURE_KINDS } from '../../../drivers/signal.ts';
import { DEFAULT_DYNAMIC_LOCK } from '../dynamic-lock.ts';
import { twoLists } from '../lists.ts';
import { type ContextPolicy, contextsOf, DEFAULT_DOCUMENT, type PolicyDocument } from '../model.ts';
import type { FactorName, Requirement } from '../requirement.ts';
import type { SignalRule } from '../rules.ts';

type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

/** A line that gets longer than this is broken within its lists. */
const WIDTH = 100;

const textOf = (text: string): string => JSON.stringify(text).replaceAll('\u007f', '\\u007f');
const keyOf = (key: string): string => (/^[A-Za-z0-9_-]+$/.test(key) ? key : textOf(key));

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

const onOneLine = (value: Value): string => {
  if (typeof value === 'string') return textOf(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(onOneLine).join(', ')}]`;
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${keyOf(key)} = ${onOneLine(inner)}`)
    .join(', ')} }`;
};

/** TOML 1.0 lets lists break over lines and inline tables not, but for the lists in them. */
function broken(value: Value, indent: string): string {
  const line = onOneLine(value);
  if (line.length + indent.length <= WIDTH || typeof value !== 'object') return line;
  if (isList(value)) {
    const inner = `${indent}  `;
    return `[\n${value.map((item) => `${inner}${broken(item, inner)},\n`).join('')}${indent}]`;
  }
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${keyOf(key)} = ${broken(inner, indent)}`)
    .join(', ')} }`;
}

const entry = (key: string, value: Value): string => `${keyOf(key)} = ${broken(value, '')}\n`;

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A table with what differs from the default; nothing where nothing does. */
function section(path: string, value: object, fallback: object): string {
  const defaults = fallback as Readonly<Record<string, unknown>>;
  const differing = Object.entries(value).filter(
    ([key, inner]) => inner !== undefined && !isSame(inner, defaults[key]),
  );
  const plain = differing.filter(([, inner]) => typeof inner !== 'object' || Array.isArray(inner));
  const tables = differing.filter(([, inner]) => typeof inner === 'object' && !Array.isArray(inner));
  const own = plain.map(([key, inner]) => entry(key, inner as Value)).join('');
  return [
    own === '' ? '' : `\n[${path}]\n${own}`,
    ...tables.map(([key, inner]) => section(`${path}.${keyOf(key)}`, inner as object, (defaults[key] ?? {}) as object)),
  ].join('');
}

const isAny = (part: Requirement): boolean => typeof part === 'object' && 'any' in part;
const isGesture = (name: Requirement): boolean => GESTURE_KINDS.some((gesture) => gesture === name);

/** The two lists of a requirement that are written as lists; null: it is a tree, or begins with a signal. */
function listsOf(requirement: Requirement): readonly (readonly FactorName[])[] | null {
  if (typeof requirement === 'string' || !('all' in requirement) || !requirement.all.every(isAny)) return null;
  const lists = twoLists(requirement);
  return lists?.[0].every(isGesture) ? lists : null;
}

function contextText(name: string, { require, acceptAsserted }: ContextPolicy): string {
  const lists = listsOf(require);
  const body =
    lists === null ? entry('require', require as Value) : ['first', 'then'].map((k, i) => entry(k, lists[i] ?? []));
  return `\n[contexts.${name}]\n${[body].flat().join('')}${acceptAsserted ? entry('acceptAsserted', true) : ''}`;
}

function ruleText({ name, all }: SignalRule): string {
  const conditions = all.map((condition) => {
    const entries = Object.entries(condition).filter(([, value]) => value !== undefined);
    return `\n[[rules.all]]\n${entries.map(([key, value]) => entry(key, value as Value)).join('')}`;
  });
  return `\n[[rules]]\n${entry('name', name)}${conditions.join('')}`;
}

/** What `dynamicLock.rule.rssiFar` is when it is left out depends on `rssiMin`, so it is written with it. */
function dynamicLockText(document: PolicyDocument): string {
  const { dynamicLock } = document;
  if (dynamicLock === undefined) return '';
  const { rule, enabled, ...rest } = dynamicLock;
  const isDefaultRule = isSame(rule, DEFAULT_DYNAMIC_LOCK.rule);
  const ruleEntries = Object.entries(rule).map(([key, value]) => entry(key, value));
  const { enabled: _enabled, rule: _rule, ...defaults } = DEFAULT_DYNAMIC_LOCK;
  const others = section('dynamicLock', rest, defaults).replace('\n[dynamicLock]\n', '');
  return [
    `\n[dynamicLock]\n${entry('enabled', enabled)}`,
    others,
    isDefaultRule ? '' : `\n[dynamicLock.rule]\n${ruleEntries.join('')}`,
  ].join('');
}

/** The document as TOML. `parseToml` of it is the document again. */
export function formatToml(document: PolicyDocument): string {
  const { contexts, rules, windows, windowsSettings } = document;
  const names = contextsOf(document);
  return [
    'version = 2\n',
    ...names.map((name) => contextText(name, contexts[name] ?? contexts.unlock)),
    ...rules.map(ruleText),
    ...Object.entries(windows).map(([name, window]) => section(`windows.${keyOf(name)}`, window, {})),
    section('matching', document.matching, DEFAULT_DOCUMENT.matching),
    section('freshnessSeconds', document.freshnessSeconds, {}),
    section('securityKey', document.securityKey, DEFAULT_DOCUMENT.securityKey),
    section('pin', document.pin, DEFAULT_DOCUMENT.pin),
    dynamicLockText(document),
    section('windowsSettings', windowsSettings, {}),
  ].join('');
}
