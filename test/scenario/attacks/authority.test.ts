/**
 * Attacks on who approves: another key, another container, an empty policy, forged tickets. Whoever can use the
 * authority can have anything approved, so its authValue stands behind the whole policy and it signs structures only.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalAuthority } from '../../../agent/container/authority/local-authority.ts';
import type { PolicyStatement } from '../../../agent/container/authority/statement.ts';
import { statementOf } from '../../../agent/container/change.ts';
import { epochOperand } from '../../../agent/container/compile/compile.ts';
import { readCounter, writtenCounter } from '../../../agent/container/counter.ts';
import { createSigningKey, nameOfBlob } from '../../../agent/container/objects.ts';
import type { PassPlan } from '../../../agent/container/pass.ts';
import { changePlanOf, counterOf, planOf, policyOf } from '../../../agent/container/plan.ts';
import { policyReference, UNLOCK_CONTEXT } from '../../../agent/container/references.ts';
import type { RootSession } from '../../../agent/container/root.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import {
  authorizationHash,
  decodePublicArea,
  emptyAuth,
  emptyPolicy,
  load,
  loadExternal,
  policyAuthorize,
  policyNv,
  policySecretDigest,
  type Session,
  type Signature,
  sessionAuth,
  sign,
  type Ticket,
  TPM_EO,
  TPM_RH,
  TPM_ST,
  verifySignature,
} from '../../../drivers/tpm2/index.ts';
import { type TestContainer, TestMachine } from '../../support/container/fixture.ts';
import { closePolicy, passWith, policySession, proveSecret, refusal, unsealBy } from '../../support/container/thief.ts';

let machine: TestMachine;
let alice: TestContainer;
let bob: TestContainer;
beforeAll(async () => {
  machine = await TestMachine.start();
  alice = await machine.enrol(1000);
  bob = await machine.enrol(1001, '864202');
});
afterAll(() => machine.close());

const proveBoth = async (root: RootSession, policy: Session, owner: TestContainer, pin: string): Promise<void> => {
  const proofs = machine.proofs(owner.state, { pin, group: owner.group });
  for (const factor of ['pin', 'securityKey'] as const) {
    const proof = proofs.get(factor);
    if (proof?.check === 'secret') await proveSecret(root, policy, proof.blob, proof.authValue);
  }
};

const keyOf = ({ authority }: ContainerState) => {
  if (authority.key === null || authority.sealedAuth === null) throw new Error('not a single box');
  return { key: authority.key, sealedAuth: authority.sealedAuth };
};

/** The authority's authValue, by the whole pass. */
const authorityAuth = (root: RootSession, owner: TestContainer, pin: string): Promise<Secret> =>
  machine.unsealer(root)(
    changePlanOf(owner.state),
    machine.proofs(owner.state, { pin, group: owner.group }),
    keyOf(owner.state).sealedAuth,
  );

const rawSign = async (
  root: RootSession,
  owner: TestContainer,
  value: Secret,
  hash: Uint8Array,
): Promise<Signature> => {
  await using key = await load(root.tpm, root.srk, keyOf(owner.state).key, { auth: sessionAuth(root.session) });
  return await sign(root.tpm, key, hash, sessionAuth(root.session, value));
};

