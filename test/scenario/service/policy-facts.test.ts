/** What the running daemon says of its users to root, and of each context of a container to its user. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkedDocument, formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { RULES } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const ALICE = 1000;
const BOB = 1001;
const PIN = '246813';
const PAIR = { require: { all: ['pin', 'securityKey'] } };
const policy = (contexts: Readonly<Record<string, unknown>>): string =>
  formatDocument(checkedDocument({ version: 2, contexts, rules: RULES }));

let agent: TestAgent;
beforeAll(async () => {
  agent = await TestAgent.start();
});
afterAll(() => agent?.close());

describe('what users have enrolled', () => {
  it('is nothing on a machine that was not set up', async () => {
    expect(await agent.service.policyFacts(peer(0))).toEqual({ pinIsBound: true, users: [], unread: [] });
  });

  it('is told of every user, by name, and who cannot be read is named', async () => {
    await agent.setUpAndEnrol(ALICE, PIN);
    await agent.service.setPolicy(peer(0), policy({ unlock: { require: { all: ['pin', 'securityKey'] } } }));
    await agent.setUpAndEnrol(BOB, PIN);
    const known = { gestures: ['pin', 'securityKey'], keys: 1, phones: 0 };
    expect(await agent.service.policyFacts(peer(0))).toEqual({
      pinIsBound: true,
      users: [
        { user: 'user-1000', ...known },
        { user: 'user-1001', ...known },
      ],
      unread: [],
    });
    await writeFile(join(agent.folder, 'containers', `${BOB}.state`), 'damaged');
    expect(await agent.service.policyFacts(peer(0))).toEqual({
      pinIsBound: true,
      users: [{ user: 'user-1000', ...known }],
      unread: ['user-1001'],
    });
  });
});

describe('what the policy says of one context', () => {
  const explained = async (context?: 'unlock' | 'wallet' | 'ssh') => {
    const { of, context: told, words } = await agent.service.explainPolicy(peer(ALICE), context);
    return [of, told, words];
  };

  it('is that of unlock where neither the container nor the machine has another one', async () => {
    expect(await explained('wallet')).toEqual(['container', 'unlock', 'first PIN, then security key']);
    expect(await explained()).toEqual(await explained('unlock'));
  });

  it('is that of the machine as long as the container has not got it, and then that of the container', async () => {
    const wallet = { require: { all: ['securityKey', 'pin'] } };
    await agent.service.setPolicy(peer(0), policy({ unlock: PAIR, wallet }));
    const words = 'first security key, then PIN';
    expect(await explained('wallet')).toEqual(['machine', 'wallet', words]);
    expect((await agent.run(ALICE, UNLOCK, { pin: PIN })).failed).toBeNull();
    expect(await explained('wallet')).toEqual(['container', 'wallet', words]);
    expect(await explained('ssh')).toEqual(['container', 'unlock', 'first PIN, then security key']);
    expect((await agent.service.explainPolicy(peer(1002), 'wallet')).of).toBe('machine');
  });
});
