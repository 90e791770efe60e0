/** The generated pages about traces and findings stand in the repository as they are. */
import { expect, test } from 'vitest';
import { parseTrace, traceSchema } from '../../../agent/policy/forms/trace.ts';
import { lintPage, tracePage } from '../../../agent/policy/study/reference.ts';
import { TRACE_EXAMPLE } from '../../../agent/policy/study/trace-example.ts';
import { expectGolden } from '../../support/cli/golden.ts';

test('the findings of lint', () => expectGolden('docs/reference/lint.md', lintPage()));

test('the format of traces', () => expectGolden('docs/reference/trace.md', tracePage()));

test('the schema of traces', () =>
  expectGolden('docs/reference/trace.schema.json', `${JSON.stringify(traceSchema(), null, 2)}\n`));

test('the example of a trace is one', () => {
  expect(parseTrace(TRACE_EXAMPLE).entries).toHaveLength(5);
});
