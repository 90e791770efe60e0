/** The table of permissions, cell by cell, asked of the real service over a real TPM: root, the owner, and another user. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTIONS, type Action, mayCall } from '../../../agent/api/permissions.ts';
import type { Ceremony, CeremonyRequest, Peer } from '../../../agent/api/ports.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const OWNER = 1000;
const OTHER = 1001;
let agent: TestAgent;
beforeAll(async () => {
  agent = await TestAgent.start();
  await agent.setUpAndEnrol(OWNER);
});
afterAll(() => agent.close());

/** Begun and given up at once: whether it may be begun is the question. */
async function begun(who: Peer, request: CeremonyRequest): Promise<void> {
  const ceremony: Ceremony = await agent.service.begin(who, request);
  ceremony.cancel();
  for await (const event of ceremony.events({ signal: new AbortController().signal }))
    expect(event.type).not.toBe('done');
}

const CALLS: Readonly<Record<Action, (who: Peer) => Promise<unknown>>> = {
  setup: (who) => begun(who, { kind: 'setup' }),
  'lockout-reset': (who) => begun(who, { kind: 'lockout-reset' }),
  enrol: (who) => begun(who, { kind: 'enrol' }),
  unlock: (who) => begun(who, UNLOCK),
  'earlier-key': (who) => begun(who, { kind: 'earlier-key', purpose: 'test', earlier: 1 }),
  lock: (who) => agent.service.lock(who),
  'purpose-key': (who) => agent.service.purposeKey(who, 'test'),
  'pin-change': (who) => begun(who, { kind: 'pin-change' }),
  recover: (who) => begun(who, { kind: 'recover' }),
  unenrol: (who) => begun(who, { kind: 'unenrol', uid: OTHER }),
  status: (who) => agent.service.status(who),
  users: (who) => agent.service.users(who),
  configuration: (who) => agent.service.configuration(who),
  'policy-show': (who) => agent.service.policy(who),
  'policy-facts': (who) => agent.service.policyFacts(who),
  'policy-explain': (who) => agent.service.explainPolicy(who),
  signals: (who) => agent.service.signals(who),
  'key-add': (who) => begun(who, { kind: 'key-add', name: null }),
  'key-revoke': (who) => begun(who, { kind: 'key-revoke', id: '0123abcd' }),
  phones: (who) => agent.service.phones(who),
  'phone-add': (who) => begun(who, { kind: 'phone-add', address: '00:11:22:33:44:55' }),
  'phone-remove': (who) => agent.service.removePhone(who, '00:11:22:33:44:55', OTHER),
  'biometric-add': (who) => begun(who, { kind: 'biometric-add', modality: 'fingerprint' }),
  'biometric-remove': (who) => begun(who, { kind: 'biometric-remove', modality: 'fingerprint' }),
  'policy-set': (who) =>
    agent.service.setPolicy(who, '{"version": 1, "first": ["pin"], "then": ["securityKey"], "pin": {"minLength": 6}}'),
  'policy-request': (who) => agent.service.policyRequest(who),
  'policy-apply': (who) => begun(who, { kind: 'policy-apply', document: '{}' }),
  events: async (who) => {
    const signal = new AbortController().signal;
    for await (const _event of agent.service.audit(who, { last: 1, follow: false, signal })) break;
  },
};

/** Actions without an argument that could name somebody else: there is no way to ask for the container of another. */
const AIMED: readonly Action[] = ['unenrol', 'phone-remove'];

async function outcome(work: Promise<unknown>): Promise<'allowed' | 'forbidden'> {
  try {
    await work;
    return 'allowed';
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    return error.code === 'ERR_API_FORBIDDEN' ? 'forbidden' : 'allowed';
  }
}

describe('every action', () => {
  it.each(
    ACTIONS.flatMap((action) =>
      [
        ['root', 0],
        ['the owner', OWNER],
        ['another user', OTHER],
      ].map(([who, uid]) => [action, who, Number(uid)] as const),
    ),
  )('%s by %s (uid %i) is allowed or refused as the table says', async (action, _who, uid) => {
    const target = AIMED.includes(action) ? OTHER : null;
    const expected = mayCall({ uid }, action, target) ? 'allowed' : 'forbidden';
    expect(await outcome(CALLS[action](peer(uid)))).toBe(expected);
  });
});

describe('another user, root included', () => {
  it('spends no try of the owner', async () => {
    await agent.run(OTHER, UNLOCK, { pin: '999999' });
    await agent.run(0, UNLOCK, { pin: '999999' });
    const { own, tpm } = await agent.service.status(peer(OWNER));
    expect([own.pinTriesLeft, tpm.lockout?.counter]).toEqual([5, 0]);
  });

  it('sees the own status only, and root sees of others that they are enrolled, not that they are unlocked', async () => {
    expect((await agent.run(OWNER, UNLOCK, { pin: '246813' })).done).not.toBeNull();
    expect((await agent.service.status(peer(0))).own).toMatchObject({ uid: 0, state: 'none', pinTriesLeft: null });
    expect((await agent.service.status(peer(OTHER))).own).toMatchObject({ uid: OTHER, state: 'none' });
    expect(await agent.service.users(peer(0))).toMatchObject([{ uid: OWNER, state: 'locked' }]);
  });

  it('takes no purpose key of a container that the owner has unlocked, and does not lock it', async () => {
    for (const uid of [0, OTHER]) {
      await expect(agent.service.purposeKey(peer(uid), 'test')).rejects.toMatchObject({ code: 'ERR_CONTAINER_LOCKED' });
      expect(await agent.service.lock(peer(uid))).toEqual({ wasUnlocked: false });
    }
    expect((await agent.service.status(peer(OWNER))).own.state).toBe('unlocked');
  });

  it('a ceremony of the owner does not exist for them', async () => {
    const { id } = await agent.service.begin(peer(OWNER), UNLOCK);
    for (const uid of [0, OTHER]) {
      expect(() => agent.service.ceremony(peer(uid), id)).toThrow(
        expect.objectContaining({ code: 'ERR_API_NO_SUCH_CEREMONY' }),
      );
    }
    agent.service.ceremony(peer(OWNER), id).cancel();
  });
});