describe('a policy signed by another key', () => {
  /** A policy of the thief's own making (nothing but the epoch), signed by a key of his own. */
  const foreign = async (root: RootSession): Promise<PassPlan> => {
    const value = Secret.copyOf(systemEntropy.bytes(31));
    const key = await createSigningKey(root, value);
    const plan = planOf(alice.state);
    await using loaded = await load(root.tpm, root.srk, key, { auth: sessionAuth(root.session) });
    const hash = authorizationHash(plan.compiled.digest, plan.policyRef);
    const signature = await sign(root.tpm, loaded, hash, sessionAuth(root.session, value));
    return { ...plan, authority: decodePublicArea(key.publicArea), signature };
  };

  it("presented as the container's authority's: VerifySignature refuses with 0x2DB", async () => {
    const code = await machine.withRoot(async (root) => {
      const plan = { ...(await foreign(root)), authority: planOf(alice.state).authority };
      return await refusal(passWith(root, plan, 0, alice.state.sealedKey, (p) => proveBoth(root, p, alice, '246813')));
    });
    expect(code).toBe('VerifySignature 0x2DB');
    expect(await refusal(machine.open(alice.state, { pin: '246813', group: alice.group }))).toBe('done');
  });

  it('presented as what it is: PolicyAuthorize takes it and Unseal refuses with 0x99D', async () => {
    const code = await machine.withRoot(async (root) =>
      refusal(
        passWith(root, await foreign(root), 0, alice.state.sealedKey, (p) => proveBoth(root, p, alice, '246813')),
      ),
    );
    expect(code).toBe('Unseal 0x99D');
  });
});

describe("another user's approved policy and factors, on this container", () => {
  it("Bob's whole pass satisfies Bob's policy, and not the object of Alice: 0x99D; Bob's own opens", async () => {
    const codes = await machine.withRoot(async (root) => {
      const attempt = (sealed: ContainerState['sealedKey']) =>
        refusal(passWith(root, planOf(bob.state), 0, sealed, (policy) => proveBoth(root, policy, bob, '864202')));
      return [await attempt(alice.state.sealedKey), await attempt(bob.state.sealedKey)];
    });
    expect(codes).toEqual(['Unseal 0x99D', 'done']);
  });

  it("Bob's approval under the reference of Alice's container was not signed: 0x2DB", async () => {
    const code = await machine.withRoot((root) => {
      const plan = { ...planOf(bob.state), policyRef: policyReference(alice.state.containerId, UNLOCK_CONTEXT) };
      return refusal(
        passWith(root, plan, 0, alice.state.sealedKey, (policy) => proveBoth(root, policy, bob, '864202')),
      );
    });
    expect(code).toBe('VerifySignature 0x2DB');
  });

  it("Bob's factors under Alice's policy: 0x1C4", async () => {
    const code = await machine.withRoot((root) =>
      refusal(
        passWith(root, planOf(alice.state), 0, alice.state.sealedKey, (policy) =>
          proveBoth(root, policy, bob, '864202'),
        ),
      ),
    );
    expect(code).toBe('PolicyAuthorize 0x1C4');
  });

  it("Bob's authority is not asked for Alice's container: ERR_AUTHORITY_REFUSED, because the counter is not his", async () => {
    await machine.withRoot(async (root) => {
      using value = await authorityAuth(root, bob, '864202');
      const { key } = keyOf(bob.state);
      const authority = new LocalAuthority(root, key, nameOfBlob(key), value);
      const statement = (state: ContainerState, counterValue: number): PolicyStatement =>
        statementOf(state, { factors: bob.state.factors, policy: policyOf(bob.state) }, counterValue, counterValue + 1);
      const ofAlice = await readCounter(root, counterOf(alice.state));
      await expect(authority.approve(statement(alice.state, ofAlice))).rejects.toMatchObject({
        code: 'ERR_AUTHORITY_REFUSED',
        detail: { field: 'counter' },
      });
      const own = await readCounter(root, counterOf(bob.state));
      expect(await refusal(authority.approve(statement(bob.state, own)))).toBe('done');
    });
  });

  it('were there one key and one reference for both, the pass of Bob would open what is of Alice', async () => {
    const code = await machine.withRoot(async (root) => {
      using value = await authorityAuth(root, alice, '246813');
      const counter = writtenCounter(counterOf(bob.state));
      const plan = planOf(bob.state);
      const { policyRef, authority } = planOf(alice.state);
      const signature = await rawSign(root, alice, value, authorizationHash(plan.compiled.digest, policyRef));
      await using policy = await policySession(root);
      await proveBoth(root, policy, bob, '864202');
      await policyNv(root.tpm, policy, counter, emptyAuth, epochOperand(plan.compiled.n), TPM_EO.UNSIGNED_LE);
      await using key = await loadExternal(root.tpm, authority);
      const hash = authorizationHash(plan.compiled.digest, policyRef);
      const ticket = await verifySignature(root.tpm, key, hash, signature);
      await policyAuthorize(root.tpm, policy, plan.compiled.digest, policyRef, key.name, ticket);
      await key.close();
      return await refusal(unsealBy(root, policy, alice.state.sealedKey));
    });
    expect(code).toBe('done');
  });
});

