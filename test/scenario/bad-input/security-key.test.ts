/** A security key that is absent, another one, or one that cannot do what the policy asks: a code with its cure, and nothing lost. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { PROFILES } from '../../../hal-mocks/fido2/profile.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';
import { endOf, kept } from './scene.ts';

const PIN = { pin: '246813' };
const UV_POLICY =
  '{"version": 1, "first": ["pin"], "then": ["securityKey"], "securityKey": {"userVerification": "required"}}';

describe('a user who is enrolled with a security key', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await TestAgent.start();
    await agent.setUpAndEnrol(1000);
  });
  afterAll(() => agent.close());

  it('without the key: ERR_CTAP_NO_KEY, no state changes, and with the key again it unlocks', async () => {
    const before = await kept(agent.folder);
    agent.key.remove();
    const without = await agent.run(1000, UNLOCK, PIN);
    agent.key.insert();
    expect(endOf(without)).toBe('ERR_POLICY_DENIED: ERR_CTAP_NO_KEY');
    expect(without.events.some(({ type }) => type === 'insert')).toBe(true);
    expect(without.failed?.refusal.cure).not.toBe('');
    expect(await kept(agent.folder)).toEqual(before);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });

  it('with another key: ERR_CTAP_WRONG_KEY names the way out, no state changes, the own key still unlocks', async () => {
    const before = await kept(agent.folder);
    const other = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy, profile: PROFILES['2.1'] });
    other.presence.onWait(() => setImmediate(() => other.presence.touch()));
    agent.hid.attach(other);
    agent.key.remove();
    const wrong = await agent.run(1000, UNLOCK, PIN);
    other.remove();
    agent.key.insert();
    expect(endOf(wrong)).toBe('ERR_POLICY_DENIED: ERR_CTAP_WRONG_KEY');
    expect(wrong.events.find(({ type }) => type === 'insert')).toMatchObject({
      text: expect.stringContaining('not enrolled'),
    });
    expect(await kept(agent.folder)).toEqual(before);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });

  it('a wrong key costs no try of the PIN', async () => {
    const status = await agent.service.status(peer(1000));
    expect([status.own.pinTriesLeft, status.tpm.lockout?.counter]).toEqual([5, 0]);
  });
});

describe('enrolling', () => {
  it('with a key without hmac-secret: ERR_CTAP_NO_HMAC_SECRET, and no container and no counter are left', async () => {
    await using agent = await TestAgent.start({ profile: 'no-hmac-secret' });
    await agent.run(0, { kind: 'setup' });
    const before = await kept(agent.folder);
    const refused = await agent.run(1000, { kind: 'enrol' }, { 'new-pin': '246813' });
    expect(endOf(refused)).toBe('ERR_CTAP_NO_HMAC_SECRET');
    expect(refused.failed?.refusal.cure).toMatch(/hmac-secret/);
    expect(await kept(agent.folder)).toEqual(before);
    expect((await agent.service.status(peer(1000))).own.state).toBe('none');
  });

  it('without any key: ERR_CTAP_NO_KEY, and with one the same command succeeds', async () => {
    await using agent = await TestAgent.start();
    await agent.run(0, { kind: 'setup' });
    const before = await kept(agent.folder);
    agent.key.remove();
    expect(endOf(await agent.run(1000, { kind: 'enrol' }, { 'new-pin': '246813' }))).toBe('ERR_CTAP_NO_KEY');
    expect(await kept(agent.folder)).toEqual(before);
    agent.key.insert();
    await agent.setUpAndEnrol(1000);
  });

  it('with a key without a PIN where the policy wants user verification: ERR_CTAP_PIN_NOT_SET, nothing is left', async () => {
    await using agent = await TestAgent.start();
    await agent.run(0, { kind: 'setup' });
    await agent.service.setPolicy(peer(0), UV_POLICY);
    const before = await kept(agent.folder);
    const refused = await agent.run(1000, { kind: 'enrol' }, { 'new-pin': '246813' });
    expect(endOf(refused)).toBe('ERR_CTAP_PIN_NOT_SET');
    expect(refused.failed?.refusal.cure).toMatch(/PIN/);
    expect(await kept(agent.folder)).toEqual(before);
  });
});

describe('a machine that reaches no security keys', () => {
  it('says ERR_HAL_MODULE_MISSING, and with them back the user unlocks', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(1000);
    const before = await kept(agent.folder);
    const { parts } = agent;
    Object.assign(parts, { hid: null });
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('ERR_POLICY_DENIED: ERR_HAL_MODULE_MISSING');
    Object.assign(parts, { hid: agent.hid });
    expect(await kept(agent.folder)).toEqual(before);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });
});
