/**
 * Attacks on PolicySigned: replay, expiry, another object, another signer, and the second reading of a signature whose
 * fields a caller may choose. A careless signer is built here to show that each attack is real; ours refuses.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSealed, createSigningKey, nameOfBlob } from '../../../agent/container/objects.ts';
import { ASSERTION_SECONDS, type AssertionRequest, satisfyPolicy } from '../../../agent/container/pass.ts';
import { assertReference } from '../../../agent/container/references.ts';
import type { RootSession } from '../../../agent/container/root.ts';
import type { Grant } from '../../../agent/policy/grant.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { concat } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import {
  cpHashOf,
  load,
  type ObjectBlob,
  type PolicyAssertion,
  policyOr,
  policySigned,
  type Session,
  type Signature,
  sessionAuth,
  sign,
  signedAssertionHash,
  TPM_CC,
} from '../../../drivers/tpm2/index.ts';
import { TestMachine } from '../../support/container/fixture.ts';
import {
  authOf,
  blobOf,
  EIGHT_BRANCHES,
  grantBy,
  makeObserved,
  type ObservedContainer,
  observedProofs,
  seen,
  signerOf,
  storedOf,
} from '../../support/container/observed.ts';
import { closePolicy, policySession, proveSecret, refusal, unsealBy } from '../../support/container/thief.ts';

let machine: TestMachine;
let container: ObservedContainer;
beforeAll(async () => {
  machine = await TestMachine.start();
  container = await machine.withRoot((root) => makeObserved(root));
});
afterAll(() => machine.close());

type Fields = Required<PolicyAssertion>;
const unsealHash = (blob: ObjectBlob) => cpHashOf(TPM_CC.Unseal, [nameOfBlob(blob)]);
const fieldsFor = (nonceTPM: Uint8Array, more: Partial<Fields> = {}): Fields => ({
  nonceTPM,
  cpHashA: unsealHash(container.sealed),
  policyRef: assertReference('face', container.containerId),
  expiration: ASSERTION_SECONDS,
  ...more,
});

/** A signer that signs whatever fields it is handed, with the key of `kind`. */
async function carelessly(root: RootSession, fields: Fields, kind: FactorKind = 'face'): Promise<Signature> {
  await using key = await load(root.tpm, root.srk, blobOf(container, kind), { auth: sessionAuth(root.session) });
  return await sign(root.tpm, key, signedAssertionHash(fields), sessionAuth(root.session, authOf(container, kind)));
}

async function present(
  root: RootSession,
  policy: Session,
  signature: Signature,
  fields: PolicyAssertion,
  blob: ObjectBlob = blobOf(container, 'face'),
): Promise<void> {
  await using key = await load(root.tpm, root.srk, blob, { auth: sessionAuth(root.session) });
  await policySigned(root.tpm, policy, key, signature, fields);
}

/** The rest of the branch "face and security key", then Unseal. */
async function finish(root: RootSession, policy: Session, sealed = container.sealed): Promise<Secret> {
  await proveSecret(root, policy, blobOf(container, 'securityKey'), authOf(container, 'securityKey'));
  const branch = EIGHT_BRANCHES.findIndex((factors) => factors.join() === 'face,securityKey');
  for (const digests of container.plan.compiled.branches[branch]?.orPath ?? [])
    await policyOr(root.tpm, policy, digests);
  await closePolicy(root, policy, container.plan);
  return await unsealBy(root, policy, sealed);
}

const stored = () => storedOf(container);

