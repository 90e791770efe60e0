/**
 * Attacks on a container whose one branch is the PIN and the network: bound-1, so this machine and the PIN. Whoever is
 * root here can have everything signed that he likes; whoever is not at this TPM has nothing to sign with.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { ASSERTION_SECONDS } from '../../../agent/container/pass.ts';
import { pinAuthValue } from '../../../agent/container/pin-value.ts';
import { planOf } from '../../../agent/container/plan.ts';
import { assertReference } from '../../../agent/container/references.ts';
import { openRoot, type RootSession } from '../../../agent/container/root.ts';
import { ensureRootKey } from '../../../agent/container/setup.ts';
import type { ContainerState, MachineState } from '../../../agent/container/state.ts';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import {
  cpHashOf,
  emptyAuth,
  load,
  nameOf,
  policySigned,
  type Session,
  sessionAuth,
  sign,
  signedAssertionHash,
  TPM_CC,
} from '../../../drivers/tpm2/index.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { startSwtpm } from '../../../hal-mocks/tpm2/swtpm.ts';
import { passWith, proveSecret, refusal } from '../../support/container/thief.ts';
import { documentOf, officeNetwork } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';
import { withTpm } from '../../support/tpm/driver.ts';

const UID = 1000;
const PIN = '246813';
const never = new AbortController().signal;

let agent: TestAgent;
let state: ContainerState;
let machine: MachineState;
beforeAll(async () => {
  const world = new SimulatedSurroundings(systemClock);
  world.set({ kind: 'ipConfig', observation: officeNetwork() });
  agent = await TestAgent.start({ drivers: world.drivers, simulated: true });
  await agent.run(0, { kind: 'setup' });
  await agent.service.setPolicy(peer(0), formatDocument(documentOf(['pin'], ['network'])));
  for (let i = 0; i < 200 && agent.sensors.ledger.latest('ipConfig') === undefined; i++)
    await systemClock.sleep(milliseconds(10), {});
  await agent.setUpAndEnrol(UID, PIN);
  const [found, pinned] = [await agent.parts.store.readContainer(UID), await agent.parts.store.readMachine()];
  if (found === null || pinned === null) throw new Error('not enrolled');
  [state, machine] = [found, pinned];
});
afterAll(() => agent?.close());

async function provePin(root: RootSession, policy: Session): Promise<void> {
  const { pin } = state.factors;
  if (pin === null) throw new Error('no PIN');
  using clear = Secret.take(utf8(PIN));
  using authValue = await pinAuthValue(clear, pin.salt, pin.logN);
  await proveSecret(root, policy, pin.blob, authValue);
}

/** The network as a patched daemon asserts it: with what the state file holds, whatever is around the machine. */
async function assertNetwork(root: RootSession, policy: Session, withValue = true): Promise<void> {
  const signer = state.signers.find(({ kind }) => kind === 'network');
  if (signer === undefined) throw new Error('no signer');
  const { nonceTPM } = policy;
  const fields = {
    nonceTPM,
    cpHashA: cpHashOf(TPM_CC.Unseal, [nameOfBlob(state.sealedKey)]),
    policyRef: assertReference('network', state.containerId),
    expiration: ASSERTION_SECONDS,
  };
  await using key = await load(root.tpm, root.srk, signer.blob, { auth: sessionAuth(root.session) });
  using authValue = Secret.copyOf(signer.authValue);
  const auth = withValue ? sessionAuth(root.session, authValue) : emptyAuth;
  const signature = await sign(root.tpm, key, signedAssertionHash(fields), auth);
  await policySigned(root.tpm, policy, key, signature, fields);
}

const attempt = (prove: (root: RootSession, policy: Session) => Promise<void>): Promise<string> =>
  agent.parts.tpm.withRoot(never, machine, (root) =>
    refusal(passWith(root, planOf(state), 0, state.sealedKey, (policy) => prove(root, policy))),
  );

describe('on this machine', () => {
  it('the rightful user opens it with the PIN at the office', async () => {
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ strength: 'bound-1' });
  });

  it('the PIN without the assertion: PolicyAuthorize refuses with 0x1C4', async () => {
    expect(await attempt(provePin)).toBe('PolicyAuthorize 0x1C4');
  });

  it('the assertion without the PIN: PolicyAuthorize refuses with 0x1C4', async () => {
    expect(await attempt(assertNetwork)).toBe('PolicyAuthorize 0x1C4');
  });

  it('another user of the TPM, who cannot read the state file, cannot sign: 0x9A2', async () => {
    expect(await attempt((root, policy) => assertNetwork(root, policy, false))).toBe('Sign 0x9A2');
  });

  it('root who skips the verdict has it signed, and the PIN then opens: that is what bound-1 says', async () => {
    const code = await attempt(async (root, policy) => {
      await assertNetwork(root, policy);
      await provePin(root, policy);
    });
    expect(code).toBe('done');
  });
});

describe('with a copy of the disk and another TPM', () => {
  it('no signer can be loaded, so nothing can be signed: 0x1DF', async () => {
    await using other = await startSwtpm();
    const code = await withTpm(other.config, async (tpm) => {
      const name = nameOf(await ensureRootKey(tpm, machine.rootHandle));
      await using root = await openRoot(tpm, { handle: machine.rootHandle, name });
      const prove = (policy: Session) => assertNetwork(root, policy);
      return await refusal(passWith(root, planOf(state), 0, state.sealedKey, prove));
    });
    expect(code).toBe('Load 0x1DF');
  });
});
