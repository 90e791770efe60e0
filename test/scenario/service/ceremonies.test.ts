import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { documentOf } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

describe('the service with a PIN and a security key', () => {
  let agent: TestAgent;
  let sheet: string;
  beforeAll(async () => {
    agent = await TestAgent.start();
    sheet = await agent.setUpAndEnrol(1000);
  });
  afterAll(() => agent.close());

  it('shows a recovery sheet of eight groups', () => {
    expect(sheet).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){7}[0-9A-HJKMNP-TV-Z]{5}$/);
  });

  it('unlocks with both factors and hands the same purpose key out each time', async () => {
    const first = await agent.run(1000, UNLOCK, { pin: '246813' });
    expect(first.failed).toBeNull();
    expect(first.done).toMatchObject({ unlocked: true, strength: 'bound-2' });
    const second = await agent.run(1000, UNLOCK, { pin: '246813' });
    expect(first.out.get('purpose-key')).toHaveLength(32);
    expect(second.out.get('purpose-key')).toEqual(first.out.get('purpose-key'));
  });

  it('says in its status what the container opens with', async () => {
    const { own, tpm } = await agent.service.status(peer(1000));
    expect(own).toMatchObject({ state: 'unlocked', strength: 'bound-2', keys: 1, pinTriesLeft: 5 });
    expect(own.opensWith).toBe('this machine + the PIN + a security key');
    expect(tpm.testDouble).toBe('IBM SW TPM: a test double, no protection');
  });

  it('asks again after a wrong PIN, with the tries that are left, before any touch', async () => {
    const outcome = await agent.run(1000, UNLOCK, { pin: ['111111', '246813'] });
    const types = outcome.events.map((event) => event.type);
    expect(types.indexOf('refused')).toBeLessThan(types.indexOf('touch'));
    expect(outcome.events.find((event) => event.type === 'refused')).toMatchObject({
      refusal: { code: 'ERR_PIN_WRONG', message: 'PIN wrong, 4 tries left' },
    });
    expect(outcome.done).toMatchObject({ unlocked: true });
  });

  it('denies the PIN alone and says what is missing', async () => {
    agent.touch = false;
    const outcome = await agent.run(1000, UNLOCK, { pin: '246813' });
    agent.touch = true;
    expect(outcome.failed?.refusal).toMatchObject({ code: 'ERR_POLICY_DENIED' });
    expect(outcome.failed?.refusal.detail).toMatchObject({
      cause: 'ERR_CTAP_TOUCH_TIMEOUT',
      missing: 'a security key',
    });
    expect(outcome.failed?.reasons.some(({ ok, text }) => ok && /PIN/.test(text))).toBe(true);
  });

  it('forgets at lock, and gives no purpose key any more', async () => {
    expect(await agent.service.lock(peer(1000))).toEqual({ wasUnlocked: true });
    await expect(agent.service.purposeKey(peer(1000), 'test')).rejects.toMatchObject({ code: 'ERR_CONTAINER_LOCKED' });
  });

  it('changes the PIN and keeps the purpose keys', async () => {
    const before = await agent.run(1000, UNLOCK, { pin: '246813' });
    const change = await agent.run(1000, { kind: 'pin-change' }, { pin: '246813', 'new-pin': '975310' });
    expect(change.done).toMatchObject({ changed: true });
    const after = await agent.run(1000, UNLOCK, { pin: ['246813', '975310'] });
    expect(after.events.filter((event) => event.type === 'refused')).toHaveLength(1);
    expect(after.out.get('purpose-key')).toEqual(before.out.get('purpose-key'));
  });

  it('follows a policy that root has set at the next unlock', async () => {
    const document = formatDocument(documentOf(['pin'], ['securityKey', 'network']));
    const view = await agent.service.setPolicy(peer(0), document);
    expect(view.pending).toEqual(['user-1000']);
    const outcome = await agent.run(1000, UNLOCK, { pin: '975310' });
    expect(outcome.done).toMatchObject({ unlocked: true, policyInForce: 2 });
    expect((await agent.service.policy(peer(0))).pending).toEqual([]);
  });

  it('recovers with the sheet: a new PIN, a new sheet, and the old sheet is void', async () => {
    const recovered = await agent.run(
      1000,
      { kind: 'recover' },
      { recovery: sheet.toLowerCase(), 'new-pin': '864209' },
    );
    expect(recovered.failed).toBeNull();
    const unlocked = await agent.run(1000, UNLOCK, { pin: '864209' });
    expect(unlocked.done).toMatchObject({ unlocked: true });
    const again = await agent.run(1000, { kind: 'recover' }, { recovery: sheet, 'new-pin': '111222' });
    expect(again.failed?.refusal.code).toBe('ERR_RECOVERY_WRONG');
  });

  it('keeps users apart and root from acting for them', async () => {
    await agent.setUpAndEnrol(1001, '314159');
    await expect(agent.service.users(peer(1000))).rejects.toMatchObject({ code: 'ERR_API_FORBIDDEN' });
    expect((await agent.service.users(peer(0))).map(({ uid }) => uid)).toEqual([1000, 1001]);
    const { id } = await agent.service.begin(peer(1001), UNLOCK);
    expect(() => agent.service.ceremony(peer(0), id)).toThrowError(/no such ceremony/);
    agent.service.ceremony(peer(1001), id).cancel();
  });

  it('unenrols and frees the counter', async () => {
    expect((await agent.run(0, { kind: 'unenrol', uid: 1001 })).done).toMatchObject({ uid: 1001, counterFreed: true });
    expect((await agent.service.users(peer(0))).map(({ uid }) => uid)).toEqual([1000]);
  });
});

describe('the lockout of the TPM', () => {
  it('is reset by the owner’s sheet and by no other one', async () => {
    await using agent = await TestAgent.start();
    const setup = await agent.run(0, { kind: 'setup' });
    const owner = setup.out.get('owner-sheet')?.toString('ascii') ?? '';
    const sheet = await agent.setUpAndEnrol(1000);
    await agent.run(1000, UNLOCK, { pin: ['111112', '246813'] });
    const lockout = async () => (await agent.service.status(peer(1000))).tpm.lockout?.counter;
    expect(await lockout()).toBe(1);
    const wrong = await agent.run(0, { kind: 'lockout-reset' }, { 'owner-recovery': [sheet, owner] });
    expect(wrong.events.find(({ type }) => type === 'refused')).toMatchObject({
      refusal: { code: 'ERR_RECOVERY_WRONG' },
    });
    expect(wrong.done).toEqual({ before: 1, after: 0 });
    expect(await lockout()).toBe(0);
    await expect(agent.service.begin(peer(1000), { kind: 'lockout-reset' })).rejects.toMatchObject({
      code: 'ERR_API_FORBIDDEN',
    });
  });
});