describe('whoever can use the authority', () => {
  it('can have an empty policy approved, and opens with it: no factor, no epoch, for ever', async () => {
    const codes = await machine.withRoot(async (root) => {
      const { policyRef, authority } = planOf(alice.state);
      const hash = authorizationHash(emptyPolicy(), policyRef);
      const approve = async (value: Secret): Promise<string> => {
        const signature = await rawSign(root, alice, value, hash);
        await using policy = await policySession(root);
        await using key = await loadExternal(root.tpm, authority);
        const ticket = await verifySignature(root.tpm, key, hash, signature);
        await policyAuthorize(root.tpm, policy, emptyPolicy(), policyRef, key.name, ticket);
        await key.close();
        return await refusal(unsealBy(root, policy, alice.state.sealedKey));
      };
      using right = await authorityAuth(root, alice, '246813');
      using wrong = Secret.copyOf(systemEntropy.bytes(31));
      return [await approve(right), await refusal(approve(wrong))];
    });
    expect(codes).toEqual(['done', 'Sign 0x9A2']);
  });

  it('is not whoever has one factor: its authValue is released by the whole pass only', async () => {
    const codes = await machine.withRoot(async (root) => {
      const { sealedAuth } = keyOf(alice.state);
      const proofs = machine.proofs(alice.state, { pin: '246813', group: alice.group });
      const codes: string[] = [];
      for (const set of [['pin'], ['securityKey'], ['pin', 'securityKey']] as const) {
        codes.push(
          await refusal(
            passWith(root, changePlanOf(alice.state), 0, sealedAuth, async (policy) => {
              for (const factor of set) {
                const proof = proofs.get(factor);
                if (proof?.check === 'secret') await proveSecret(root, policy, proof.blob, proof.authValue);
              }
            }),
          ),
        );
      }
      return codes;
    });
    expect(codes).toEqual(['PolicyAuthorize 0x1C4', 'PolicyAuthorize 0x1C4', 'done']);
  });

  it.each<[string, string, (good: PolicyStatement) => PolicyStatement]>([
    ['no branch at all', 'branches', (good) => ({ ...good, branches: [] })],
    ['an empty branch', 'branches', (good) => ({ ...good, branches: [[]] })],
    ['a branch of one factor', 'branches', (good) => ({ ...good, branches: [['pin']] })],
    [
      'a good branch beside one of one factor',
      'branches',
      (good) => ({ ...good, branches: [...good.branches, ['pin']] }),
    ],
    ['no closing PolicyNV', 'closing', (good) => ({ ...good, closing: null })],
    ['a number far ahead', 'closing', (good) => ({ ...good, closing: good.closing && { ...good.closing, n: 1000 } })],
    [
      'the number that is in force',
      'closing',
      (good) => ({ ...good, closing: good.closing && { ...good.closing, n: good.closing.n - 1 } }),
    ],
    ["another container's id", 'counter', (good) => ({ ...good, containerId: bob.state.containerId })],
  ])('cannot have LocalAuthority approve %s: ERR_AUTHORITY_REFUSED in %s', async (_, field, change) => {
    await machine.withRoot(async (root) => {
      using value = await authorityAuth(root, alice, '246813');
      const { key } = keyOf(alice.state);
      const authority = new LocalAuthority(root, key, nameOfBlob(key), value);
      const { state } = alice;
      const counter = await readCounter(root, counterOf(state));
      const good = statementOf(state, { factors: state.factors, policy: policyOf(state) }, counter, counter + 1);
      expect(await refusal(authority.approve(good))).toBe('done');
      const refused = expect(authority.approve(change(good))).rejects;
      await refused.toMatchObject({ code: 'ERR_AUTHORITY_REFUSED', detail: { field } });
    });
  });
});

