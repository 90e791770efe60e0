/**
 * A managed machine whose policy has a context of its own for the wallet: the one request carries both, the one answer
 * puts both in force, and the TPM refuses the key of the wallet by what opens the desk and by what the epoch has passed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policyOf } from '../../../agent/container/plan.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { checkedDocument, formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { requireMachine } from '../../../agent/service/context.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { approvalOf, type Signer, SignerProgram } from '../../support/authority/signer-program.ts';
import { byPinAndNetwork } from '../../support/container/by-pin-and-network.ts';
import { officeNetwork, RULES } from '../../support/policy-fixtures.ts';
import { type Outcome, peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const WALLET = { ...UNLOCK, context: 'wallet' } as const;

const pair = (second: readonly string[]) => ({ require: { all: ['pin', { any: second }] } });
const policy = (contexts: Readonly<Record<string, unknown>>): string =>
  formatDocument(checkedDocument({ version: 2, contexts, rules: RULES }));
const EASY_WALLET = policy({ unlock: pair(['securityKey', 'network']), wallet: pair(['securityKey', 'network']) });
const WITH_WALLET = policy({ unlock: pair(['securityKey', 'network']), wallet: pair(['securityKey']) });
const WITHOUT = policy({ unlock: pair(['securityKey', 'network']) });
const WITH_FACE = policy({ unlock: pair(['securityKey', 'network']), wallet: pair(['face']) });

type Request = { readonly contexts: readonly { readonly context: string }[]; readonly closing: { readonly n: number } };

const world = new SimulatedSurroundings(systemClock);
let program: SignerProgram;
let signer: Signer;
let agent: TestAgent;
beforeAll(async () => {
  program = await SignerProgram.build();
  signer = await program.authority('authority');
  world.set({ kind: 'ipConfig', observation: officeNetwork() });
  const settings = { managedAuthority: () => signer.coordinates };
  agent = await TestAgent.start({ drivers: world.drivers, simulated: true, settings });
  for (let i = 0; i < 200 && agent.sensors.ledger.all().size < 3; i++) await systemClock.sleep(milliseconds(10), {});
});
afterAll(async () => {
  await agent?.close();
  await program?.[Symbol.asyncDispose]();
});

const request = async (): Promise<Request> => (await agent.service.policyRequest(peer(UID))) as Request;
const apply = (document: string): Promise<Outcome> => agent.run(UID, { kind: 'policy-apply', document }, { pin: PIN });
const signAndApply = async (): Promise<Outcome> => await apply(approvalOf(await signer.sign(await request())));

async function stored(): Promise<ContainerState> {
  const state = await agent.parts.store.readContainer(UID);
  if (state === null) throw new Error('not enrolled');
  return state;
}

const keyOf = ({ out }: Outcome): string => out.get('purpose-key')?.toString('hex') ?? '';
const touches = ({ events }: Outcome): number => events.filter(({ type }) => type === 'touch').length;

/** What the TPM says to PIN and network for the wallet of a state file. */
async function byDesk(state: ContainerState, branchesOf: 'wallet' | 'unlock'): Promise<string> {
  const machine = await requireMachine(agent.parts);
  return await agent.parts.tpm.withRoot(new AbortController().signal, machine, (root) =>
    byPinAndNetwork(root, state, PIN, 'wallet', branchesOf),
  );
}