describe('an assertion', () => {
  it('made by the product for this session releases', async () => {
    const code = await machine.withRoot(async (root) => {
      const proofs = observedProofs(root, container, ['face', 'securityKey']);
      const name = nameOfBlob(container.sealed);
      await using policy = await satisfyPolicy(root, container.plan, ['face', 'securityKey'], proofs, name);
      return await refusal(unsealBy(root, policy, container.sealed));
    });
    expect(code).toBe('done');
  });

  it('replayed in another session: PolicySigned refuses with 0x5DB, with the old nonce 0x1CF', async () => {
    const codes = await machine.withRoot(async (root) => {
      await using first = await policySession(root);
      const fields = fieldsFor(first.nonceTPM);
      const sealedName = nameOfBlob(container.sealed);
      const signature = await signerOf(root, container, 'face').assertObservation(stored(), {
        grant: seen(container, 'face'),
        nonceTPM: first.nonceTPM,
        sealedName,
      });
      await present(root, first, signature, fields);
      await first.close();
      await using second = await policySession(root);
      return [
        await refusal(present(root, second, signature, fieldsFor(second.nonceTPM))),
        await refusal(present(root, second, signature, fields)),
      ];
    });
    expect(codes).toEqual(['PolicySigned 0x5DB', 'PolicySigned 0x1CF']);
  });

  it('of another signer, or of another kind: 0x5DB', async () => {
    const codes = await machine.withRoot(async (root) => {
      const value = Secret.copyOf(systemEntropy.bytes(31));
      const own = await createSigningKey(root, value);
      await using policy = await policySession(root);
      const fields = fieldsFor(policy.nonceTPM);
      await using key = await load(root.tpm, root.srk, own, { auth: sessionAuth(root.session) });
      const byThief = await sign(root.tpm, key, signedAssertionHash(fields), sessionAuth(root.session, value));
      await key.close();
      const byFinger = await carelessly(root, fields, 'fingerprint');
      return [
        await refusal(present(root, policy, byThief, fields)),
        await refusal(present(root, policy, byFinger, fields)),
      ];
    });
    expect(codes).toEqual(['PolicySigned 0x5DB', 'PolicySigned 0x5DB']);
  });

  it("of the thief's own signer presented with its own key: taken, and PolicyOR refuses with 0x1C4", async () => {
    const code = await machine.withRoot(async (root) => {
      const value = Secret.copyOf(systemEntropy.bytes(31));
      const own = await createSigningKey(root, value);
      await using policy = await policySession(root);
      const fields = fieldsFor(policy.nonceTPM);
      await using key = await load(root.tpm, root.srk, own, { auth: sessionAuth(root.session) });
      const signature = await sign(root.tpm, key, signedAssertionHash(fields), sessionAuth(root.session, value));
      await key.close();
      await present(root, policy, signature, fields, own);
      return await refusal(finish(root, policy));
    });
    expect(code).toBe('PolicyOR 0x1C4');
  });

  it("for another user's container: its reference is another one, 0x1C4", async () => {
    const code = await machine.withRoot(async (root) => {
      await using policy = await policySession(root);
      const fields = fieldsFor(policy.nonceTPM, { policyRef: assertReference('face', new Uint8Array(16)) });
      await present(root, policy, await carelessly(root, fields), fields);
      return await refusal(finish(root, policy));
    });
    expect(code).toBe('PolicyOR 0x1C4');
  });

  it('with a field changed after it was signed: 0x5DB each', async () => {
    const codes = await machine.withRoot(async (root) => {
      await using policy = await policySession(root);
      const fields = fieldsFor(policy.nonceTPM);
      const signature = await carelessly(root, fields);
      const codes: string[] = [];
      for (const change of [
        { expiration: ASSERTION_SECONDS + 1 },
        { expiration: 0 },
        { cpHashA: unsealHash(container.sibling) },
        { policyRef: assertReference('fingerprint', container.containerId) },
      ]) {
        codes.push(await refusal(present(root, policy, signature, { ...fields, ...change })));
      }
      return codes;
    });
    expect(codes).toEqual(Array(4).fill('PolicySigned 0x5DB'));
  });

  it('that has expired when Unseal comes: 0x9A3, the TPM checks to the end', async () => {
    const codes = await machine.withRoot(async (root) => {
      const attempt = async (expiration: number, wait: number): Promise<string> => {
        await using policy = await policySession(root);
        const fields = fieldsFor(policy.nonceTPM, { expiration });
        await present(root, policy, await carelessly(root, fields), fields);
        await systemClock.sleep(milliseconds(wait), {});
        return await refusal(finish(root, policy));
      };
      return [await attempt(1, 1600), await attempt(ASSERTION_SECONDS, 0)];
    });
    expect(codes).toEqual(['Unseal 0x9A3', 'done']);
  });

  it('for one object does not open another under the same policy: 0x99D, and one for that other does', async () => {
    const codes = await machine.withRoot(async (root) => {
      const attempt = async (asserted: ObjectBlob, opened: ObjectBlob): Promise<string> => {
        const proofs = observedProofs(root, container, ['face', 'securityKey']);
        await using policy = await satisfyPolicy(
          root,
          container.plan,
          ['face', 'securityKey'],
          proofs,
          nameOfBlob(asserted),
        );
        return await refusal(unsealBy(root, policy, opened));
      };
      return [
        await attempt(container.sealed, container.sibling),
        await attempt(container.sibling, container.sealed),
        await attempt(container.sibling, container.sibling),
      ];
    });
    expect(codes).toEqual(['Unseal 0x99D', 'Unseal 0x99D', 'done']);
  });
});

