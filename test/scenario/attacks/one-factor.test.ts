/**
 * Whoever has the machine, every file and one factor, and skips `evaluate()`: the TPM refuses, at the command and with
 * the code that are named here. Each refusal stands beside the pass that the rightful user makes with the same files.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { ASSERTION_SECONDS, satisfyPolicy } from '../../../agent/container/pass.ts';
import { changePlanOf, planOf } from '../../../agent/container/plan.ts';
import { assertReference } from '../../../agent/container/references.ts';
import type { RootSession } from '../../../agent/container/root.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import {
  cpHashOf,
  emptyAuth,
  load,
  passwordAuth,
  policyGetDigest,
  policyOr,
  policySigned,
  type Session,
  sessionAuth,
  TPM_CC,
  unseal,
} from '../../../drivers/tpm2/index.ts';
import { type TestContainer, TestMachine } from '../../support/container/fixture.ts';
import {
  authOf,
  blobOf,
  EIGHT_BRANCHES,
  makeObserved,
  type ObservedContainer,
  observedProofs,
  seen,
  signerOf,
  storedOf,
} from '../../support/container/observed.ts';
import {
  closePolicy,
  orderedSubsets,
  passWith,
  policySession,
  proveSecret,
  refusal,
  unsealBy,
} from '../../support/container/thief.ts';

let machine: TestMachine;
beforeAll(async () => {
  machine = await TestMachine.start();
});
afterAll(() => machine.close());

describe('with the policy "PIN and security key"', () => {
  let container: TestContainer;
  beforeAll(async () => {
    container = await machine.enrol(1000);
  });

  type Have = 'pin' | 'securityKey';
  const attempt = (
    order: readonly Have[],
    sealed = container.state.sealedKey,
    plan = planOf(container.state),
  ): Promise<string> =>
    machine.withRoot((root) => {
      const proofs = machine.proofs(container.state, { pin: '246813', group: container.group });
      return refusal(
        passWith(root, plan, 0, sealed, async (policy) => {
          for (const factor of order) {
            const proof = proofs.get(factor);
            if (proof?.check !== 'secret') throw new Error(`no proof of ${factor}`);
            await proveSecret(root, policy, proof.blob, proof.authValue);
          }
        }),
      );
    });

  it('both factors, in the order of the branch, release', async () => {
    expect(await attempt(['pin', 'securityKey'])).toBe('done');
  });

  it.each<[string, Have[]]>([
    ['nothing', []],
    ['the PIN alone', ['pin']],
    ['the key alone', ['securityKey']],
    ['the PIN twice', ['pin', 'pin']],
    ['the key twice', ['securityKey', 'securityKey']],
    ['both in another order than the branch', ['securityKey', 'pin']],
    ['both, and the PIN once more', ['pin', 'securityKey', 'pin']],
  ])('%s: PolicyAuthorize refuses with 0x1C4', async (_, order) => {
    expect(await attempt(order)).toBe('PolicyAuthorize 0x1C4');
  });

  it.each<[string, Have[]]>([
    ['the PIN alone', ['pin']],
    ['the key alone', ['securityKey']],
  ])("the authority's authValue is as closed as the key: %s gives 0x1C4, both release it", async (_, order) => {
    const { sealedAuth } = container.state.authority;
    if (sealedAuth === null) throw new Error('not a single box');
    const plan = changePlanOf(container.state);
    expect(await attempt(order, sealedAuth, plan)).toBe('PolicyAuthorize 0x1C4');
    expect(await attempt(['pin', 'securityKey'], sealedAuth, plan)).toBe('done');
    expect(await attempt(['pin', 'securityKey'], sealedAuth)).toBe('Unseal 0x99D');
  });

  it.each<[string, Have[]]>([
    ['nothing', []],
    ['the PIN', ['pin']],
    ['the key', ['securityKey']],
    ['both factors, but no approval', ['pin', 'securityKey']],
  ])('Unseal without the closing commands, after %s: 0x99D', async (_, order) => {
    const code = await machine.withRoot(async (root) => {
      const proofs = machine.proofs(container.state, { pin: '246813', group: container.group });
      await using policy = await policySession(root);
      for (const factor of order) {
        const proof = proofs.get(factor);
        if (proof?.check === 'secret') await proveSecret(root, policy, proof.blob, proof.authValue);
      }
      return await refusal(unsealBy(root, policy, container.state.sealedKey));
    });
    expect(code).toBe('Unseal 0x99D');
  });

  it('Unseal with a password or an HMAC session instead of the policy: 0x12F', async () => {
    const codes = await machine.withRoot(async (root) => {
      const { tpm, srk, session } = root;
      await using object = await load(tpm, srk, container.state.sealedKey, { auth: sessionAuth(session) });
      return [
        await refusal(unseal(tpm, object, emptyAuth)),
        await refusal(unseal(tpm, object, passwordAuth(new TextEncoder().encode('246813')))),
        await refusal(unseal(tpm, object, sessionAuth(session))),
      ];
    });
    expect(codes).toEqual(['Unseal 0x12F', 'Unseal 0x12F', 'Unseal 0x12F']);
  });

  it('a wrong PIN: 0x98E; a wrong key: 0x9A2', async () => {
    const { state, group } = container;
    const other = (await machine.enrol(1001)).group;
    expect(await refusal(machine.open(state, { pin: '000000', group }))).toBe('PolicySecret 0x98E');
    expect(await refusal(machine.open(state, { pin: '246813', group: other }))).toBe('PolicySecret 0x9A2');
    expect(await refusal(machine.open(state, { pin: '246813', group }))).toBe('done');
  });
});

describe('with the policy "(PIN or fingerprint or face) and (phone or PIN or key)"', () => {
  let container: ObservedContainer;
  const factors: FactorKind[] = ['pin', 'securityKey', 'fingerprint', 'face', 'phone'];
  const satisfies = (set: readonly FactorKind[]): boolean =>
    EIGHT_BRANCHES.some((branch) => branch.every((factor) => set.includes(factor)));
  beforeAll(async () => {
    container = await machine.withRoot((root) => makeObserved(root));
  });

  /** One factor as a thief proves it, with a signer of observations that does what it is told to see. */
  async function prove(root: RootSession, policy: Session, factor: FactorKind): Promise<void> {
    if (factor === 'pin' || factor === 'securityKey') {
      await proveSecret(root, policy, blobOf(container, factor), authOf(container, factor));
      return;
    }
    const { nonceTPM } = policy;
    const sealedName = nameOfBlob(container.sealed);
    const grant = seen(container, factor);
    const signer = signerOf(root, container, factor);
    const signature = await signer.assertObservation(storedOf(container), { grant, nonceTPM, sealedName });
    await using key = await load(root.tpm, root.srk, signer.key, { auth: sessionAuth(root.session) });
    const cpHashA = cpHashOf(TPM_CC.Unseal, [sealedName]);
    const policyRef = assertReference(factor, container.containerId);
    await policySigned(root.tpm, policy, key, signature, {
      nonceTPM,
      cpHashA,
      policyRef,
      expiration: ASSERTION_SECONDS,
    });
  }

  it('every branch releases the one secret', async () => {
    for (const branch of EIGHT_BRANCHES) {
      await machine.withRoot(async (root) => {
        const proofs = observedProofs(root, container, branch);
        await using policy = await satisfyPolicy(root, container.plan, branch, proofs, nameOfBlob(container.sealed));
        using opened = await unsealBy(root, policy, container.sealed);
        expect(opened.equals(container.secret), branch.join('+')).toBe(true);
      });
    }
  });

  const insufficient = orderedSubsets(factors).filter((order) => !satisfies(order));

  it('knows which sets are too small: 8 of the 32, in 10 orders', () => {
    expect(insufficient.length).toBe(10);
  });

  it.each(insufficient.map((order) => [order.join(' then ') || 'nothing', order] as const))(
    '%s: PolicyOR refuses with 0x1C4',
    async (_, order) => {
      const code = await machine.withRoot((root) =>
        refusal(
          passWith(root, container.plan, 0, container.sealed, async (policy) => {
            for (const factor of order) await prove(root, policy, factor);
          }),
        ),
      );
      expect(code).toBe('PolicyOR 0x1C4');
    },
  );

  it('three factors in one session are no branch: 0x1C4', async () => {
    const code = await machine.withRoot((root) =>
      refusal(
        passWith(root, container.plan, 1, container.sealed, async (policy) => {
          for (const factor of ['securityKey', 'pin', 'fingerprint'] as const) await prove(root, policy, factor);
        }),
      ),
    );
    expect(code).toBe('PolicyOR 0x1C4');
  });

  it("a list of branches of the thief's own making satisfies PolicyOR and not PolicyAuthorize: 0x1C4", async () => {
    const code = await machine.withRoot(async (root) => {
      await using policy = await policySession(root);
      await prove(root, policy, 'pin');
      const own = await policyGetDigest(root.tpm, policy);
      await policyOr(root.tpm, policy, [
        own,
        ...container.plan.compiled.branches.slice(0, 7).map(({ digest }) => digest),
      ]);
      return await refusal(closePolicy(root, policy, container.plan));
    });
    expect(code).toBe('PolicyAuthorize 0x1C4');
  });
});
