/** docs/reference/policy.md and policy.schema.json, generated from the schema of the policy document. */
import { policyJsonSchema, schemaRows } from '../../../agent/policy/forms/json-schema.ts';
import { MEANINGS } from '../../../agent/policy/forms/meanings.ts';

type Node = Readonly<Record<string, unknown>>;

const code = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

function kindWords(schema: Node): string {
  if (schema.const !== undefined) return code(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map(code).join(', ');
  if (schema.type === 'array') return `list of ${kindWords((schema.items ?? {}) as Node)}`;
  if (schema.type === 'integer' || schema.type === 'number') {
    return `${schema.type === 'integer' ? 'whole number' : 'number'}, ${schema.minimum} to ${schema.maximum}`;
  }
  if (schema.type === 'string') return 'text';
  if (schema.type === 'boolean') return '`true`, `false`';
  return 'table';
}

const isTable = (schema: Node): boolean => typeof schema.default === 'object' && !Array.isArray(schema.default);

function page(): string {
  const rows = schemaRows().map(({ element, schema }) => {
    const fallback = schema.default === undefined || isTable(schema) ? '' : code(schema.default);
    const kind = kindWords(schema);
    return `| \`${element}\` | ${kind} | ${fallback} | ${MEANINGS[element] ?? ''} |`;
  });
  return [
    '# The policy document',
    '',
    'Generated from `agent/policy/forms/` by `npm run docs`; do not edit. How to write one: [native policies](../guides/native-policy.md).',
    'As TOML or JSON, which may have 65,536 characters at most; [JSON Schema](policy.schema.json). Unknown elements are errors, and every error names',
    'its element, line and column. What has no default here is left out unless it is needed.',
    '',
    'A tree (`require`) is the name of a factor (`pin`, `securityKey`, `fingerprint`, `face`, `phone`, `network`, `trustedSignal`,',
    '`rule:NAME`), `{ any = […] }`, `{ all = […] }`, `{ atLeast = n, of = […] }` or `{ during = "WINDOW", need = … }`; at most 8 deep and',
    '128 parts. A factor is spent once.',
    '',
    '| element | kind | default | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

export const policyReference = (): readonly { readonly path: string; readonly content: string }[] => [
  { path: 'docs/reference/policy.md', content: page() },
  { path: 'docs/reference/policy.schema.json', content: `${JSON.stringify(policyJsonSchema(), null, 2)}\n` },
];
