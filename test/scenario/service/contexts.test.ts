/**
 * Containers with contexts: each that the policy names has a key of its own, which opens by its own policy and by no
 * other; a change of the container takes what all of them ask for.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { type FactorProof, satisfyPolicy, verifyPlan } from '../../../agent/container/pass.ts';
import { pinAuthValue } from '../../../agent/container/pin-value.ts';
import { changePlanOf, planOf, policyOf, viewOf } from '../../../agent/container/plan.ts';
import type { ContainerState, MachineState } from '../../../agent/container/state.ts';
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
const HOME = officeNetwork('198.51.100.7/24');
const never = new AbortController().signal;

const pair = (second: readonly string[]) => ({ require: { all: ['pin', { any: second }] } });
const policy = (contexts: Readonly<Record<string, unknown>>): string =>
  formatDocument(checkedDocument({ version: 2, contexts, rules: RULES }));
/** The desk takes the office or the key, the wallet always the key. */
const WITH_WALLET = policy({ unlock: pair(['securityKey', 'network']), wallet: pair(['securityKey']) });
const WITHOUT = policy({ unlock: pair(['securityKey', 'network']) });

const world = new SimulatedSurroundings(systemClock);
let agent: TestAgent;
let sheet: string;
beforeAll(async () => {
  world.set({ kind: 'ipConfig', observation: officeNetwork() });
  agent = await TestAgent.start({ drivers: world.drivers, simulated: true });
  await at(officeNetwork());
  sheet = await agent.setUpAndEnrol(UID, PIN);
  await agent.service.setPolicy(peer(0), WITHOUT);
  expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ policyInForce: 2 });
});
afterAll(() => agent?.close());

async function at(observation: typeof HOME): Promise<void> {
  world.set({ kind: 'ipConfig', observation });
  const told = (): boolean => {
    const seen = agent.sensors.ledger.latest('ipConfig');
    return seen?.state === 'observed' && JSON.stringify(seen.observation) === JSON.stringify(observation);
  };
  for (let i = 0; i < 200 && !told(); i++) await systemClock.sleep(milliseconds(10), {});
}

async function stored(): Promise<{ state: ContainerState; machine: MachineState }> {
  const [state, machine] = [await agent.parts.store.readContainer(UID), await agent.parts.store.readMachine()];
  if (state === null || machine === null) throw new Error('not enrolled');
  return { state, machine };
}

const keyOf = ({ out }: Awaited<ReturnType<TestAgent['run']>>): string => out.get('purpose-key')?.toString('hex') ?? '';

