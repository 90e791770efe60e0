/** The software compiler against the TPM: random sets of 1 to 20 branches give the digest that PolicyGetDigest says. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compilePolicy, epochOperand, type Leaf } from '../../../agent/container/compile/compile.ts';
import { writtenCounter } from '../../../agent/container/counter.ts';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { FACTOR_KINDS, type FactorKind } from '../../../drivers/signal.ts';
import {
  emptyAuth,
  policyGetDigest,
  policyNv,
  policyOr,
  type Session,
  startAuthSession,
  TPM_EO,
  type Tpm,
} from '../../../drivers/tpm2/index.ts';
import { TestMachine } from '../../support/container/fixture.ts';
import { authOf, blobOf, makeObserved, type ObservedContainer } from '../../support/container/observed.ts';
import { proveSecret } from '../../support/container/thief.ts';

let machine: TestMachine;
let container: ObservedContainer;
beforeAll(async () => {
  machine = await TestMachine.start();
  container = await machine.withRoot((root) => makeObserved(root));
});
afterAll(() => machine.close());

const subset = fc.uniqueArray(
  fc.constantFrom(...FACTOR_KINDS.filter((kind) => kind !== 'pin' && kind !== 'securityKey')),
  {
    minLength: 1,
    maxLength: 4,
  },
);

it('agrees for every number of branches, wherever the satisfied one stands', async () => {
  const index = writtenCounter(container.counter);
  const leaves = new Map<FactorKind, Leaf>(
    FACTOR_KINDS.map((kind) => {
      const name = kind === 'network' ? nameOfBlob(blobOf(container, 'face')) : nameOfBlob(blobOf(container, kind));
      return kind === 'pin' || kind === 'securityKey'
        ? [kind, { check: 'secret', name }]
        : [kind, { check: 'signed', name, policyRef: new Uint8Array(32).fill(kind.length) }];
    }),
  );
  const digestBy = async (tpm: Tpm, policy: Session, orPath: readonly (readonly Uint8Array[])[], n: number) => {
    for (const digests of orPath) await policyOr(tpm, policy, digests);
    await policyNv(tpm, policy, index, emptyAuth, epochOperand(n), TPM_EO.UNSIGNED_LE);
    return await policyGetDigest(tpm, policy);
  };
  await machine.withRoot(async (root) => {
    for (let count = 1; count <= 20; count++) {
      const [others = []] = fc.sample(fc.array(subset, { minLength: count - 1, maxLength: count - 1 }), 1);
      const at = count === 1 ? 0 : (count * 7 + 3) % count;
      const branches: FactorKind[][] = [...others.slice(0, at), ['securityKey', 'pin'], ...others.slice(at)];
      const n = container.plan.compiled.n + count;
      const compiled = compilePolicy(branches, leaves, index.name, n);
      await using policy = await startAuthSession(root.tpm, { kind: 'policy' });
      for (const factor of ['securityKey', 'pin'] as const) {
        await proveSecret(root, policy, blobOf(container, factor), authOf(container, factor));
      }
      const orPath = compiled.branches[at]?.orPath ?? [];
      expect(await digestBy(root.tpm, policy, orPath, n), `${count} branches`).toEqual(
        Uint8Array.from(compiled.digest),
      );
      expect(orPath.length, `${count} branches`).toBe(count === 1 ? 0 : count <= 8 ? 1 : 2);
    }
  });
});
