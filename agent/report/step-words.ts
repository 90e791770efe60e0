/**
 * Steps of a walkthrough in words: what is done, and what is expected of it. The words follow the form's own names, so that an
 * action or an expectation that is new there is told here too.
 */
import type { Step } from '../walkthrough/schema.ts';

const TERMS: Readonly<Record<string, string>> = { pin: 'PIN', tpm: 'TPM', wifi: 'Wi-Fi', dns: 'DNS' };

/** What the person does unless told otherwise. */
const USUAL: Readonly<Record<string, string>> = { touch: 'always', finger: 'own' };

/** `changePin` as `change PIN`. */
const spoken = (name: string): string =>
  name
    .replace(/([A-Z])/g, ' $1')
    .toLowerCase()
    .split(' ')
    .map((word) => TERMS[word] ?? word)
    .join(' ');

function valueWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueWords).join(', ');
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, inner]) => `${spoken(name)} ${valueWords(inner)}`)
      .join(', ');
  }
  return String(value);
}

/** What the step does: `insert blue`, `unlock: PIN wrong, mine, touch never`. */
export function stepWords({ action, value }: Pick<Step, 'action' | 'value'>): string {
  const does = spoken(action);
  if (value === true) return does;
  if (action === 'wait') return `${does} ${value} s`;
  if (typeof value !== 'object') return `${does} ${valueWords(value)}`;
  // That a key is touched when it waits goes without saying, and what is no given value too.
  const said = Object.entries(value).filter(([name, inner]) => inner !== undefined && inner !== USUAL[name]);
  return said.length === 0 ? does : `${does}: ${valueWords(Object.fromEntries(said))}`;
}

/** What is expected, one line each. @param asks whether the step asks for a ceremony, which is to be granted unless told */
export function expectedWords(expect: Step['expect'], asks: boolean): readonly string[] {
  const { verdict, code, reason, events, state, keys, ...rest } = expect;
  const out: string[] = [];
  if (verdict !== undefined || asks) out.push(verdict ?? 'granted');
  if (code !== undefined) out.push(code);
  if (reason !== undefined) out.push(`a reason that says “${reason}”`);
  if (events !== undefined) out.push(`events: ${events.join(', ')}`);
  if (state !== undefined) out.push(`the container is ${state}`);
  if (keys !== undefined) out.push(`${keys} ${keys === 1 ? 'key opens' : 'keys open'} the container`);
  for (const [name, value] of Object.entries(rest)) out.push(`${spoken(name)}: ${valueWords(value)}`);
  return out;
}
