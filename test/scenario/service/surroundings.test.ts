/**
 * Containers that open with what is around the machine: a network that is there is not asked for, one that is not is
 * waited for with the reason told, and the TPM asks for the signature of whoever saw it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CeremonyEvent } from '../../../agent/api/ports.ts';
import { policyOf } from '../../../agent/container/plan.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { FactorDriver } from '../../../drivers/driver.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { documentOf, officeNetwork } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const HOME = officeNetwork('198.51.100.7/24');
const KEY_OR_NETWORK = formatDocument(documentOf(['pin'], ['securityKey', 'network']));
const NETWORK_ONLY = formatDocument(documentOf(['pin'], ['network']));

/** Drivers of a real machine, so to speak: what the simulation says, without the mark of it. */
const unmarked = (drivers: readonly FactorDriver[]): readonly FactorDriver[] =>
  drivers.map(({ kind, watch }) => ({
    kind,
    watch: async function* (options): AsyncGenerator<FactorSignal> {
      for await (const signal of watch(options)) yield { ...signal, simulated: false };
    },
  }));

const world = new SimulatedSurroundings(systemClock);
const move = (observation: typeof HOME) => world.set({ kind: 'ipConfig', observation });

async function at(agent: TestAgent, observation: typeof HOME): Promise<void> {
  move(observation);
  const told = (): boolean => {
    const seen = agent.sensors.ledger.latest('ipConfig');
    return seen?.state === 'observed' && JSON.stringify(seen.observation) === JSON.stringify(observation);
  };
  for (let i = 0; i < 200 && !told(); i++) await systemClock.sleep(milliseconds(10), {});
  expect(told()).toBe(true);
}

const setPolicy = (agent: TestAgent, document: string) => agent.service.setPolicy(peer(0), document);

async function stateOf(agent: TestAgent): Promise<ContainerState> {
  const state = await agent.parts.store.readContainer(UID);
  if (state === null) throw new Error('not enrolled');
  return state;
}

const waits = (events: readonly CeremonyEvent[]) => events.filter((event) => event.type === 'waiting');
const touches = (events: readonly CeremonyEvent[]) => events.filter(({ type }) => type === 'touch').length;

describe('"first the PIN, then a security key or the network of the office"', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    move(HOME);
    let hook: () => void = () => undefined;
    agent = await TestAgent.start({
      drivers: unmarked(world.drivers),
      between: (tpm) => ({
        ...tpm,
        open: async (options) => {
          hook();
          return await tpm.open(options);
        },
      }),
    });
    onOpen = (next) => {
      hook = next;
    };
    await agent.setUpAndEnrol(UID, PIN);
    await setPolicy(agent, KEY_OR_NETWORK);
  });
  afterAll(() => agent?.close());
  let onOpen: (hook: () => void) => void;

  it('is put in force by PIN and key away from the office: the container gets a signer for the network', async () => {
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.done).toMatchObject({ unlocked: true, policyInForce: 2, strength: 'bound-2' });
    const state = await stateOf(agent);
    expect(policyOf(state).branches).toEqual([
      ['network', 'pin'],
      ['pin', 'securityKey'],
    ]);
    expect(state.signers).toMatchObject([{ kind: 'network', simulated: false }]);
  });

  it('opens at the office with the PIN alone, and says how strong that is', async () => {
    await at(agent, officeNetwork());
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.done).toMatchObject({ unlocked: true, strength: 'bound-1' });
    expect(touches(outcome.events)).toBe(0);
    expect(waits(outcome.events)).toEqual([]);
    expect(agent.audit.findLast(({ event }) => event === 'unlocked')?.detail).toMatchObject({ factors: 'network pin' });
  });

  it('gives the same purpose key either way, and asks for the key elsewhere instead of waiting', async () => {
    const office = await agent.run(UID, UNLOCK, { pin: PIN });
    await at(agent, HOME);
    const home = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(touches(home.events)).toBe(1);
    expect(waits(home.events)).toEqual([]);
    expect(home.done).toMatchObject({ strength: 'bound-2' });
    expect(home.out.get('purpose-key')?.toString('hex')).toBe(office.out.get('purpose-key')?.toString('hex'));
  });

  it('changes its PIN at the office with the old PIN alone, and opens with the new one', async () => {
    await at(agent, officeNetwork());
    const changed = await agent.run(UID, { kind: 'pin-change' }, { pin: PIN, 'new-pin': '975310' });
    expect(changed.failed).toBeNull();
    expect((await agent.run(UID, UNLOCK, { pin: '975310' })).done).toMatchObject({ strength: 'bound-1' });
    const back = await agent.run(UID, { kind: 'pin-change' }, { pin: '975310', 'new-pin': PIN });
    expect(back.failed).toBeNull();
  });

  it('does not open when the network has gone between the verdict and the release', async () => {
    await at(agent, officeNetwork());
    agent.touch = false;
    let opened = 0;
    // The first connection looks at the lockout, the second judges the PIN, the third would release.
    onOpen(() => {
      if (++opened < 3) return;
      const gone = agent.sensors.ledger.latest('ipConfig');
      if (gone?.state === 'observed' && gone.kind === 'ipConfig')
        agent.sensors.ledger.record({ ...gone, observedAt: systemClock.now(), observation: HOME });
    });
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    onOpen(() => undefined);
    agent.touch = true;
    expect(opened).toBe(3);
    expect(outcome.failed?.refusal).toMatchObject({ code: 'ERR_POLICY_DENIED' });
    expect(outcome.failed?.reasons.map(({ text }) => text).join('\n')).toContain('192.0.2.0/24');
    expect(agent.audit.slice(-2)).toMatchObject([
      { event: 'unlock-refused', uid: UID, detail: { code: 'ERR_POLICY_DENIED' } },
      {
        event: 'rule-failed',
        uid: UID,
        detail: { rule: 'office', element: 'ipv4Prefix', expected: '192.0.2.0/24', found: '198.51.100.7/24' },
      },
    ]);
  });

  it('opens at the office also after the daemon was restarted', async () => {
    await at(agent, officeNetwork());
    await agent.restart();
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ strength: 'bound-1' });
  });
});