describe('a policy with a context of its own for the wallet', () => {
  it('leaves the wallet with the key of unlock until it is set', async () => {
    const [desk, wallet] = [await agent.run(UID, UNLOCK, { pin: PIN }), await agent.run(UID, WALLET, { pin: PIN })];
    expect(wallet.done).toMatchObject({ unlocked: true, strength: 'bound-1' });
    expect(keyOf(wallet)).toBe(keyOf(desk));
    await agent.service.lock(peer(UID));
  });

  it('is put in force for the desk by what opens the desk; the wallet waits, with the reason', async () => {
    await agent.service.setPolicy(peer(0), WITH_WALLET);
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.done).toMatchObject({
      policyInForce: 3,
      contextPending: 'ERR_POLICY_NO_BRANCH',
      strength: 'bound-1',
    });
    const refused = outcome.events.flatMap((event) => (event.type === 'refused' ? [event.refusal.message] : []));
    expect(refused).toEqual([
      'the context wallet waits: what was given does not satisfy it, so it could not be rehearsed; missing: a security key',
    ]);
    expect((await stored()).state.contexts).toEqual([]);
  });

  it('makes the wallet its key when the wallet is unlocked: PIN and key are asked, at the office too', async () => {
    const outcome = await agent.run(UID, WALLET, { pin: PIN });
    expect(outcome.done).toMatchObject({ unlocked: true, policyInForce: 3 });
    const { state } = await stored();
    expect(state.contexts).toMatchObject([{ context: 'wallet', version: 3, branches: [['pin', 'securityKey']] }]);
    expect(state.authority.change?.branches).toEqual([['pin', 'securityKey']]);
    expect(policyOf(state).branches).toEqual([
      ['network', 'pin'],
      ['pin', 'securityKey'],
    ]);
  });

  it('gives each context a key of its own, again and again the same', async () => {
    const desk = keyOf(await agent.run(UID, UNLOCK, { pin: PIN }));
    const wallet = await agent.run(UID, WALLET, { pin: PIN });
    expect(wallet.done).toMatchObject({ unlocked: true, context: 'wallet', strength: 'bound-2' });
    expect(keyOf(wallet)).not.toBe(desk);
    expect(keyOf(await agent.run(UID, WALLET, { pin: PIN }))).toBe(keyOf(wallet));
    using again = await agent.service.purposeKey(peer(UID), 'test', 'wallet');
    expect(Buffer.from(again.expose()).toString('hex')).toBe(keyOf(wallet));
    await agent.restart();
    expect(keyOf(await agent.run(UID, WALLET, { pin: PIN }))).toBe(keyOf(wallet));
  });

  it('unlocks a context and no other, and a lock forgets all of them', async () => {
    await agent.service.lock(peer(UID));
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ strength: 'bound-1' });
    await expect(agent.service.purposeKey(peer(UID), 'test', 'wallet')).rejects.toMatchObject({
      code: 'ERR_CONTAINER_LOCKED',
    });
    await agent.run(UID, WALLET, { pin: PIN });
    expect((await agent.service.status(peer(UID))).own).toMatchObject({
      state: 'unlocked',
      strength: 'bound-1',
      contexts: [{ context: 'wallet', unlocked: true, strength: 'bound-2', policy: 'first PIN, then security key' }],
    });
    await agent.service.lock(peer(UID));
    expect((await agent.service.status(peer(UID))).own.contexts).toMatchObject([{ unlocked: false }]);
    for (const context of ['unlock', 'wallet'] as const) {
      await expect(agent.service.purposeKey(peer(UID), 'test', context)).rejects.toMatchObject({
        code: 'ERR_CONTAINER_LOCKED',
      });
    }
  });

  it('changes the PIN of all of them at once, for PIN and key only', async () => {
    const before = keyOf(await agent.run(UID, WALLET, { pin: PIN }));
    const changed = await agent.run(UID, { kind: 'pin-change' }, { pin: PIN, 'new-pin': '975310' });
    expect(changed.failed).toBeNull();
    expect(changed.events.filter(({ type }) => type === 'touch')).toHaveLength(1);
    expect(keyOf(await agent.run(UID, WALLET, { pin: '975310' }))).toBe(before);
    expect((await agent.run(UID, UNLOCK, { pin: '975310' })).done).toMatchObject({ strength: 'bound-1' });
    const wrong = await agent.run(UID, WALLET, { pin: [PIN, '975310'] });
    expect(wrong.events.filter(({ type }) => type === 'refused')).toHaveLength(1);
    expect((await agent.run(UID, { kind: 'pin-change' }, { pin: '975310', 'new-pin': PIN })).failed).toBeNull();
  });
});