describe('tickets in place of signatures', () => {
  const withTicket = (make: (genuine: Ticket, root: RootSession) => Ticket): Promise<string> =>
    machine.withRoot(async (root) => {
      const { compiled, policyRef, authority, signature } = planOf(alice.state);
      await using policy = await policySession(root);
      await proveBoth(root, policy, alice, '246813');
      const counter = writtenCounter(counterOf(alice.state));
      await policyNv(root.tpm, policy, counter, emptyAuth, epochOperand(compiled.n), TPM_EO.UNSIGNED_LE);
      await using key = await loadExternal(root.tpm, authority);
      const ticket = await verifySignature(root.tpm, key, authorizationHash(compiled.digest, policyRef), signature);
      const presented = make(ticket, root);
      return await refusal(policyAuthorize(root.tpm, policy, compiled.digest, policyRef, key.name, presented));
    });
  const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, index) => (index === 5 ? byte ^ 1 : byte));

  it('the genuine one is accepted', async () => {
    expect(await withTicket((ticket) => ticket)).toBe('done');
  });

  it.each<[string, (genuine: Ticket) => Ticket]>([
    ['of the NULL hierarchy', () => ({ tag: TPM_ST.VERIFIED, hierarchy: TPM_RH.NULL, digest: new Uint8Array(0) })],
    ['edited to the endorsement hierarchy', (ticket) => ({ ...ticket, hierarchy: TPM_RH.ENDORSEMENT })],
    ['edited to the NULL hierarchy', (ticket) => ({ ...ticket, hierarchy: TPM_RH.NULL })],
    ['with one bit of its digest flipped', (ticket) => ({ ...ticket, digest: flip(ticket.digest) })],
    ['with a digest of zeros', (ticket) => ({ ...ticket, digest: new Uint8Array(ticket.digest.length) })],
    ['without a digest', (ticket) => ({ ...ticket, digest: new Uint8Array(0) })],
  ])('one %s is refused with 0x4C4', async (_, edit) => {
    expect(await withTicket(edit)).toBe('PolicyAuthorize 0x4C4');
  });

  it('one with the tag of another kind is refused with 0x4D7', async () => {
    expect(await withTicket((ticket) => ({ ...ticket, tag: TPM_ST.HASHCHECK }))).toBe('PolicyAuthorize 0x4D7');
  });

  it('a genuine one that was made for another policy is refused with 0x4C4', async () => {
    const code = await machine.withRoot(async (root) => {
      using value = await authorityAuth(root, alice, '246813');
      const { authority, policyRef } = planOf(alice.state);
      const other = policySecretDigest(emptyPolicy(), nameOfBlob(alice.state.sealedKey));
      const signature = await rawSign(root, alice, value, authorizationHash(other, policyRef));
      await using policy = await policySession(root);
      await using key = await loadExternal(root.tpm, authority);
      const ticket = await verifySignature(root.tpm, key, authorizationHash(other, policyRef), signature);
      return await refusal(policyAuthorize(root.tpm, policy, emptyPolicy(), policyRef, key.name, ticket));
    });
    expect(code).toBe('PolicyAuthorize 0x4C4');
  });

  it('closing the policy by the ordinary way still works after all this', async () => {
    const code = await machine.withRoot(async (root) => {
      await using policy = await policySession(root);
      await proveBoth(root, policy, alice, '246813');
      await closePolicy(root, policy, planOf(alice.state));
      return await refusal(unsealBy(root, policy, alice.state.sealedKey));
    });
    expect(code).toBe('done');
  });
});
