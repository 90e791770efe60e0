/** Reports read back and compared: what is no report is refused in words, and what differs is told. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffReports } from '../../../agent/report/diff.ts';
import { EVIDENCE_OPENS, renderReport } from '../../../agent/report/page.ts';
import { readEvidence } from '../../../agent/report/read.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { sample } from '../../support/report/sample.ts';

const messageOf = (text: string): string => {
  try {
    readEvidence(text);
  } catch (error) {
    if (isUnlockdError(error, 'ERR_REPORT_INVALID')) return error.message;
    throw error;
  }
  return 'none';
};

describe('what is no report', async () => {
  const page = renderReport(await sample());
  const evidence = JSON.stringify(await sample());

  it.each([
    ['', 'this is no report: no evidence stands in it'],
    ['<!DOCTYPE html><p>hello</p>', 'this is no report: no evidence stands in it'],
    [page.slice(0, -200), 'it ends within the evidence'],
    [`${page}${page}`, 'there is more than one evidence in it'],
    [`${EVIDENCE_OPENS}{"evidence":</script>`, 'its evidence is no JSON'],
    ['{"evidence":2}', 'evidence: Invalid input: expected 1'],
    [evidence.replace('"outcome":"failed"', '"outcome":"fine"'), /^steps\.4\.outcome: /],
    [evidence.replace('"lane":', '"extra":1,"lane":'), /^\(document\): Unrecognized key: "extra"/],
  ])('is refused in words (%#)', (text, message) => {
    expect(messageOf(text)).toMatch(message);
  });

  it('is never anything but refused, whatever is cut out of it or put in', () => {
    fc.assert(
      fc.property(fc.nat(page.length), fc.nat(200), fc.string({ maxLength: 20 }), (at, length, put) => {
        messageOf(page.slice(0, at) + put + page.slice(at + length));
      }),
      { numRuns: 100 },
    );
  });
});

describe('two runs', () => {
  it('that came to the same have no difference, however long they took', async () => {
    expect(diffReports(await sample(), await sample({ noise: 1234 }))).toEqual([]);
  });

  it('differ in the outcome, verdict, code and reason of a step, and in devices', async () => {
    const asked = {
      verdict: 'granted',
      code: null,
      message: 'done',
      reasons: [],
    } as const;
    const other = await sample({ last: { outcome: 'passed', why: [], asked }, model: 'Another Key' });
    const found = diffReports(await sample({ model: 'A Key' }), other);
    const where = 'step 5: unlock: PIN mine, touch never';
    expect(found).toEqual([
      { part: 'outcome', where, a: 'failed: no reason says “touch”', b: 'passed' },
      { part: 'verdict', where, a: 'refused', b: 'granted' },
      { part: 'code', where, a: 'ERR_POLICY_DENIED', b: null },
      { part: 'reason', where, a: 'no touch came', b: null },
      {
        part: 'device',
        where: 'security key blue',
        a: 'simulated, A Key, 00112233445566778899aabbccddeeff, profile: 2.1',
        b: 'simulated, Another Key, 00112233445566778899aabbccddeeff, profile: 2.1',
      },
    ]);
  });

  it('of which one has a step more do not differ in all that follow', async () => {
    const a = await sample();
    const b = { ...a, steps: a.steps.filter(({ number }) => number !== 2) };
    expect(diffReports(a, b)).toEqual([
      { part: 'step', where: 'step 2: unlock: PIN wrong, mine', a: 'passed', b: null },
    ]);
    expect(diffReports(b, a)).toEqual([
      { part: 'step', where: 'step 2: unlock: PIN wrong, mine', a: null, b: 'passed' },
    ]);
  });

  it('of different files say so', async () => {
    const a = await sample();
    const b = { ...a, walkthrough: { ...a.walkthrough, digest: null } };
    expect(diffReports(a, b)).toMatchObject([{ part: 'walkthrough', b: null }]);
  });
});
