/**
 * A policy that asks for more than the one in force: an unlock asks for what satisfies both, so that the new one comes in
 * force with it, also where less would do; what of it cannot be had keeps nobody out.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { type FactorProof, satisfyPolicy } from '../../../agent/container/pass.ts';
import { pinAuthValue } from '../../../agent/container/pin-value.ts';
import { planOf } from '../../../agent/container/plan.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { checkedDocument, formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { rawAssertion } from '../../support/container/raw-assertion.ts';
import { refusal, unsealBy } from '../../support/container/thief.ts';
import { officeNetwork, RULES } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const WALLET = { ...UNLOCK, context: 'wallet' } as const;

const pair = (...second: readonly string[]) => ({ require: { all: ['pin', { any: second }] } });
const policy = (contexts: Readonly<Record<string, unknown>>): string =>
  formatDocument(checkedDocument({ version: 2, contexts, rules: RULES }));
const LOOSE = policy({ unlock: pair('securityKey', 'network') });
const TIGHT = policy({ unlock: pair('securityKey') });

let world: SimulatedSurroundings;
let agent: TestAgent;
/** At the office, under the loose policy: PIN and network open the container. */
beforeEach(async () => {
  world = new SimulatedSurroundings(systemClock);
  world.set({ kind: 'ipConfig', observation: officeNetwork() });
  agent = await TestAgent.start({ drivers: world.drivers, simulated: true });
  const told = () => agent.sensors.ledger.latest('ipConfig')?.state === 'observed';
  for (let i = 0; i < 200 && !told(); i++) await systemClock.sleep(milliseconds(10), {});
  await agent.setUpAndEnrol(UID, PIN);
  await agent.service.setPolicy(peer(0), LOOSE);
  expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ policyInForce: 2 });
});
afterEach(() => agent?.close());

async function stored(): Promise<ContainerState> {
  const state = await agent.parts.store.readContainer(UID);
  if (state === null) throw new Error('not enrolled');
  return state;
}

const touches = ({ events }: Awaited<ReturnType<TestAgent['run']>>): number =>
  events.filter(({ type }) => type === 'touch').length;
const refusals = ({ events }: Awaited<ReturnType<TestAgent['run']>>): string[] =>
  events.flatMap((event) => (event.type === 'refused' ? [event.refusal.message] : []));

/**
 * What the TPM says to PIN and network, the factors as they are now, for the branches of `branchesOf` under the approval of
 * `approved`.
 */
async function byPinAndNetwork(approved: ContainerState, branchesOf: ContainerState): Promise<string> {
  const [state, machine] = [await stored(), await agent.parts.store.readMachine()];
  const { pin } = state.factors;
  const network = branchesOf.signers.find(({ kind }) => kind === 'network');
  if (machine === null || pin === null || network === undefined) throw new Error('not as it should be');
  using clear = Secret.take(utf8(PIN));
  const authValue = await pinAuthValue(clear, pin.salt, pin.logN);
  return await agent.parts.tpm.withRoot(new AbortController().signal, machine, async (root) => {
    const proofs = new Map<FactorKind, FactorProof>([
      ['network', rawAssertion(state.containerId, network)],
      ['pin', { check: 'secret', blob: pin.blob, authValue }],
    ]);
    const plan = planOf(approved);
    const { branches } = planOf(branchesOf).compiled;
    const tried = { ...plan, compiled: { ...plan.compiled, branches } };
    const attempt = async () => {
      await using pass = await satisfyPolicy(root, tried, ['network', 'pin'], proofs, nameOfBlob(state.sealedKey));
      return await unsealBy(root, pass, state.sealedKey);
    };
    return await refusal(attempt());
  });
}

