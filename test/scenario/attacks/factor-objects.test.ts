/**
 * Attacks on the factor objects: a twin with a value of the thief's own, and a copy of the real object with another
 * authValue under the same Name (TPM2_ObjectChangeAuth), which `adminWithPolicy` closes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFactor, nameOfBlob } from '../../../agent/container/objects.ts';
import { planOf } from '../../../agent/container/plan.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import {
  create,
  factorTemplate,
  type KeyedHashPublic,
  load,
  objectChangeAuth,
  sessionAuth,
  TPMA_OBJECT,
} from '../../../drivers/tpm2/index.ts';
import { type TestContainer, TestMachine } from '../../support/container/fixture.ts';
import { closePolicy, passWith, policySession, proveSecret, refusal } from '../../support/container/thief.ts';

let machine: TestMachine;
let container: TestContainer;
const own = Secret.copyOf(utf8('the value of the thief'));
const pin = Secret.copyOf(utf8('246813'));
beforeAll(async () => {
  machine = await TestMachine.start();
  container = await machine.enrol(1000);
});
afterAll(() => machine.close());

const pinBlob = (state: ContainerState) => {
  if (state.factors.pin === null) throw new Error('no PIN');
  return state.factors.pin.blob;
};
const keyProof = () => {
  const proof = machine.proofs(container.state, { group: container.group }).get('securityKey');
  if (proof?.check !== 'secret') throw new Error('no key');
  return proof;
};

describe("a twin of the PIN's object, of the same template and with the thief's own value", () => {
  it('has another Name', async () => {
    const twin = await machine.withRoot((root) => createFactor(root, 'pin', own, systemEntropy));
    expect(nameOfBlob(twin)).not.toEqual(nameOfBlob(pinBlob(container.state)));
  });

  it('in place of the PIN beside the real key: 0x1C4, and the real PIN releases', async () => {
    const codes = await machine.withRoot(async (root) => {
      const twin = await createFactor(root, 'pin', own, systemEntropy);
      const key = keyProof();
      const attempt = (blob: typeof twin, value: Secret) =>
        refusal(
          passWith(root, planOf(container.state), 0, container.state.sealedKey, async (policy) => {
            await proveSecret(root, policy, blob, value);
            await proveSecret(root, policy, key.blob, key.authValue);
          }),
        );
      return [await attempt(twin, own), await attempt(pinBlob(container.state), pin)];
    });
    expect(codes).toEqual(['PolicyAuthorize 0x1C4', 'done']);
  });

  it('written into the state file: the product finds that nobody signed that policy, 0x2DB', async () => {
    const twin = await machine.withRoot((root) => createFactor(root, 'pin', own, systemEntropy));
    const forged = { ...container.state, factors: { ...container.state.factors, pin: machine.pinState(twin) } };
    const attempt = machine.open(forged, { pin: 'the value of the thief', group: container.group });
    expect(await refusal(attempt)).toBe('VerifySignature 0x2DB');
    expect(await refusal(machine.open(container.state, { pin: '246813', group: container.group }))).toBe('done');
  });

  it("made of the real public part and the twin's private part: it does not load, 0x1DF", async () => {
    const code = await machine.withRoot(async (root) => {
      const twin = await createFactor(root, 'pin', own, systemEntropy);
      const mixed = { publicArea: pinBlob(container.state).publicArea, privateArea: twin.privateArea };
      return await refusal(load(root.tpm, root.srk, mixed, { auth: sessionAuth(root.session) }));
    });
    expect(code).toBe('Load 0x1DF');
  });
});

describe('ObjectChangeAuth by somebody who has seen the value once', () => {
  const changed = (template: KeyedHashPublic | null, by: 'value' | 'empty policy') =>
    machine.withRoot(async (root) => {
      const { tpm, srk, session } = root;
      const data = Secret.copyOf(systemEntropy.bytes(32));
      const auth = sessionAuth(session, undefined, { decrypt: true });
      const blob = template
        ? await create(tpm, srk, template, { auth, sensitive: { authValue: pin, data } })
        : pinBlob(container.state);
      await using object = await load(tpm, srk, blob, { auth: sessionAuth(session) });
      if (by === 'value') {
        const copy = objectChangeAuth(tpm, object, srk, sessionAuth(session, pin), own);
        return { code: await refusal(copy), blob, copy: await copy.catch(() => null) };
      }
      await using policy = await policySession(root);
      return { code: await refusal(objectChangeAuth(tpm, object, srk, sessionAuth(policy), own)), blob, copy: null };
    });

  it('is refused on a factor object: with its value 0x124', async () => {
    expect((await changed(null, 'value')).code).toBe('ObjectChangeAuth 0x124');
  });

  it('is refused on a factor object: with an empty policy session 0x99D', async () => {
    expect((await changed(null, 'empty policy')).code).toBe('ObjectChangeAuth 0x99D');
  });

  it.each([
    ['the PIN', true],
    ['the security key', false],
  ])('is refused on the template of %s: 0x124', async (_, dictionaryAttack) => {
    expect((await changed(factorTemplate(dictionaryAttack), 'value')).code).toBe('ObjectChangeAuth 0x124');
  });

  it('would copy an object without adminWithPolicy under the same Name: that is why the bit is set', async () => {
    const template = factorTemplate(true);
    const attributes = template.attributes & ~TPMA_OBJECT.ADMIN_WITH_POLICY;
    const { code, blob, copy } = await changed({ ...template, attributes }, 'value');
    expect(code).toBe('done');
    if (copy === null) throw new Error('no copy');
    expect(nameOfBlob(copy)).toEqual(nameOfBlob(blob));
    const opened = await machine.withRoot(async (root) => {
      await using policy = await policySession(root);
      return await refusal(proveSecret(root, policy, copy, own));
    });
    expect(opened).toBe('done');
  });

  it('leaves the value in use for what it is for: PolicySecret', async () => {
    const code = await machine.withRoot(async (root) => {
      await using policy = await policySession(root);
      await proveSecret(root, policy, pinBlob(container.state), pin);
      return await refusal(closePolicy(root, policy, planOf(container.state)));
    });
    expect(code).toBe('PolicyAuthorize 0x1C4');
  });
});
