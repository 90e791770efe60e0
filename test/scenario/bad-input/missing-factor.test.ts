/** A state file whose policy names a factor that it does not hold: said by name, before anybody is asked for anything. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ContainerState } from '../../../agent/container/state.ts';
import { requireContainer } from '../../../agent/service/context.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';
import { endOf } from './scene.ts';

const UID = 1000;
const PIN = { pin: '246813' };
let agent: TestAgent;
let sheet: string;
let whole: ContainerState;
beforeEach(async () => {
  agent = await TestAgent.start();
  sheet = await agent.setUpAndEnrol(UID);
  whole = await requireContainer(agent.parts, UID);
});
afterEach(() => agent.close());

describe('a container that is sealed to a security key, without one in its file', () => {
  beforeEach(() => agent.parts.store.writeContainer({ ...whole, factors: { ...whole.factors, securityKey: null } }));

  it.each([
    ['unlock', UNLOCK],
    ['pin change', { kind: 'pin-change' }],
    ['earlier key', { kind: 'earlier-key', purpose: 'test', earlier: 1 }],
  ] as const)('%s: names the factor and the way out, and asks for nothing', async (_what, request) => {
    const outcome = await agent.run(UID, request, PIN);
    expect(outcome.failed?.refusal).toMatchObject({
      code: 'ERR_CONTAINER_FACTOR_MISSING',
      message: 'the container is sealed to a security key, among others, and its state file holds none',
      cure: expect.stringContaining('unlockctl recover'),
      detail: { factor: 'securityKey', context: 'unlock' },
    });
    expect(outcome.events.map(({ type }) => type)).toEqual(['failed']);
  });

  it('is told at the status and at the next start, and the file is left as it is', async () => {
    expect((await agent.service.status(peer(UID))).own.state).toBe('recovery-needed');
    await agent.restart();
    expect(agent.problems.map(({ code }) => code)).toEqual(['ERR_CONTAINER_FACTOR_MISSING']);
    expect((await agent.service.status(peer(UID))).own.state).toBe('recovery-needed');
    expect((await requireContainer(agent.parts, UID)).containerId).toEqual(whole.containerId);
  });

  it('opens again with the recovery sheet', async () => {
    await agent.run(UID, UNLOCK, PIN);
    const recovered = await agent.run(UID, { kind: 'recover' }, { recovery: sheet, 'new-pin': '975310' });
    expect(recovered.failed).toBeNull();
    expect(endOf(await agent.run(UID, UNLOCK, { pin: '975310' }))).toBe('done');
  });
});

it('a container whose newest file is put back opens as before', async () => {
  await agent.parts.store.writeContainer({ ...whole, factors: { ...whole.factors, pin: null } });
  const refused = await agent.run(UID, UNLOCK, PIN);
  expect(refused.failed?.refusal.message).toContain('is sealed to the PIN');
  await agent.parts.store.writeContainer(whole);
  expect(endOf(await agent.run(UID, UNLOCK, PIN))).toBe('done');
  expect((await agent.service.status(peer(UID))).own.state).toBe('unlocked');
});