describe('a tightened policy, at a place where the old one asks for less', () => {
  it('comes in force by the next unlock, and what opened before is refused by the TPM', async () => {
    const before = await stored();
    expect(await byPinAndNetwork(before, before)).toBe('done');
    await agent.service.setPolicy(peer(0), TIGHT);
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.done).toMatchObject({ unlocked: true, policyInForce: 3, strength: 'bound-2' });
    expect(touches(outcome)).toBe(1);
    expect((await stored()).policy).toMatchObject({ version: 3, branches: [['pin', 'securityKey']] });
    expect((await agent.service.status(peer(UID))).own).toMatchObject({ policyPending: false });
    // The approval of before by the counter, the factors of before by the approval of now.
    expect(await byPinAndNetwork(before, before)).toBe('PolicyNV 0x126');
    expect(await byPinAndNetwork(await stored(), before)).toBe('PolicyAuthorize 0x1C4');
  });

  it('asks for nothing more where what opens the old one satisfies the new one as well', async () => {
    await agent.service.setPolicy(peer(0), policy({ unlock: pair('network') }));
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.done).toMatchObject({ policyInForce: 3, strength: 'bound-1' });
    expect(touches(outcome)).toBe(0);
  });

  it('says before it asks that the container opens without, too', async () => {
    await agent.service.setPolicy(peer(0), TIGHT);
    const { events } = await agent.run(UID, UNLOCK, { pin: PIN });
    const steps = events.flatMap((event) => (event.type === 'progress' ? [event.step] : []));
    expect(steps).toContain('the newer policy asks for a security key as well; without it the old one stays in force');
  });
});

describe('a tightened policy of a container with contexts', () => {
  const loose = { unlock: pair('securityKey', 'network'), wallet: pair('securityKey', 'network') };

  it('comes in force for the context that is unlocked', async () => {
    await agent.service.setPolicy(peer(0), policy(loose));
    expect((await agent.run(UID, WALLET, { pin: PIN })).done).toMatchObject({ policyInForce: 3 });
    await agent.service.setPolicy(peer(0), policy({ ...loose, wallet: pair('securityKey') }));
    const outcome = await agent.run(UID, WALLET, { pin: PIN });
    expect(outcome.done).toMatchObject({ unlocked: true, context: 'wallet', policyInForce: 4, strength: 'bound-2' });
    expect(touches(outcome)).toBe(1);
    expect((await stored()).contexts).toMatchObject([{ version: 4, branches: [['pin', 'securityKey']] }]);
  });

  it('waits for the unlock of the context where only that asks for more, and leaves the desk in peace', async () => {
    await agent.service.setPolicy(peer(0), policy(loose));
    expect((await agent.run(UID, WALLET, { pin: PIN })).done).toMatchObject({ policyInForce: 3 });
    await agent.service.setPolicy(peer(0), policy({ ...loose, wallet: pair('securityKey') }));
    const desk = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(desk.done).toMatchObject({ policyInForce: 4, contextPending: 'ERR_POLICY_NO_BRANCH', strength: 'bound-1' });
    expect(touches(desk)).toBe(0);
    const wallet = await agent.run(UID, WALLET, { pin: PIN });
    expect(wallet.done).toMatchObject({ unlocked: true, policyInForce: 4 });
    expect((await stored()).contexts).toMatchObject([{ version: 4, branches: [['pin', 'securityKey']] }]);
  });

  it('takes at the desk what a change takes, so that the desk follows', async () => {
    await agent.service.setPolicy(peer(0), policy({ ...loose, wallet: pair('securityKey') }));
    expect((await agent.run(UID, WALLET, { pin: PIN })).done).toMatchObject({ policyInForce: 3 });
    await agent.service.setPolicy(peer(0), policy({ unlock: pair('network'), wallet: pair('securityKey') }));
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.done).toMatchObject({ unlocked: true, policyInForce: 4 });
    expect(touches(outcome)).toBe(1);
  });
});

describe('what a tightened policy asks for and cannot be had', () => {
  it.each<[string, () => void]>([
    ['the key is not plugged in', () => agent.key.remove()],
    [
      'nobody touches the key',
      () => {
        agent.touch = false;
      },
    ],
  ])('keeps nobody out when %s: the old one opens, with the reason, until it can be had', async (_what, hinder) => {
    await agent.service.setPolicy(peer(0), TIGHT);
    hinder();
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.failed).toBeNull();
    expect(outcome.done).toMatchObject({ unlocked: true, policyPending: 'ERR_POLICY_NO_BRANCH', strength: 'bound-1' });
    expect(refusals(outcome).at(-1)).toContain('the newer policy is not in force, the old one stays');
    expect(refusals(outcome).at(-1)).toContain('missing: a security key');
    expect((await stored()).policy?.version).toBe(2);
  });
});
