/** What a new document gives up, context by context, each with one example that `evaluate()` confirms. */
import { describe, expect, test } from 'vitest';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { type PolicyDocument, policyFor } from '../../../agent/policy/model.ts';
import { verdictIn } from '../../../agent/policy/study/situation.ts';
import { weakerContexts, weakerWords } from '../../../agent/policy/study/weaker.ts';

const OPTIONS = { pinIsBound: true };
const office = (prefix: string) => ({ name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: prefix }] });
const PAIR = { all: ['pin', 'securityKey'] };
const WIDER = { all: ['pin', { any: ['securityKey', 'network'] }] };

const document = (contexts: Readonly<Record<string, unknown>>, rules: readonly unknown[] = []): PolicyDocument =>
  checkedDocument({
    version: 2,
    contexts: Object.fromEntries(Object.entries(contexts).map(([name, require]) => [name, { require }])),
    rules,
  });

const words = (a: PolicyDocument, b: PolicyDocument) => weakerContexts(a, b, OPTIONS).flatMap(weakerWords);

describe('what a new document gives up', () => {
  const rules = [office('192.0.2.0/24')];

  test.each<[string, PolicyDocument, PolicyDocument]>([
    ['the same document', document({ unlock: WIDER }, rules), document({ unlock: WIDER }, rules)],
    ['a stricter one', document({ unlock: WIDER }, rules), document({ unlock: PAIR }, rules)],
    [
      'a context more, which asks for more',
      document({ unlock: WIDER }, rules),
      document({ unlock: WIDER, ssh: PAIR }, rules),
    ],
    ['a smaller network', document({ unlock: WIDER }, rules), document({ unlock: WIDER }, [office('192.0.2.0/25')])],
  ])('%s gives up nothing', (_what, before, after) => {
    expect(words(before, after)).toEqual([]);
  });

  test('a pair more is told with its example, and with the strength that it costs', () => {
    const [before, after] = [document({ unlock: PAIR }, rules), document({ unlock: WIDER }, rules)];
    expect(words(before, after)).toEqual([
      expect.stringMatching(
        /^unlock is weaker than before \(bound-2 -> bound-1, opens with [^)]*\): .*office.* opens it now and did not; for example with .*192\.0\.2\./,
      ),
    ]);
    const [only] = weakerContexts(before, after, OPTIONS);
    const example = only?.difference?.example;
    if (example === undefined) throw new Error('no example');
    expect(verdictIn(policyFor(before, 'unlock'), example, OPTIONS)).toBe('denied');
    expect(verdictIn(policyFor(after, 'unlock'), example, OPTIONS)).toBe('granted');
  });

  test('a wider network is told by an address that it adds, though the pairs are the same', () => {
    const [before, after] = [document({ unlock: WIDER }, [office('192.0.2.0/25')]), document({ unlock: WIDER }, rules)];
    expect(words(before, after)).toEqual([expect.stringMatching(/^unlock is weaker than before: .*192\.0\.2\./)]);
  });

  test('a context that is dropped is told, and that its key goes; as weaker only where unlock asks for less', () => {
    const [demanding, easy] = [document({ unlock: WIDER, wallet: PAIR }, rules), document({ unlock: WIDER }, rules)];
    const lost =
      "the context wallet is dropped: it has the policy of unlock, and at each user's next unlock its own key goes, with whatever is encrypted under it";
    expect(words(demanding, easy)).toEqual([
      lost,
      expect.stringMatching(/^wallet is weaker than before \(bound-2 -> bound-1, opens with [^)]*\): .*office/),
    ]);
    expect(words(document({ unlock: PAIR, wallet: PAIR }), document({ unlock: PAIR }))).toEqual([lost]);
  });

  test('a context of its own that asks for less than unlock did is weaker, though it is new', () => {
    expect(words(document({ unlock: PAIR }, rules), document({ unlock: PAIR, sudo: WIDER }, rules))).toEqual([
      expect.stringMatching(/^sudo is weaker than before \(/),
    ]);
  });

  test('more rules than are compared is said, never passed over', () => {
    const many = Array.from({ length: 5 }, (_, i) => ({ ...office(`192.0.${i}.0/24`), name: `office-${i}` }));
    expect(words(document({ unlock: WIDER }, many), document({ unlock: WIDER }, many))).toEqual([]);
    const found = weakerContexts(document({ unlock: WIDER }, many), document({ unlock: WIDER }, many.toReversed()), {
      ...OPTIONS,
      rules: 9,
    });
    expect(found.flatMap(weakerWords)).toEqual([
      'unlock: whether it is weaker than before was not found out: more than 9 rules in both policies: they were not compared',
    ]);
  });
});
