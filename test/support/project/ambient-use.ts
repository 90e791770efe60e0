/**
 * Finds what reaches around the parameters for time and randomness: clocks, timers and random numbers of the machine.
 * Product code takes a `Clock` and an `Entropy`; only drivers/base/clock.ts and entropy.ts touch the real ones.
 */
import { parseSync } from 'oxc-parser';
import { walk } from './module-imports.ts';

/** The only product files that may use the machine's own time or randomness. */
export const AMBIENT_ALLOWED = ['drivers/base/clock.ts', 'drivers/base/entropy.ts'] as const;

const MEMBERS = new Set([
  'Date.now',
  'Math.random',
  'performance.now',
  'process.hrtime',
  'AbortSignal.timeout',
  'crypto.getRandomValues',
  'crypto.randomUUID',
]);
const TIMERS = new Set(['setTimeout', 'setInterval']);
const RANDOM = new Set(['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID', 'getRandomValues']);
const MODULES = new Set(['node:timers', 'node:timers/promises', 'node:perf_hooks']);

interface Node {
  readonly type?: string;
  readonly name?: string;
  readonly value?: unknown;
}

/**
 * @param file name for messages
 * @param source TypeScript text
 * @returns one sentence for each use, with its line
 */
export function ambientUses(file: string, source: string): string[] {
  const found: string[] = [];
  const report = (node: Record<string, unknown>, what: string) =>
    found.push(`${file}:${source.slice(0, Number(node.start)).split('\n').length} uses ${what}`);
  walk(parseSync(file, source).program, (node) => {
    if (node.type === 'MemberExpression') {
      const object = node.object as Node & { readonly object?: Node; readonly property?: Node };
      const property = (node.property as Node).name ?? String((node.property as Node).value);
      const owner = object.type === 'MemberExpression' ? object.property?.name : object.name;
      if (MEMBERS.has(`${owner}.${property}`)) report(node, `${owner}.${property}`);
      else if (owner === 'globalThis' && TIMERS.has(property)) report(node, property);
      else if (RANDOM.has(property)) report(node, property);
    }
    if (node.type === 'NewExpression' && (node.callee as Node).name === 'Date') {
      if ((node.arguments as unknown[]).length === 0) report(node, 'new Date() without an argument');
    }
    if (node.type === 'CallExpression') {
      const name = (node.callee as Node).name;
      if (name !== undefined && (TIMERS.has(name) || RANDOM.has(name))) report(node, name);
    }
    if (node.type === 'ImportDeclaration') {
      const from = String((node.source as Node).value);
      if (MODULES.has(from)) report(node, from);
    }
  });
  return found;
}
