/**
 * What the TPM makes of a policy against what `evaluate()` makes of it: for every set of factors that somebody may have,
 * the container opens by the TPM's own judgement exactly when the evaluator grants. No code of the agent's unlock is in
 * between: single TPM commands, every set of proofs, every PolicyOR list. Of the last policy, which is larger, a sample.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { ASSERTION_SECONDS } from '../../../agent/container/pass.ts';
import { assertReference } from '../../../agent/container/references.ts';
import type { RootSession } from '../../../agent/container/root.ts';
import { branchesOf, enforcedSets } from '../../../agent/policy/branches.ts';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { policyFor, type UnlockPolicy } from '../../../agent/policy/model.ts';
import { CANONICAL_ORDER, type Requirement } from '../../../agent/policy/requirement.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import {
  cpHashOf,
  load,
  policyOr,
  policySigned,
  type Session,
  sessionAuth,
  sign,
  signedAssertionHash,
  TPM_CC,
} from '../../../drivers/tpm2/index.ts';
import { TestMachine } from '../../support/container/fixture.ts';
import { authOf, blobOf, makeObserved, type ObservedContainer } from '../../support/container/observed.ts';
import { closePolicy, policySession, proveSecret, refusal, unsealBy } from '../../support/container/thief.ts';
import { RULES, satisfied, snapshotOf, USER } from '../../support/policy-fixtures.ts';

const FACTORS: readonly FactorKind[] = CANONICAL_ORDER.filter((factor) => factor !== 'network');
const OPTIONS = {
  machineSimulated: false,
  pinIsBound: true,
  user: USER,
  localTime: { day: 'monday', minute: 600 },
} as const;

let machine: TestMachine;
beforeAll(async () => {
  machine = await TestMachine.start();
});
afterAll(() => machine.close());

const policyOf = (require: Requirement): UnlockPolicy =>
  policyFor(
    checkedDocument({
      version: 2,
      contexts: { unlock: { require, acceptAsserted: true } },
      rules: [RULES[0]],
      windows: { morning: { days: ['monday'], from: '08:00', to: '12:00' } },
    }),
    'unlock',
  );

/** All sets of the factors, in the order of the TPM's commands. */
const subsets: readonly (readonly FactorKind[])[] = Array.from({ length: 2 ** FACTORS.length }, (_, bits) =>
  FACTORS.filter((_factor, i) => ((bits >> i) & 1) === 1),
);

async function prove(
  root: RootSession,
  policy: Session,
  container: ObservedContainer,
  factor: FactorKind,
): Promise<void> {
  const [blob, value] = [blobOf(container, factor), authOf(container, factor)];
  if (factor === 'pin' || factor === 'securityKey') return await proveSecret(root, policy, blob, value);
  const fields = {
    nonceTPM: policy.nonceTPM,
    cpHashA: cpHashOf(TPM_CC.Unseal, [nameOfBlob(container.sealed)]),
    policyRef: assertReference(factor, container.containerId),
    expiration: ASSERTION_SECONDS,
  };
  await using key = await load(root.tpm, root.srk, blob, { auth: sessionAuth(root.session) });
  const signature = await sign(root.tpm, key, signedAssertionHash(fields), sessionAuth(root.session, value));
  await policySigned(root.tpm, policy, key, signature, fields);
}

/** Whether these proofs, neither more nor less, open the container by any list of PolicyOR. */
async function opensWithJust(
  root: RootSession,
  container: ObservedContainer,
  factors: readonly FactorKind[],
): Promise<boolean> {
  await using policy = await policySession(root);
  for (const factor of factors) await prove(root, policy, container, factor);
  for (const { orPath } of container.plan.compiled.branches) {
    const [first, ...rest] = orPath;
    // A list that the session's digest is not in is refused, and the session stays as it was.
    if (first !== undefined && (await refusal(policyOr(root.tpm, policy, first))) !== 'done') continue;
    for (const digests of rest) await policyOr(root.tpm, policy, digests);
    if ((await refusal(closePolicy(root, policy, container.plan))) !== 'done') return false;
    using released = await unsealBy(root, policy, container.sealed);
    return container.secret.equals(released);
  }
  return false;
}

const grants = (policy: UnlockPolicy, factors: readonly FactorKind[]): boolean =>
  evaluate(policy, snapshotOf(...factors.map((factor) => satisfied(factor))), monotonicMs(2000), OPTIONS).verdict ===
  'granted';

const isWithin = (set: readonly FactorKind[], larger: readonly FactorKind[]): boolean =>
  set.every((factor) => larger.includes(factor));

async function compare(policy: UnlockPolicy, tried: readonly (readonly FactorKind[])[]): Promise<number> {
  const compiled = enforcedSets(branchesOf(policy, OPTIONS));
  const opening = await machine.withRoot(async (root) => {
    const container = await makeObserved(root, compiled);
    const opening: (readonly FactorKind[])[] = [];
    for (const set of tried) if (await opensWithJust(root, container, set)) opening.push(set);
    return opening;
  });
  const words = (sets: readonly (readonly FactorKind[])[]) => sets.map((set) => set.join('+')).sort();
  // What the TPM opens with is what was compiled, as far as it was tried; and whoever has more may leave some of it away.
  expect(words(opening)).toEqual(words(compiled.filter((set) => tried.some((each) => each.join() === set.join()))));
  for (const owned of tried) {
    const byTpm = compiled.some((set) => isWithin(set, owned));
    expect(`${owned.join('+')}: ${grants(policy, owned)}`).toBe(`${owned.join('+')}: ${byTpm}`);
  }
  return opening.length;
}

describe('the TPM opens with exactly the sets of factors that the evaluator grants', () => {
  test.each<[string, Requirement, number]>([
    [
      'two lists',
      { all: [{ any: ['pin', 'fingerprint', 'face'] }, { any: ['trustedSignal', 'pin', 'securityKey'] }] },
      8,
    ],
    ['two of three', { atLeast: 2, of: ['pin', 'securityKey', 'fingerprint'] }, 3],
    [
      'pairs and a triple of observations',
      {
        any: [
          { all: ['pin', 'securityKey'] },
          { all: ['fingerprint', 'face', 'phone'] },
          { all: ['securityKey', 'face'] },
        ],
      },
      3,
    ],
    [
      'a pair within hours, and more at any time, which the TPM cannot tell',
      {
        any: [
          { during: 'morning', need: { all: ['pin', 'fingerprint'] } },
          { all: ['pin', 'fingerprint', 'securityKey'] },
          { all: ['pin', 'rule:near'] },
        ],
      },
      2,
    ],
  ])('%s: all 32 sets', async (_, require, expected) => {
    expect(await compare(policyOf(require), subsets)).toBe(expected);
  });

  test('three of five: ten branches, in nested lists; every set of three, and a third of the others', async () => {
    const tried = subsets.filter((set, i) => set.length === 3 || i % 3 === 0);
    expect(await compare(policyOf({ atLeast: 3, of: [...FACTORS] }), tried)).toBe(10);
  });
});
