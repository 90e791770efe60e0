/** What people are told on the way: a PIN that has to wait, a policy that nobody can follow, what was refused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import { documentOf } from '../../support/policy-fixtures.ts';
import { peer, TestAgent } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const UNLOCK = { kind: 'unlock', purpose: null, forSeconds: null } as const;
const document = (first: FactorKind[], then: FactorKind[]) => formatDocument(documentOf(first, then));

describe('an unlock whose PIN has to wait', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await TestAgent.start({ settings: { attemptRetries: 10 } });
    await agent.setUpAndEnrol(UID, PIN);
  });
  afterAll(() => agent.close());

  it('ends with what the limit says when the last try is spent, and again for the right PIN', async () => {
    const spent = await agent.run(UID, UNLOCK, { pin: ['900001', '900002', '900003', '900004', '900005'] });
    const later = await agent.run(UID, UNLOCK, { pin: PIN });
    for (const { failed } of [spent, later]) {
      expect(failed?.refusal).toMatchObject({ code: 'ERR_PIN_SOFT_LIMIT', detail: { waitSeconds: 600 } });
      expect(failed?.refusal.cure).toMatch(/^Wait/);
      expect(failed?.reasons.length).toBeGreaterThan(2);
    }
    const leaf = later.failed?.reasons.find(({ text }) => text.startsWith('PIN:'))?.text ?? '';
    expect(leaf).toContain('from unlockd');
    expect(leaf.match(/TPM/g)).toHaveLength(1);
  });
});

describe('an unlock that is denied', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await TestAgent.start({ settings: { attemptRetries: 1 } });
    await agent.setUpAndEnrol(UID, PIN);
  });
  afterAll(() => agent.close());

  it('names a wrong PIN as refused, never as missing', async () => {
    const { failed } = await agent.run(UID, UNLOCK, { pin: ['900001', '900002', '900003'] });
    expect(failed?.refusal).toMatchObject({ code: 'ERR_POLICY_DENIED', detail: { missing: 'a security key' } });
    expect(failed?.refusal.message).toBe('denied; refused: the PIN (wrong); missing: a security key');
    expect(failed?.reasons.at(-1)?.text).toBe('missing: a security key');
  });

  it('tells the two touches of an enrolment apart, and the rules of a PIN before it is typed', async () => {
    const { events } = await agent.run(UID + 1, { kind: 'enrol' }, { 'new-pin': PIN });
    const touches = events.flatMap((event) => (event.type === 'touch' ? [event.text] : []));
    expect(touches).toEqual([expect.stringContaining('(1 of 2)'), expect.stringContaining('(2 of 2)')]);
    const prompts = events.flatMap((event) => (event.type === 'prompt' ? [event.text] : []));
    expect(prompts[0]).toContain('6 to 127 characters; no row of digits');
  });

  it('gives its times in whole milliseconds', async () => {
    const { done } = await agent.run(UID, UNLOCK, { pin: PIN });
    const { deviceMs, writeMs, kdfMs } = done ?? {};
    for (const time of [deviceMs, writeMs, kdfMs]) expect(Number.isSafeInteger(time)).toBe(true);
    expect(Number(writeMs)).toBeLessThanOrEqual(Number(deviceMs));
  });
});

describe('a policy that is set', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await TestAgent.start();
    await agent.setUpAndEnrol(UID, PIN);
  });
  afterAll(() => agent.close());

  const warnings = async (first: FactorKind[], then: FactorKind[]) =>
    (await agent.service.setPolicy(peer(0), document(first, then))).warnings;

  it('without anything to warn of has no warnings', async () => {
    expect(await warnings(['pin'], ['securityKey'])).toEqual([]);
  });

  it('names factors that this machine cannot observe, and who cannot follow', async () => {
    const all = (await warnings(['pin'], ['fingerprint'])).join('\n');
    expect(all).toContain('no driver here for: fingerprint');
    expect(all).toContain('nobody can satisfy this policy here');
    expect(all).toContain(`user-${UID} cannot follow`);
    // To everybody else, who is enrolled is no business.
    expect((await agent.service.policy(peer(UID))).warnings).toEqual([]);
  });

  it('that cannot be followed leaves the old one in force, and the unlock says so', async () => {
    const { done, events } = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(done).toMatchObject({ unlocked: true, strength: 'bound-2' });
    const refused = events.flatMap((event) => (event.type === 'refused' ? [event.refusal.message] : []));
    expect(refused).toEqual([expect.stringContaining('the old one stays')]);
  });
});

it('a policy that got weaker is told, with what opens it now; one that got stronger is not', async () => {
  await using agent = await TestAgent.start();
  await agent.run(0, { kind: 'setup' });
  const set = (first: FactorKind[], then: FactorKind[]) => agent.service.setPolicy(peer(0), document(first, then));
  const weaker = (await set(['pin'], ['securityKey', 'fingerprint'])).warnings.join('\n');
  expect(weaker).toContain('bound-2 -> bound-1, opens with this machine + the PIN');
  expect(weaker).not.toContain('nobody');
  expect((await set(['pin'], ['securityKey'])).warnings).toEqual([]);
});

it('a start without a reachable TPM is a problem that the log hears of, also before set-up', async () => {
  await using agent = await TestAgent.start();
  expect(agent.problems).toEqual([]);
  await agent.swtpm.stop();
  await agent.restart();
  expect(agent.problems.map(({ code }) => code)).toEqual(['ERR_HAL_NOT_FOUND']);
  await agent.swtpm.start();
});
