/**
 * Reads what a TypeScript module imports: static and dynamic imports, re-exports and `import type`. TypeScript 7 has no
 * programming interface, so oxc-parser reads the source.
 */
import { parseSync } from 'oxc-parser';
import type { ImportMode } from './rooms.ts';

export interface ModuleImport {
  readonly specifier: string;
  readonly mode: ImportMode;
  readonly line: number;
}

const lineOf = (source: string, offset: number): number => source.slice(0, offset).split('\n').length;

/** Visits every node of a syntax tree, whatever its shape. */
export function walk(node: unknown, visit: (node: Record<string, unknown>) => void): void {
  if (Array.isArray(node)) {
    for (const child of node) walk(child, visit);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const record = node as Record<string, unknown>;
  if (typeof record.type === 'string') visit(record);
  for (const value of Object.values(record)) walk(value, visit);
}

/**
 * @param file name for messages
 * @param source TypeScript text
 * @returns every import, in source order. A dynamic import whose target is not a literal has the specifier `*computed*`.
 * @throws Error when the text does not parse
 */
export function importsOf(file: string, source: string): ModuleImport[] {
  const { module, program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0]?.message}`);
  const found: (ModuleImport & { readonly at: number })[] = [];
  const add = (specifier: string, mode: ImportMode, at: number) =>
    found.push({ specifier, mode, line: lineOf(source, at), at });

  for (const statement of module.staticImports) {
    const text = source.slice(statement.start, statement.end);
    const onlyTypes =
      /^import\s+type\b(?!\s*(?:,|from\b))/.test(text) ||
      (statement.entries.length > 0 && statement.entries.every((entry) => entry.isType));
    add(statement.moduleRequest.value, onlyTypes ? 'types' : 'values', statement.start);
  }
  for (const statement of module.staticExports) {
    const from = statement.entries.find((entry) => entry.moduleRequest !== null)?.moduleRequest;
    if (!from) continue;
    add(from.value, statement.entries.every((entry) => entry.isType) ? 'types' : 'values', statement.start);
  }
  for (const call of module.dynamicImports) {
    const text = source.slice(call.moduleRequest.start, call.moduleRequest.end);
    const literal = /^(['"`])([^'"`$\\]*)\1$/.exec(text);
    add(literal?.[2] ?? '*computed*', 'dynamic', call.start);
  }
  // `import('./x.ts').T` in a type position, and `createRequire` and its kin, which no import statement shows.
  walk(program, (node) => {
    if (node.type === 'TSImportType') {
      const argument = (node.source ?? node.argument) as { value?: string; literal?: { value?: string } } | undefined;
      add(argument?.value ?? argument?.literal?.value ?? '*computed*', 'types', Number(node.start));
    }
    if (node.type === 'CallExpression') {
      const callee = node.callee as { type?: string; name?: string };
      if (callee.type === 'Identifier' && (callee.name === 'require' || callee.name === 'createRequire')) {
        const [argument] = node.arguments as { type?: string; value?: unknown }[];
        if (callee.name === 'require') {
          add(typeof argument?.value === 'string' ? argument.value : '*computed*', 'dynamic', Number(node.start));
        }
      }
    }
  });
  return found.sort((a, b) => a.at - b.at).map(({ specifier, mode, line }) => ({ specifier, mode, line }));
}
