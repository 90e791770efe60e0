/**
 * The JSON Schema (2020-12) of the native policy document, generated from the schema that checks it, for editors and
 * other programs. What no schema can say (names that have to be known, lengths below each other) is checked when it is
 * read.
 */
import * as z from 'zod';
import { MEANINGS } from './meanings.ts';
import { documentSchema } from './native-schema.ts';

interface Node {
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

/** One line of the reference: an element, its schema and what it means. */
export interface SchemaRow {
  readonly element: string;
  readonly schema: Node;
}

/** The properties below a node, by element; a list's item is called `element[]`, a free name `element.*`. */
function* walk(node: Node, element: string): Generator<SchemaRow> {
  if (element !== '') yield { element, schema: node };
  if (isNode(node.properties)) {
    for (const [key, inner] of Object.entries(node.properties)) {
      if (isNode(inner)) yield* walk(inner, element === '' ? key : `${element}.${key}`);
    }
  }
  if (isNode(node.items)) yield* within(node.items, `${element}[]`);
  if (isNode(node.additionalProperties)) yield* within(node.additionalProperties, `${element}.*`);
}

/** Of alternatives each in turn; the conditions of a rule are told apart by their type. */
function* within(node: Node, element: string): Generator<SchemaRow> {
  const alternatives = Array.isArray(node.oneOf) ? node.oneOf.filter(isNode) : null;
  if (alternatives === null) {
    for (const row of walk(node, element)) if (row.element !== element) yield row;
    return;
  }
  for (const each of alternatives) {
    const type = isNode(each.properties) && isNode(each.properties.type) ? String(each.properties.type.const) : '';
    for (const row of walk(each, `${element}(${type})`)) if (!row.element.endsWith(')')) yield row;
  }
}

const CONTEXT = /^contexts\.(?!unlock)\w+/;

/** Every element of the document, in its order. */
export const schemaRows = (): readonly SchemaRow[] =>
  [...walk(plainSchema(), '')].filter(({ element }) => !CONTEXT.test(element));

const plainSchema = (): Node => z.toJSONSchema(documentSchema, { io: 'input', target: 'draft-2020-12' }) as Node;

/** The schema with the meanings as descriptions. */
export function policyJsonSchema(): Node {
  const schema = plainSchema();
  for (const { element, schema: node } of walk(schema, '')) {
    const meaning = MEANINGS[element];
    if (meaning !== undefined) Object.assign(node, { description: meaning });
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'unlockd policy document, version 2',
    ...schema,
  };
}
