/** A managed machine whose policy observes the network: the signer elsewhere is shown the key that will assert it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { toHex } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { approvalOf, type Signer, SignerProgram } from '../../support/authority/signer-program.ts';
import { documentOf, officeNetwork } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const world = new SimulatedSurroundings(systemClock);
let program: SignerProgram;
let signer: Signer;
let agent: TestAgent;
beforeAll(async () => {
  program = await SignerProgram.build();
  signer = await program.authority('authority');
  world.set({ kind: 'ipConfig', observation: officeNetwork() });
  agent = await TestAgent.start({
    drivers: world.drivers,
    simulated: true,
    settings: { managedAuthority: () => signer.coordinates },
  });
  for (let i = 0; i < 200 && agent.sensors.ledger.all().size < 3; i++) await systemClock.sleep(milliseconds(10), {});
  expect((await agent.run(0, { kind: 'setup' })).failed).toBeNull();
  expect((await agent.run(UID, { kind: 'enrol' }, { 'new-pin': PIN })).failed).toBeNull();
  for (const _ of ['first write', 'policy']) await signAndApply();
});
afterAll(async () => {
  await agent?.close();
  await program?.[Symbol.asyncDispose]();
});

type Request = { readonly factors: readonly Record<string, unknown>[]; readonly contexts: readonly unknown[] };
const request = async (): Promise<Request> => (await agent.service.policyRequest(peer(UID))) as Request;

async function signAndApply(): Promise<void> {
  const approval = approvalOf(await signer.sign(await request()));
  const applied = await agent.run(UID, { kind: 'policy-apply', document: approval }, { pin: PIN });
  expect(applied.failed).toBeNull();
}

describe('"first the PIN, then a security key or the network", signed elsewhere', () => {
  it('names the key of this TPM that asserts the network, and asks with the same key again', async () => {
    await agent.service.setPolicy(peer(0), formatDocument(documentOf(['pin'], ['securityKey', 'network'])));
    const first = await request();
    const branches = [
      ['network', 'pin'],
      ['pin', 'securityKey'],
    ];
    expect(first.contexts).toEqual([{ context: 'unlock', branches }]);
    const state = await agent.parts.store.readContainer(UID);
    const key = state?.signers.find(({ kind }) => kind === 'network');
    const publicArea = toHex(key?.blob.publicArea ?? new Uint8Array(0));
    expect(first.factors).toContainEqual({ factor: 'network', check: 'signed', publicArea });
    expect(await request()).toEqual(first);
  });

  it('is still under the old policy until the answer is applied: the PIN alone does not open', async () => {
    const outcome = await agent.run(UID, UNLOCK, { pin: PIN });
    expect(outcome.done).toMatchObject({ strength: 'bound-2', policyPending: 'ERR_POLICY_SIGNER_UNREACHABLE' });
  });

  it('opens with the PIN at the network once it is', async () => {
    await signAndApply();
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ strength: 'bound-1' });
  });

  it('refuses a request in which the PIN is asserted instead of proved', async () => {
    const asked = await request();
    const factors = asked.factors.map((claim) => (claim.factor === 'pin' ? { ...claim, check: 'signed' } : claim));
    expect(await signer.sign({ ...asked, factors })).toMatchObject({ refusal: { code: 'ERR_AUTHORITY_REFUSED' } });
  });
});
