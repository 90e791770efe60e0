/**
 * Ways to the key of a demanding context that ask for less than its policy: each is refused, or gives a key that opens
 * nothing of that context.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalAuthority } from '../../../agent/container/authority/local-authority.ts';
import { statementOf } from '../../../agent/container/change.ts';
import { openContextKey, recoveryPublicKey } from '../../../agent/container/context-recovery.ts';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { type FactorProof, type PassPlan, satisfyPolicy } from '../../../agent/container/pass.ts';
import { pinAuthValue } from '../../../agent/container/pin-value.ts';
import { changePlanOf, fromSignature, planOf, policyOf, viewOf } from '../../../agent/container/plan.ts';
import { newRecoverySecret, parseSheet } from '../../../agent/container/recovery-sheet.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { checkedDocument, formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { FactorDriver } from '../../../drivers/driver.ts';
import type { FactorKind, FactorSignal } from '../../../drivers/signal.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { rawAssertion } from '../../support/container/raw-assertion.ts';
import { refusal, unsealBy } from '../../support/container/thief.ts';
import { documentOf, officeNetwork, RULES } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const WALLET = { ...UNLOCK, context: 'wallet' } as const;

const pair = (second: readonly string[]) => ({ require: { all: ['pin', { any: second }] } });
const policy = (contexts: Readonly<Record<string, unknown>>): string =>
  formatDocument(checkedDocument({ version: 2, contexts, rules: RULES }));
const unlock = pair(['securityKey', 'network']);
const WITHOUT = policy({ unlock });
const WITH_WALLET = policy({ unlock, wallet: pair(['securityKey']) });

const world = new SimulatedSurroundings(systemClock);
let agent: TestAgent;
let sheet: string;
beforeAll(async () => {
  world.set({ kind: 'ipConfig', observation: officeNetwork() });
  agent = await TestAgent.start({ drivers: world.drivers, simulated: true });
  await at('office');
  sheet = await agent.setUpAndEnrol(UID, PIN);
  await agent.service.setPolicy(peer(0), WITHOUT);
  expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ policyInForce: 2 });
});
afterAll(() => agent?.close());

async function at(place: 'office' | 'nowhere'): Promise<void> {
  const observation = place === 'office' ? officeNetwork() : officeNetwork('198.51.100.7/24');
  world.set({ kind: 'ipConfig', observation });
  const told = (): boolean => {
    const seen = agent.sensors.ledger.latest('ipConfig');
    return seen?.state === 'observed' && JSON.stringify(seen.observation) === JSON.stringify(observation);
  };
  for (let i = 0; i < 200 && !told(); i++) await systemClock.sleep(milliseconds(10), {});
}

async function stored(): Promise<ContainerState> {
  const state = await agent.parts.store.readContainer(UID);
  if (state === null) throw new Error('not enrolled');
  return state;
}

const keyOf = ({ out }: Awaited<ReturnType<TestAgent['run']>>): string => out.get('purpose-key')?.toString('hex') ?? '';
const touches = ({ events }: Awaited<ReturnType<TestAgent['run']>>) => events.filter(({ type }) => type === 'touch');

describe('a wallet that the policy names and the container has not yet', () => {
  it('has no key while the desk is unlocked: that of the desk would be taken for it', async () => {
    await agent.service.setPolicy(peer(0), WITH_WALLET);
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ contextPending: 'ERR_POLICY_NO_BRANCH' });
    await expect(agent.service.purposeKey(peer(UID), 'test', 'wallet')).rejects.toMatchObject({
      code: 'ERR_CONTAINER_LOCKED',
    });
    // It is not over with the unlock of the desk: root sees who is pending, and so does the user.
    expect((await agent.service.status(peer(UID))).own).toMatchObject({ policyPending: true });
    expect((await agent.service.policy(peer(0))).pending).toHaveLength(1);
    // A context that the policy does not name has the policy of the desk, and so its key.
    using ssh = await agent.service.purposeKey(peer(UID), 'test', 'ssh');
    using desk = await agent.service.purposeKey(peer(UID), 'test');
    expect(ssh.equals(desk)).toBe(true);
  });

  it('is not made for a recovery key that somebody put into the state file', async () => {
    const before = await stored();
    const planted = newRecoverySecret(systemEntropy);
    const publicKey = recoveryPublicKey(planted, before.containerId);
    await agent.parts.store.writeContainer({ ...before, recovery: { ...before.recovery, publicKey } });
    const outcome = await agent.run(UID, WALLET, { pin: PIN });
    const [wallet] = (await stored()).contexts;
    const wrap = wallet?.recovery ?? null;
    expect(wrap === null ? null : openContextKey(planted, before.containerId, 'wallet', wrap)).toBeNull();
    expect(outcome.failed?.refusal.code).toBe('ERR_POLICY_NO_BRANCH');
    const after = await stored();
    await agent.parts.store.writeContainer({ ...after, recovery: before.recovery });
  });

  it('is made for the sheet of its user', async () => {
    expect((await agent.run(UID, WALLET, { pin: PIN })).done).toMatchObject({ unlocked: true });
    const { containerId, contexts } = await stored();
    using typed = Secret.take(utf8(sheet));
    using secret = parseSheet(typed);
    using key = openContextKey(secret, containerId, 'wallet', contexts[0]?.recovery ?? new Uint8Array());
    expect(key?.length).toBe(32);
  });
});

describe('a policy that asks for more at the wallet than before', () => {
  const TIGHTER = policy({ unlock, wallet: { require: { all: ['pin', 'securityKey', 'network'] } } });

  it('is put in force by the unlock of the wallet that satisfies it, not of the desk alone', async () => {
    expect((await agent.service.status(peer(UID))).own).toMatchObject({ policyPending: false });
    await agent.service.setPolicy(peer(0), TIGHTER);
    const outcome = await agent.run(UID, WALLET, { pin: PIN });
    expect(outcome.done).toMatchObject({ unlocked: true, context: 'wallet', policyInForce: 4 });
    expect((await stored()).contexts).toMatchObject([{ version: 4, branches: [['network', 'pin', 'securityKey']] }]);
    expect((await agent.service.status(peer(UID))).own).toMatchObject({ policyPending: false });
    expect(keyOf(await agent.run(UID, WALLET, { pin: PIN }))).toBe(keyOf(outcome));
    await agent.service.setPolicy(peer(0), WITH_WALLET);
    expect((await agent.run(UID, WALLET, { pin: PIN })).done).toMatchObject({ policyInForce: 5 });
  });
});

describe('the earlier key of the wallet, after a recovery', () => {
  const EARLIER = { kind: 'earlier-key', purpose: 'test', earlier: 1, context: 'wallet' } as const;

  it('takes what the wallet takes, before and after the wallet is made anew', async () => {
    const wallet = keyOf(await agent.run(UID, WALLET, { pin: PIN }));
    const recovered = await agent.run(UID, { kind: 'recover' }, { recovery: sheet, 'new-pin': PIN });
    expect(recovered.done).toMatchObject({ state: 'locked' });
    expect(recovered.done).not.toHaveProperty('contextsLost');
    sheet = recovered.out.get('recovery-sheet')?.toString('ascii') ?? '';
    const first = await agent.run(UID, EARLIER, { pin: PIN });
    expect(keyOf(first)).toBe(wallet);
    expect(touches(first)).toHaveLength(1);
    await agent.run(UID, WALLET, { pin: PIN });
    const second = await agent.run(UID, EARLIER, { pin: PIN });
    expect(keyOf(second)).toBe(wallet);
    expect(touches(second)).toHaveLength(1);
    expect(agent.audit.findLast(({ event }) => event === 'earlier-key')?.detail).toMatchObject({ context: 'wallet' });
  });

  it('is not given for what opens the desk', async () => {
    agent.touch = false;
    try {
      const outcome = await agent.run(UID, EARLIER, { pin: PIN });
      expect(keyOf(outcome)).toBe('');
      expect(outcome.failed?.refusal.code).toBe('ERR_POLICY_DENIED');
      const desk = { kind: 'earlier-key', purpose: 'test', earlier: 1, context: 'unlock' } as const;
      expect(keyOf(await agent.run(UID, desk, { pin: PIN }))).not.toBe('');
    } finally {
      agent.touch = true;
    }
  });
});

describe('an old copy of the file', () => {
  it('opens a wallet that was dropped by what a change takes now: the authority approves what it is given, as ADR 17 has it', async () => {
    await agent.run(UID, WALLET, { pin: PIN });
    const old = await stored();
    await agent.service.setPolicy(peer(0), WITHOUT);
    await agent.run(UID, UNLOCK, { pin: PIN });
    const [state, machine] = [await stored(), await agent.parts.store.readMachine()];
    const { pin } = state.factors;
    const { key, sealedAuth } = state.authority;
    const network = state.signers.find(({ kind }) => kind === 'network');
    const [wallet] = old.contexts;
    if (machine === null || pin === null || network === undefined || key === null || sealedAuth === null)
      throw new Error('not as it should be');
    expect([state.contexts, wallet?.branches]).toEqual([[], [['pin', 'securityKey']]]);
    using clear = Secret.take(utf8(PIN));
    const authValue = await pinAuthValue(clear, pin.salt, pin.logN);
    const factors = ['network', 'pin'] as const;
    const code = await agent.parts.tpm.withRoot(new AbortController().signal, machine, async (root) => {
      const open = async (plan: PassPlan, sealed: typeof sealedAuth): Promise<Secret> => {
        const proofs = new Map<FactorKind, FactorProof>([
          ['network', rawAssertion(state.containerId, network)],
          ['pin', { check: 'secret', blob: pin.blob, authValue }],
        ]);
        await using session = await satisfyPolicy(root, plan, factors, proofs, nameOfBlob(sealed));
        return await unsealBy(root, session, sealed);
      };
      using authority = await open(changePlanOf(state), sealedAuth);
      const policy = policyOf(state);
      const n = Math.max(policy.n, state.highestSigned) + 1;
      const branches = [factors];
      const statement = statementOf(state, { factors: state.factors, policy }, policy.n, n, 'wallet', branches);
      const signature = await new LocalAuthority(root, key, nameOfBlob(key), authority).approvePolicy(statement);
      const entries = old.contexts.map((entry) => ({ ...entry, branches, signature: fromSignature(signature) }));
      const view = viewOf({ ...state, policy: { ...policy, n }, contexts: entries }, 'wallet');
      if (view === null) throw new Error('no wallet');
      return await refusal(open(planOf(view), view.sealedKey));
    });
    expect(code).toBe('done');
    await agent.service.setPolicy(peer(0), WITH_WALLET);
    expect((await agent.run(UID, WALLET, { pin: PIN })).done).toMatchObject({ unlocked: true, context: 'wallet' });
  });

  it('opens a wallet that was dropped, by the policy of the wallet that came after it, as ADR 17 has it', async () => {
    await agent.run(UID, WALLET, { pin: PIN });
    const old = viewOf(await stored(), 'wallet');
    await agent.service.setPolicy(peer(0), WITHOUT);
    await agent.run(UID, WALLET, { pin: PIN });
    await at('nowhere');
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ unlocked: true });
    await at('office');
    expect((await stored()).contexts).toEqual([]);
    await agent.service.setPolicy(peer(0), policy({ unlock, wallet: unlock }));
    expect((await agent.run(UID, WALLET, { pin: PIN })).done).toMatchObject({ unlocked: true, strength: 'bound-1' });
    const state = await stored();
    const [view, machine] = [viewOf(state, 'wallet'), await agent.parts.store.readMachine()];
    const { pin } = state.factors;
    const network = state.signers.find(({ kind }) => kind === 'network');
    if (old === null || view === null || machine === null || pin === null || network === undefined)
      throw new Error('no');
    using clear = Secret.take(utf8(PIN));
    const authValue = await pinAuthValue(clear, pin.salt, pin.logN);
    const code = await agent.parts.tpm.withRoot(new AbortController().signal, machine, (root) => {
      const proofs = new Map<FactorKind, FactorProof>([
        ['network', rawAssertion(state.containerId, network)],
        ['pin', { check: 'secret', blob: pin.blob, authValue }],
      ]);
      const attempt = async () => {
        await using session = await satisfyPolicy(
          root,
          planOf(view),
          ['network', 'pin'],
          proofs,
          nameOfBlob(old.sealedKey),
        );
        return await unsealBy(root, session, old.sealedKey);
      };
      return refusal(attempt());
    });
    expect(code).toBe('done');
  });
});

describe('a key of a context that the sheet does not open', () => {
  it('keeps nobody from recovering the rest, and is said to be lost', async () => {
    const state = await stored();
    const contexts = state.contexts.map((entry) => ({ ...entry, recovery: new Uint8Array(92) }));
    await agent.parts.store.writeContainer({ ...state, contexts });
    const recovered = await agent.run(UID, { kind: 'recover' }, { recovery: sheet, 'new-pin': PIN });
    expect(recovered.failed).toBeNull();
    expect(recovered.done).toMatchObject({ contextsLost: 'wallet' });
  });
});

describe('a gesture that was made before the attempt', () => {
  it('counts for no context of it, whatever the sensor says that it is still good for', async () => {
    const seen: FactorSignal = {
      kind: 'fingerprint',
      source: 'a sensor',
      observedAt: systemClock.now(),
      validFor: milliseconds(3_600_000),
      simulated: true,
      state: 'satisfied',
      strength: 'gate',
      evidence: {},
    };
    const driver: FactorDriver = {
      kind: 'fingerprint',
      async *watch({ signal }) {
        yield seen;
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
    };
    await using own = await TestAgent.start({ drivers: [driver], simulated: true });
    await own.setUpAndEnrol(UID, PIN);
    const wallet = { require: { all: ['pin', 'fingerprint'] } };
    await own.service.setPolicy(peer(0), policy({ unlock: pair(['securityKey']), wallet }));
    expect(own.sensors.ledger.latest('fingerprint')).toBe(seen);
    const outcome = await own.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.done).toMatchObject({ policyInForce: 2, contextPending: 'ERR_POLICY_NO_BRANCH' });
    expect((await own.parts.store.readContainer(UID))?.contexts).toEqual([]);
  });
});

describe('a way with a finger that nobody has enrolled', () => {
  it('is none that the container is sealed to, also where the policy accepts what is only asserted', async () => {
    await using agent = await TestAgent.start();
    const windows = documentOf(['pin', 'fingerprint', 'face'], ['phone', 'pin', 'securityKey'], {
      acceptAsserted: true,
    });
    await agent.service.setPolicy(peer(0), formatDocument(windows));
    await agent.setUpAndEnrol(UID, PIN);
    const state = await agent.parts.store.readContainer(UID);
    expect(state?.policy?.branches).toEqual([
      ['phone', 'pin'],
      ['pin', 'securityKey'],
    ]);
    const strength = (await agent.service.status(peer(UID))).own.strength;
    expect(strength).toBe('bound-1');
  });
});