describe('a managed machine with a wallet of its own', () => {
  let walletKey = '';
  let weak: ContainerState;

  it('makes the key of each context with the first policy, by one request and one answer', async () => {
    await agent.service.setPolicy(peer(0), EASY_WALLET);
    await agent.setUpAndEnrol(UID, PIN);
    expect((await signAndApply()).done).toMatchObject({ counterWritten: true });
    expect((await request()).contexts.map(({ context }) => context)).toEqual(['unlock', 'wallet']);
    const applied = await signAndApply();
    expect(applied.failed).toBeNull();
    expect(applied.done).toMatchObject({ applied: true, contexts: 'wallet' });
    // Everything that it takes is there without a touch, so none is asked for.
    expect(touches(applied)).toBe(0);
    const [desk, wallet] = [await agent.run(UID, UNLOCK, { pin: PIN }), await agent.run(UID, WALLET, { pin: PIN })];
    expect(wallet.done).toMatchObject({ unlocked: true, context: 'wallet', strength: 'bound-1' });
    walletKey = keyOf(wallet);
    expect(walletKey).not.toBe(keyOf(desk));
    expect((await agent.service.status(peer(UID))).own).toMatchObject({
      policyPending: false,
      contexts: [{ context: 'wallet', strength: 'bound-1' }],
    });
    weak = await stored();
    expect(await byDesk(weak, 'wallet')).toBe('done');
  });

  it('keeps the old policy of both until the answer, and says that it is pending', async () => {
    await agent.service.setPolicy(peer(0), WITH_WALLET);
    const outcome = await agent.run(UID, WALLET, { pin: PIN });
    expect(outcome.done).toMatchObject({ strength: 'bound-1', policyPending: 'ERR_POLICY_SIGNER_UNREACHABLE' });
  });

  it('asks, for the answer, for what the wallet will ask for, and puts nothing in force without it', async () => {
    const approval = approvalOf(await signer.sign(await request()));
    const before = await stored();
    agent.touch = false;
    const without = await apply(approval);
    agent.touch = true;
    expect(without.failed?.refusal).toMatchObject({ code: 'ERR_POLICY_DENIED' });
    expect(without.failed?.refusal.message).toMatch(/the policy that was signed asks for more.*a security key/);
    expect(await stored()).toEqual(before);
    const applied = await apply(approval);
    expect(applied.done).toMatchObject({ applied: true, contexts: 'wallet' });
    expect(touches(applied)).toBe(1);
  });

  it('gives the wallet the same key as before, by PIN and key alone; the desk opens as it did', async () => {
    const wallet = await agent.run(UID, WALLET, { pin: PIN });
    expect(wallet.done).toMatchObject({ strength: 'bound-2' });
    expect(keyOf(wallet)).toBe(walletKey);
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ strength: 'bound-1' });
    await agent.restart();
    expect(keyOf(await agent.run(UID, WALLET, { pin: PIN }))).toBe(walletKey);
  });

  it('is held to it by the TPM: the wallet of the old file is refused once the epoch has moved, 0x126', async () => {
    const state = await stored();
    expect(policyOf(state).n).toBe(policyOf(weak).n + 1);
    expect(await byDesk(weak, 'wallet')).toBe('PolicyNV 0x126');
  });

  it('does not take the branches of the desk for the wallet: PolicyAuthorize refuses with 0x1C4', async () => {
    expect(await byDesk(await stored(), 'unlock')).toBe('PolicyAuthorize 0x1C4');
  });

  it('takes no answer without the wallet, or with the signature of the desk in its place', async () => {
    const answer = JSON.parse(approvalOf(await signer.sign(await request()))) as {
      policies: { context: string; r: string; s: string }[];
    };
    const [unlock] = answer.policies;
    const before = await stored();
    for (const policies of [
      [unlock],
      [unlock, { ...unlock, context: 'wallet' }],
      [unlock, { ...unlock, context: 'sudo' }],
    ]) {
      const refused = await apply(JSON.stringify({ ...answer, policies }));
      expect(refused.failed?.refusal.code).toBe('ERR_POLICY_SIGNATURE');
      expect(refused.events.map(({ type }) => type)).toEqual(['failed']);
    }
    expect(await stored()).toEqual(before);
    expect((await apply(JSON.stringify(answer))).done).toMatchObject({ applied: true });
  });

  it('asks for nothing at all where one context cannot be sealed to what is enrolled, and names it', async () => {
    await agent.service.setPolicy(peer(0), WITH_FACE);
    const before = await stored();
    await expect(request()).rejects.toMatchObject({
      code: 'ERR_POLICY_NO_BRANCH',
      message: expect.stringMatching(/^the context wallet: /),
    });
    expect(await stored()).toEqual(before);
    expect(keyOf(await agent.run(UID, WALLET, { pin: PIN }))).toBe(walletKey);
  });

  it('drops the wallet with a policy that does not name it: its key goes, and an old file opens nothing', async () => {
    const last = await stored();
    await agent.service.setPolicy(peer(0), WITHOUT);
    expect((await signAndApply()).done).toMatchObject({ applied: true });
    expect((await stored()).contexts).toEqual([]);
    const [desk, wallet] = [await agent.run(UID, UNLOCK, { pin: PIN }), await agent.run(UID, WALLET, { pin: PIN })];
    expect(keyOf(wallet)).toBe(keyOf(desk));
    expect(keyOf(wallet)).not.toBe(walletKey);
    expect(await byDesk({ ...last, contexts: weak.contexts, policy: weak.policy }, 'wallet')).toBe('PolicyNV 0x126');
  });
});