describe('a signature that reads a second way', () => {
  /** A "nonce" and an expiration that together are four zero bytes and a cpHash. */
  const secondReading = () => {
    const cpHash = unsealHash(container.sealed);
    const nonceTPM = concat(new Uint8Array(4), cpHash.subarray(0, 28));
    const expiration = new DataView(cpHash.buffer).getInt32(28);
    return { cpHash, nonceTPM, expiration };
  };
  const NOTHING = new Uint8Array(0);

  it('from a signer who takes nonce and expiration from the caller: opens in any session, and again', async () => {
    const codes = await machine.withRoot(async (root) => {
      const { cpHash, nonceTPM, expiration } = secondReading();
      const policyRef = assertReference('face', container.containerId);
      const signature = await carelessly(root, { nonceTPM, expiration, cpHashA: NOTHING, policyRef });
      const codes: string[] = [];
      for (let round = 0; round < 2; round++) {
        await using policy = await policySession(root);
        await present(root, policy, signature, { cpHashA: cpHash, policyRef });
        codes.push(await refusal(finish(root, policy)));
      }
      return codes;
    });
    expect(codes).toEqual(['done', 'done']);
  });

  it('from ours, for the same "nonce": the reading without nonce is refused with 0x5DB', async () => {
    const codes = await machine.withRoot(async (root) => {
      const { cpHash, nonceTPM } = secondReading();
      const policyRef = assertReference('face', container.containerId);
      const sealedName = nameOfBlob(container.sealed);
      const signer = signerOf(root, container, 'face');
      const signature = await signer.assertObservation(stored(), {
        grant: seen(container, 'face'),
        nonceTPM,
        sealedName,
      });
      await using policy = await policySession(root);
      const codes: string[] = [];
      for (const fields of [
        { cpHashA: cpHash, policyRef },
        { cpHashA: cpHash, policyRef, expiration: ASSERTION_SECONDS },
        { policyRef },
        { cpHashA: concat(nonceTPM.subarray(4), new Uint8Array(4)), policyRef },
      ]) {
        codes.push(await refusal(present(root, policy, signature, fields)));
      }
      return codes;
    });
    expect(codes).toEqual(Array(4).fill('PolicySigned 0x5DB'));
  });
});