describe('the thief with this machine, root, and what opens the desk', () => {
  /** A pass by PIN and network, the network asserted by whoever is root. */
  async function byDesk(open: 'desk' | 'wallet by the desk' | 'wallet' | 'authority'): Promise<string> {
    const { state, machine } = await stored();
    const view = viewOf(state, 'wallet');
    const { pin } = state.factors;
    const { sealedAuth } = state.authority;
    if (view === null || pin === null || sealedAuth === null) throw new Error('not as it should be');
    const sealed = open === 'desk' ? state.sealedKey : open === 'authority' ? sealedAuth : view.sealedKey;
    const plan = open === 'wallet' ? planOf(view) : open === 'authority' ? changePlanOf(state) : planOf(state);
    using clear = Secret.take(utf8(PIN));
    const authValue = await pinAuthValue(clear, pin.salt, pin.logN);
    const network = state.signers.find(({ kind }) => kind === 'network');
    if (network === undefined) throw new Error('no signer');
    return await agent.parts.tpm.withRoot(never, machine, async (root) => {
      const proofs = new Map<FactorKind, FactorProof>([
        ['network', rawAssertion(state.containerId, network)],
        ['pin', { check: 'secret', blob: pin.blob, authValue }],
      ]);
      const attempt = async () => {
        // The branches of the desk, whatever the plan approves.
        const compiled = planOf(state).compiled.branches;
        const tried = { ...plan, compiled: { ...plan.compiled, branches: compiled } };
        await using policy = await satisfyPolicy(root, tried, ['network', 'pin'], proofs, nameOfBlob(sealed));
        return await unsealBy(root, policy, sealed);
      };
      return await refusal(attempt());
    });
  }

  it('opens the desk: that is what its policy says', async () => {
    expect(await byDesk('desk')).toBe('done');
  });

  it('does not open the wallet with the policy of the desk: Unseal refuses with 0x99D', async () => {
    expect(await byDesk('wallet by the desk')).toBe('Unseal 0x99D');
  });

  it('does not satisfy the policy of the wallet: PolicyAuthorize refuses with 0x1C4', async () => {
    expect(await byDesk('wallet')).toBe('PolicyAuthorize 0x1C4');
  });

  it('does not get at the authority, which could approve another policy for the wallet: 0x1C4', async () => {
    expect(await byDesk('authority')).toBe('PolicyAuthorize 0x1C4');
  });

  it('cannot have the approval of one context taken for another: PolicyAuthorize refuses with 0x2DB', async () => {
    const { state, machine } = await stored();
    const view = viewOf(state, 'wallet');
    if (view === null) throw new Error('no wallet');
    const swapped = { ...planOf(state), policyRef: planOf(view).policyRef };
    const code = await agent.parts.tpm.withRoot(never, machine, (root) => refusal(verifyPlan(root.tpm, swapped)));
    expect(code).toBe('VerifySignature 0x2DB');
  });
});

describe('a recovery', () => {
  it('gives the earlier key of each context back; the wallet gets another one when it is opened again', async () => {
    const [desk, wallet] = [await agent.run(UID, UNLOCK, { pin: PIN }), await agent.run(UID, WALLET, { pin: PIN })];
    const recovered = await agent.run(UID, { kind: 'recover' }, { recovery: sheet, 'new-pin': PIN });
    expect(recovered.failed).toBeNull();
    const again = await agent.run(UID, WALLET, { pin: PIN });
    expect(again.done).toMatchObject({ unlocked: true });
    expect((await stored()).state.contexts).toMatchObject([{ context: 'wallet' }]);
    const earlier = { kind: 'earlier-key', purpose: 'test', earlier: 1 } as const;
    expect(keyOf(await agent.run(UID, { ...earlier, context: 'wallet' }, { pin: PIN }))).toBe(keyOf(wallet));
    expect(keyOf(await agent.run(UID, earlier, { pin: PIN }))).toBe(keyOf(desk));
    expect(new Set([keyOf(again), keyOf(wallet), keyOf(desk)]).size).toBe(3);
  });
});

describe('a policy that no longer names the wallet', () => {
  it('takes its key away, and the wallet has that of unlock again', async () => {
    await agent.service.setPolicy(peer(0), WITHOUT);
    await at(HOME);
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ policyInForce: 4 });
    const { state } = await stored();
    expect(state.contexts).toEqual([]);
    expect(state.authority.change?.branches).toEqual(policyOf(state).branches);
    const [desk, wallet] = [await agent.run(UID, UNLOCK, { pin: PIN }), await agent.run(UID, WALLET, { pin: PIN })];
    expect(keyOf(wallet)).toBe(keyOf(desk));
  });
});