describe('"the PIN and the network of the office"', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    move(HOME);
    agent = await TestAgent.start({
      drivers: unmarked(world.drivers),
      settings: { unlockWithin: milliseconds(20_000) },
    });
    await agent.run(0, { kind: 'setup' });
    await setPolicy(agent, NETWORK_ONLY);
  });
  afterAll(() => agent?.close());

  it('refuses an enrolment elsewhere before anything is typed, with the reason', async () => {
    await at(agent, HOME);
    const outcome = await agent.run(UID, { kind: 'enrol' }, { 'new-pin': PIN });
    expect(outcome.failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    expect(outcome.events.map(({ type }) => type)).toEqual(['failed']);
    expect(outcome.failed?.reasons.map(({ text }) => text).join('\n')).toContain('ipv4Prefix');
  });

  it('enrols at the office', async () => {
    await at(agent, officeNetwork());
    const outcome = await agent.run(UID, { kind: 'enrol' }, { 'new-pin': PIN });
    expect(outcome.done).toMatchObject({ state: 'locked', strength: 'bound-1', opensWith: 'this machine + the PIN' });
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ unlocked: true });
  });

  it('waits elsewhere, says for what and why, tells what changes, and opens when the machine comes to the office', async () => {
    await at(agent, HOME);
    const ceremony = await agent.service.begin(peer(UID), UNLOCK);
    const events: CeremonyEvent[] = [];
    for await (const event of ceremony.events({ signal: new AbortController().signal })) {
      events.push(event);
      if (event.type === 'prompt') ceremony.supply('pin', Secret.take(utf8(PIN)));
      if (event.type !== 'waiting') continue;
      if (waits(events).length === 1) move(officeNetwork('198.51.100.8/24'));
      else move(officeNetwork());
    }
    const [first, second] = waits(events);
    expect(first).toMatchObject({ factor: 'network', text: 'Waiting for the network office' });
    expect(first?.reasons).toContainEqual({
      depth: expect.any(Number),
      ok: false,
      text: 'ipv4Prefix: 198.51.100.7/24, asked for is 192.0.2.0/24',
    });
    expect(second?.reasons.map(({ text }) => text).join()).toContain('198.51.100.8/24');
    expect(events.at(-1)).toMatchObject({ type: 'done', result: { unlocked: true } });
  });

  it('stops waiting when it is cancelled', async () => {
    await at(agent, HOME);
    const ceremony = await agent.service.begin(peer(UID), UNLOCK);
    const events: CeremonyEvent[] = [];
    for await (const event of ceremony.events({ signal: new AbortController().signal })) {
      events.push(event);
      if (event.type === 'prompt') ceremony.supply('pin', Secret.take(utf8(PIN)));
      if (event.type === 'waiting') ceremony.cancel();
    }
    expect(events.at(-1)).toMatchObject({ type: 'failed', refusal: { code: 'ERR_API_CEREMONY_CANCELLED' } });
    await at(agent, officeNetwork());
    expect(waits(events)).toHaveLength(1);
  });
});

describe('a simulated machine and a real one', () => {
  it('a simulated network opens nothing on a real machine, nor puts a policy in force', async () => {
    await using agent = await TestAgent.start({
      drivers: world.drivers,
      settings: { unlockWithin: milliseconds(3000) },
    });
    await agent.setUpAndEnrol(UID, PIN);
    await setPolicy(agent, NETWORK_ONLY);
    await at(agent, officeNetwork());
    const pending = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(pending.done).toMatchObject({ policyPending: 'ERR_POLICY_NO_BRANCH' });
    const again = await setPolicy(agent, KEY_OR_NETWORK);
    expect(again.warnings.join()).not.toContain('cannot follow');
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.done).toMatchObject({ strength: 'bound-2', policyInForce: 3 });
  });

  it('what a simulated machine has sealed does not open by a real network, nor the other way round', async () => {
    for (const simulated of [true, false]) {
      const drivers = simulated ? world.drivers : unmarked(world.drivers);
      await using agent = await TestAgent.start({ drivers, simulated });
      await agent.setUpAndEnrol(UID, PIN);
      await setPolicy(agent, KEY_OR_NETWORK);
      await at(agent, officeNetwork());
      expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ policyInForce: 2 });
      expect((await stateOf(agent)).signers).toMatchObject([{ kind: 'network', simulated }]);
      expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ strength: 'bound-1' });
      agent.parts = { ...agent.parts, simulated: !simulated };
      agent.useParts();
      const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
      expect(outcome.done).toMatchObject({ strength: 'bound-2' });
      expect(touches(outcome.events)).toBe(1);
    }
  });
});