describe('the signer of the product refuses with ERR_ASSERTION_REFUSED', () => {
  const ask = (change: Partial<AssertionRequest>, of = stored()) =>
    machine.withRoot((root) => {
      const sealedName = nameOfBlob(container.sealed);
      const request = { grant: seen(container, 'face'), nonceTPM: new Uint8Array(32), sealedName, ...change };
      return signerOf(root, container, 'face').assertObservation(of, request);
    });
  const refused = { code: 'ERR_ASSERTION_REFUSED' };
  const lookAlike = (grant: Grant, of?: FactorKind): Grant => {
    const { decision } = of === undefined ? grant : seen(container, of);
    return Object.create(grant, { decision: { value: decision }, context: { value: grant.context } }) as Grant;
  };

  it('nothing when all is as it should be', async () => {
    expect(await refusal(ask({}))).toBe('done');
  });

  it.each([0, 16, 31, 33, 64])('a nonce of %i bytes', async (length) => {
    await expect(ask({ nonceTPM: new Uint8Array(length) })).rejects.toMatchObject(refused);
  });

  it('an object that is not of the container, also one under the same policy', async () => {
    const other = await machine.withRoot(async (root) => {
      const authPolicy = new Uint8Array(32).fill(1);
      return await createSealed(root, authPolicy, Secret.copyOf(systemEntropy.bytes(32)));
    });
    await expect(ask({ sealedName: nameOfBlob(other) })).rejects.toMatchObject(refused);
    await expect(ask({ sealedName: new Uint8Array(0) })).rejects.toMatchObject(refused);
    const only = { ...stored(), sealed: stored().sealed.slice(0, 1) };
    await expect(ask({ sealedName: nameOfBlob(container.sibling) }, only)).rejects.toMatchObject(refused);
  });

  it('an object of another context than the grant', async () => {
    const [own, other] = stored().sealed;
    if (own === undefined || other === undefined) throw new Error('it has two');
    const of = { ...stored(), sealed: [own, { ...other, context: 'wallet' as const }] };
    const sealedName = nameOfBlob(other.blob);
    await expect(ask({ sealedName }, of)).rejects.toMatchObject(refused);
    const grant = seen(container, 'face', { context: 'wallet' });
    expect(await refusal(ask({ sealedName, grant }, of))).toBe('done');
    await expect(ask({ grant: seen(container, 'face', { context: 'wallet' }) }, of)).rejects.toMatchObject(refused);
    await expect(ask({ grant: seen(container, 'face', { context: 'change' }) })).rejects.toMatchObject(refused);
  });

  it.each([0, 15, 17])('a container id of %i bytes', async (length) => {
    const of = { ...stored(), containerId: new Uint8Array(length) };
    await expect(ask({}, of)).rejects.toMatchObject(refused);
  });

  it.each<[string, () => Grant | null]>([
    ['none at all', () => null],
    ['that has opened no door', () => seen(container, 'face', { spent: false })],
    ['by a branch without this factor', () => grantBy(container, ['phone', 'pin'])],
    [
      'by a branch of proved factors, though the face was seen',
      () => grantBy(container, ['pin', 'securityKey', 'face']),
    ],
    ['of a simulated observation', () => seen(container, 'face', { simulated: true })],
    ['of an observation that is stale by now', () => seen(container, 'face', { ageMs: 10_001 })],
    ['of an observation from the future', () => seen(container, 'face', { ageMs: -60_000 })],
    ['for another container', () => seen(container, 'face', { containerId: new Uint8Array(16) })],
    ['to another user', () => seen(container, 'face', { user: 1001 })],
    ['of the same shape, not minted', () => lookAlike(seen(container, 'face'))],
    ['by another branch, with the decision of this one', () => lookAlike(grantBy(container, ['phone', 'pin']), 'face')],
  ])('a grant %s', async (_, grant) => {
    await expect(ask({ grant: grant() })).rejects.toMatchObject(refused);
  });

  it('a grant that says of itself that it was spent, and was not', () => {
    const grant = seen(container, 'face', { spent: false });
    expect(() => Object.defineProperty(grant, 'spent', { value: true })).toThrow(TypeError);
    expect(grant.spent).toBe(false);
  });

  it('a phone that is not near any more when it signs', async () => {
    const grant = seen(container, 'phone', { ageMs: 10_001 });
    const request = { grant, nonceTPM: new Uint8Array(32), sealedName: nameOfBlob(container.sealed) };
    const asked = machine.withRoot((root) => signerOf(root, container, 'phone').assertObservation(stored(), request));
    await expect(asked).rejects.toMatchObject(refused);
  });

  it.each(['pin', 'securityKey'] as const)('to be the signer of %s, which has to be proved', async (kind) => {
    await machine.withRoot(async (root) => {
      expect(() => signerOf(root, container, kind)).toThrow(expect.objectContaining(refused));
    });
  });
});
