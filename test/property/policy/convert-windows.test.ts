/** Windows -> native -> Windows loses nothing; native -> Windows -> native is refused with reasons or loses nothing. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { branchesOf } from '../../../agent/policy/branches.ts';
import { fromWindows } from '../../../agent/policy/forms/from-windows.ts';
import { checkedDocument, formatDocument, parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { parseToml } from '../../../agent/policy/forms/native-toml.ts';
import { toWindows } from '../../../agent/policy/forms/to-windows.ts';
import { InexpressibleError } from '../../../agent/policy/forms/windows/inexpressible.ts';
import { formatToml } from '../../../agent/policy/forms/write-toml.ts';
import { twoLists } from '../../../agent/policy/lists.ts';
import { DEFAULT_DOCUMENT, type PolicyDocument } from '../../../agent/policy/model.ts';
import type { Requirement } from '../../../agent/policy/requirement.ts';
import { documents } from '../../support/policy/arbitrary-document.ts';
import { windowsPolicies } from '../../support/policy/arbitrary-windows.ts';

test('a Windows policy comes back from the native document, and from its TOML and JSON', () => {
  fc.assert(
    fc.property(windowsPolicies, (policy) => {
      const { document } = fromWindows(policy);
      expect(toWindows(document).policy).toEqual(policy);
      expect(toWindows(parseToml(formatToml(document))).policy).toEqual(policy);
      expect(toWindows(parseDocument(formatDocument(document))).policy).toEqual(policy);
    }),
    { numRuns: 200 },
  );
});

/** A list of one factor may be written as the factor; Windows has lists only. */
function asLists(require: Requirement): Requirement {
  const lists = twoLists(require);
  return lists === null ? require : { all: lists.map((any) => ({ any })) };
}

/** What Windows has no words for and that a note tells: the reading of rules, and their names. */
const carried = (document: PolicyDocument): PolicyDocument => ({
  ...document,
  contexts: {
    ...document.contexts,
    unlock: { ...document.contexts.unlock, require: asLists(document.contexts.unlock.require) },
  },
  matching: DEFAULT_DOCUMENT.matching,
  rules: document.rules.map((rule, i) => ({ ...rule, name: `rule-${i + 1}` })),
});

/** Mostly such as Windows can say: the parts of a generated document are put back to what it knows. */
const expressible = fc
  .tuple(documents, windowsPolicies, fc.integer({ min: 0, max: 255 }))
  .map(([document, policy, keep]): PolicyDocument => {
    const imported = fromWindows(policy).document;
    const kept = (bit: number) => (keep & (1 << bit)) === 0;
    return {
      ...imported,
      matching: kept(0) ? imported.matching : document.matching,
      rules: kept(1) ? imported.rules : document.rules,
      pin: kept(2) ? document.pin : imported.pin,
      dynamicLock: kept(3) ? imported.dynamicLock : document.dynamicLock,
      windowsSettings: kept(4) ? {} : imported.windowsSettings,
      freshnessSeconds: kept(5) ? {} : document.freshnessSeconds,
      contexts: kept(6) ? imported.contexts : document.contexts,
    } as PolicyDocument;
  })
  .map((document) => JSON.parse(JSON.stringify(document)) as PolicyDocument);

test('a native document is refused with reasons, or comes back but for what the notes tell', () => {
  const seen = { refused: 0, back: 0 };
  fc.assert(
    fc.property(fc.oneof(documents, expressible), (document) => {
      try {
        const { policy, notes } = toWindows(document);
        const back = fromWindows(policy).document;
        const told = notes.some(({ code }) => code === 'section-wins');
        const { windowsSettings: _was, ...sections } = carried(document);
        const { windowsSettings: _is, ...again } = carried(back);
        expect(again).toEqual(sections);
        if (!told) expect(toWindows(back).policy).toEqual(policy);
        seen.back++;
      } catch (error) {
        if (!(error instanceof InexpressibleError)) throw error;
        expect(error.reasons.length).toBeGreaterThan(0);
        expect(error.reasons.every(({ what, words }) => what !== '' && words !== '')).toBe(true);
        seen.refused++;
      }
    }),
    { numRuns: 300 },
  );
  expect(Math.min(seen.refused, seen.back)).toBeGreaterThan(20);
});

test('a list of one factor that is written as the factor goes to Windows as a list', () => {
  const contexts = { unlock: { require: { all: ['pin', 'face'] }, acceptAsserted: false } };
  const { policy } = toWindows(checkedDocument({ version: 2, contexts }));
  expect([policy.groupA, policy.groupB]).toEqual([['pin'], ['face']]);
  expect(fromWindows(policy).document.contexts.unlock.require).toEqual({ all: [{ any: ['pin'] }, { any: ['face'] }] });
});

test('an import accepts asserted pairs where there are some and nowhere else, and says so', () => {
  fc.assert(
    fc.property(windowsPolicies, (policy) => {
      const { document, notes } = fromWindows(policy);
      const { require, acceptAsserted } = document.contexts.unlock;
      const branches = branchesOf({ require, rules: document.rules }, { pinIsBound: true });
      expect(acceptAsserted).toBe(branches.some(({ strength }) => strength === 'asserted'));
      expect(notes.some(({ code }) => code === 'accepts-asserted')).toBe(acceptAsserted);
    }),
  );
});
