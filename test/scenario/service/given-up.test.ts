/** What a policy gives up is told by whoever sets it, and to root until the last user has followed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkedDocument, formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { RULES } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const PAIR = { require: { all: ['pin', 'securityKey'] } };
const WIDER = { require: { all: ['pin', { any: ['securityKey', 'network'] }] } };
const policy = (contexts: Readonly<Record<string, unknown>>): string =>
  formatDocument(checkedDocument({ version: 2, contexts, rules: RULES }));

let agent: TestAgent;
beforeAll(async () => {
  agent = await TestAgent.start();
  await agent.setUpAndEnrol(UID, PIN);
  await agent.service.setPolicy(peer(0), policy({ unlock: PAIR, wallet: PAIR }));
  expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ policyInForce: 2 });
});
afterAll(() => agent?.close());

const set = async (contexts: Readonly<Record<string, unknown>>): Promise<readonly string[]> =>
  (await agent.service.setPolicy(peer(0), policy(contexts))).warnings;
const shown = async (uid = 0): Promise<readonly string[]> => (await agent.service.policy(peer(uid))).warnings;
const about = (warnings: readonly string[]): readonly string[] =>
  warnings
    .filter((words) => /weaker|dropped/.test(words))
    .map((words) => words.replace(/ (is weaker|is dropped).*/, ' $1'));

describe('a policy that gives something up', () => {
  it('says nothing of a policy that gives nothing up', async () => {
    expect(about(await set({ unlock: PAIR, wallet: PAIR, sudo: PAIR }))).toEqual([]);
  });

  it('says which context is dropped and which is weaker, with an example, when it is set', async () => {
    const warnings = await set({ unlock: WIDER });
    const own = ['unlock is weaker', 'the context wallet is dropped', 'wallet is weaker'];
    expect(about(warnings)).toEqual([
      'unlock is weaker',
      'the context sudo is dropped',
      'sudo is weaker',
      ...own.slice(1),
      ...own.map((words) => `for user-1000: ${words}`),
    ]);
    expect(warnings.find((words) => words.startsWith('unlock is weaker'))).toMatch(
      /\(bound-2 -> bound-1, opens with [^)]*\): .*office opens it now and did not; for example with .*192\.0\.2\./,
    );
  });

  it('says it to root, and to nobody else, until the last user has followed', async () => {
    expect(about(await shown())).toContain('for user-1000: the context wallet is dropped');
    expect(await shown(UID)).toEqual([]);
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ unlocked: true, policyInForce: 4 });
    expect(about(await shown())).toEqual([]);
  });

  it('says who cannot have a context, though the policy itself can be followed', async () => {
    const warnings = await set({ unlock: WIDER, wallet: { require: { all: ['pin', 'face'] } } });
    expect(warnings).toContainEqual(
      expect.stringMatching(/^user-1000 cannot have the context wallet until enrolled anew: /),
    );
  });
});
