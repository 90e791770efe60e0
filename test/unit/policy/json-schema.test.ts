/** The published schema of the policy document: complete, with every element explained. */
import { expect, test } from 'vitest';
import { policyJsonSchema, schemaRows } from '../../../agent/policy/forms/json-schema.ts';
import { MEANINGS } from '../../../agent/policy/forms/meanings.ts';

test('every element has a meaning, and there is no meaning of an element that is gone', () => {
  expect(Object.keys(MEANINGS)).toEqual(schemaRows().map(({ element }) => element));
  expect(Object.values(MEANINGS).filter((text) => !/^[A-Z`d].*\.$/.test(text))).toEqual([]);
});

test('the schema names what it is, is closed, and has the tree by name', () => {
  const text = JSON.stringify(policyJsonSchema());
  expect(policyJsonSchema()).toMatchObject({
    type: 'object',
    additionalProperties: false,
    required: ['version', 'contexts'],
  });
  expect(text).toContain('#/$defs/requirement');
  expect(text).toContain('"description":"Local time, `08:00`."');
});
