/**
 * Attacks on the epoch counter: the owner of the machine (an empty ownerAuth is the rule) undefines, redefines, replaces
 * and increments it. None of that releases anything; recovery brings the user back.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authorizePolicy } from '../../../agent/container/approval.ts';
import { LocalAuthority } from '../../../agent/container/authority/local-authority.ts';
import { firstWriteDigest } from '../../../agent/container/authority/statement.ts';
import { bumpDigest, epochOperand } from '../../../agent/container/compile/compile.ts';
import {
  counterPublicArea,
  defineCounter,
  firstWrite,
  readCounter,
  undefineCounter,
  writtenCounter,
} from '../../../agent/container/counter.ts';
import { newContainerId, prepareContainer } from '../../../agent/container/enrolment.ts';
import { settleEpoch } from '../../../agent/container/epoch.ts';
import { groupAuthValue, newGroupSecret } from '../../../agent/container/key-group.ts';
import { createFactor, nameOfBlob } from '../../../agent/container/objects.ts';
import { changePlanOf, counterOf, planOf, policyOf, toSignature } from '../../../agent/container/plan.ts';
import { openRecords } from '../../../agent/container/records.ts';
import { openRecovery } from '../../../agent/container/recovery.ts';
import { newRecoverySecret } from '../../../agent/container/recovery-sheet.ts';
import { epochReference } from '../../../agent/container/references.ts';
import type { RootSession } from '../../../agent/container/root.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import {
  counterPublic,
  emptyAuth,
  nvDefineSpace,
  nvIncrement,
  nvIndex,
  nvReadPublic,
  nvUndefineSpace,
  passwordAuth,
  policyNv,
  policyNvWritten,
  type Session,
  type Signature,
  sessionAuth,
  TPM_EO,
  TPM_RH,
  TPMA_NV,
} from '../../../drivers/tpm2/index.ts';
import { nameOfHandle } from '../../../drivers/tpm2/wire/public-area.ts';
import { type TestContainer, TestMachine } from '../../support/container/fixture.ts';
import { policySession, proveSecret, refusal, unsealBy } from '../../support/container/thief.ts';

let machine: TestMachine;
let container: TestContainer;
beforeEach(async () => {
  machine = await TestMachine.start();
  container = await machine.enrol(1000);
});
afterEach(() => machine.close());

const OWNER = { handle: TPM_RH.OWNER, name: nameOfHandle(TPM_RH.OWNER) };
const factors = () => ({ pin: '246813', group: container.group });
const open = (state: ContainerState = container.state) => refusal(machine.open(state, factors()));

/** The authority of the container, opened with both factors, as it signs a first write. */
const firstWriteApproval = (state: ContainerState): Promise<Signature> =>
  machine.withRoot(async (root) => {
    const { key, sealedAuth } = state.authority;
    if (key === null || sealedAuth === null) throw new Error('not a single box');
    using value = await machine.unsealer(root)(changePlanOf(state), machine.proofs(state, factors()), sealedAuth);
    const authority = new LocalAuthority(root, key, nameOfBlob(key), value);
    return await authority.approveFirstWrite(counterPublicArea(counterOf(state)), state.containerId);
  });

const redefine = (root: RootSession) =>
  undefineCounter(root.tpm, counterOf(container.state)).then(() => defineCounter(root, counterOf(container.state)));

describe('a counter that the owner redefined identically', () => {
  it('is unwritten: PolicyNV refuses with 0x14A, both factors or not', async () => {
    expect(await open()).toBe('done');
    await machine.withRoot(redefine);
    expect(await open()).toBe('PolicyNV 0x14A');
  });

  it('is told by the product before any PIN is sent: ERR_EPOCH_LOST', async () => {
    await machine.withRoot(redefine);
    await expect(
      machine.withRoot((root) => settleEpoch(root, container.state, async () => undefined)),
    ).rejects.toMatchObject({
      code: 'ERR_EPOCH_LOST',
    });
  });

  it('cannot be written by the owner, its password, an empty policy or the bump statement', async () => {
    const codes = await machine.withRoot(async (root) => {
      await redefine(root);
      const fresh = nvIndex(await nvReadPublic(root.tpm, container.state.counterIndex));
      await using policy = await policySession(root);
      const byOwner = await refusal(nvIncrement(root.tpm, fresh, emptyAuth, OWNER));
      const byPassword = await refusal(nvIncrement(root.tpm, fresh, emptyAuth));
      const byEmptyPolicy = await refusal(nvIncrement(root.tpm, fresh, sessionAuth(policy)));
      const { n } = policyOf(container.state);
      await using bump = await policySession(root);
      const operand = epochOperand(n);
      const byBump = await refusal(policyNv(root.tpm, bump, fresh, emptyAuth, operand, TPM_EO.UNSIGNED_LT));
      return [byOwner, byPassword, byEmptyPolicy, byBump];
    });
    expect(codes).toEqual(['NV_Increment 0x149', 'NV_Increment 0x12F', 'NV_Increment 0x99D', 'PolicyNV 0x14A']);
  });

  it('written with a first-write approval that was seen before starts above the old value: ERR_EPOCH_AHEAD, 0x126', async () => {
    const approval = await firstWriteApproval(container.state);
    const before = await machine.withRoot((root) => readCounter(root, counterOf(container.state)));
    const after = await machine.withRoot(async (root) => {
      await redefine(root);
      await firstWrite(root, counterOf(container.state), approval);
      return await readCounter(root, counterOf(container.state));
    });
    expect(after).toBeGreaterThan(before);
    expect(await open()).toBe('PolicyNV 0x126');
    await expect(
      machine.withRoot((root) => settleEpoch(root, container.state, async () => undefined)),
    ).rejects.toMatchObject({
      code: 'ERR_EPOCH_AHEAD',
    });
  });

  it('is followed by a recovery: the sheet opens the old key and records, a new container stands on a new counter', async () => {
    using rightful = await machine.open(container.state, factors());
    await machine.withRoot(redefine);
    expect(await open()).toBe('PolicyNV 0x14A');
    using recovered = openRecovery(container.sheet, container.state);
    expect(recovered.containerKey.equals(rightful)).toBe(true);
    const records = openRecords(recovered.containerKey, container.state.containerId, container.state.records);
    const containerId = newContainerId(systemEntropy);
    const group = newGroupSecret(systemEntropy);
    const sheet = newRecoverySecret(systemEntropy);
    const state = await machine.withRoot(async (root) => {
      using pin = Secret.take(utf8('975310'));
      using key = groupAuthValue(group, containerId);
      const blob = await createFactor(root, 'securityKey', key, systemEntropy);
      const made: ContainerState['factors'] = {
        pin: machine.pinState(await createFactor(root, 'pin', pin, systemEntropy)),
        securityKey: { blob, generation: 1, credentials: [] },
      };
      const draft = { ...container.state, containerId, factors: made };
      const prepared = await prepareContainer(
        {
          root,
          clock: systemClock,
          entropy: systemEntropy,
          machine: machine.machine,
          uid: container.state.uid,
          containerId,
          factors: made,
          proofs: machine.proofs(draft, { pin: '975310', group }),
          policy: { version: 1, document: '{}', branches: [['pin', 'securityKey']] },
          records: {
            ...records,
            earlierKeys: [{ containerId: container.state.containerId, key: recovered.containerKey.expose() }],
          },
          sheet,
          writeIntent: (intent) => machine.store.writeIntent(container.state.uid, 'intent', intent),
        },
        machine.unsealer(root),
      );
      await machine.store.writeContainer(prepared.state);
      await prepared.finish(root);
      await undefineCounter(root.tpm, counterOf(container.state));
      return prepared.state;
    });
    using opened = await machine.open(state, { pin: '975310', group });
    expect(opened.equals(rightful)).toBe(false);
    const kept = openRecords(opened, containerId, state.records);
    expect(kept.earlierKeys.map(({ key }) => Secret.copyOf(key).equals(rightful))).toEqual([true]);
    expect(() => openRecovery(container.sheet, state)).toThrow(expect.objectContaining({ code: 'ERR_RECOVERY_WRONG' }));
  });
});

describe('another index in the place of the counter', () => {
  it("with the thief's own password and value: PolicyAuthorize refuses with 0x1C4, the product says ERR_EPOCH_LOST", async () => {
    const code = await machine.withRoot(async (root) => {
      const counter = counterOf(container.state);
      await undefineCounter(root.tpm, counter);
      const attributes = TPMA_NV.TYPE_COUNTER | TPMA_NV.AUTHREAD | TPMA_NV.AUTHWRITE | TPMA_NV.NO_DA;
      const own = { ...counterPublic(counter.index, new Uint8Array(0), false), attributes };
      await nvDefineSpace(root.tpm, own);
      await nvIncrement(root.tpm, nvIndex(own), emptyAuth);
      const written = nvIndex(await nvReadPublic(root.tpm, counter.index));
      const { n } = policyOf(container.state);
      const proofs = machine.proofs(container.state, factors());
      await using policy = await policySession(root);
      for (const factor of ['pin', 'securityKey'] as const) {
        const proof = proofs.get(factor);
        if (proof?.check === 'secret') await proveSecret(root, policy, proof.blob, proof.authValue);
      }
      // The counter of the thief continues above the deleted one, so he compares the other way round.
      await policyNv(root.tpm, policy, written, emptyAuth, epochOperand(n), TPM_EO.UNSIGNED_GE);
      const plan = planOf(container.state);
      const { digest } = plan.compiled;
      const { authority, policyRef, signature } = plan;
      return await refusal(authorizePolicy(root.tpm, policy, authority, { digest, policyRef, signature }));
    });
    expect(code).toBe('PolicyAuthorize 0x1C4');
    await expect(
      machine.withRoot((root) => settleEpoch(root, container.state, async () => undefined)),
    ).rejects.toMatchObject({
      code: 'ERR_EPOCH_LOST',
    });
  });

  it('no index at all: ERR_EPOCH_LOST', async () => {
    await machine.withRoot(async (root) => {
      await nvUndefineSpace(root.tpm, writtenCounter(counterOf(container.state)));
      await expect(settleEpoch(root, container.state, async () => undefined)).rejects.toMatchObject({
        code: 'ERR_EPOCH_LOST',
      });
    });
  });
});

describe('incrementing the counter', () => {
  const withBump = async (root: RootSession, n: number, use: (policy: Session) => Promise<void>) => {
    const counter = counterOf(container.state);
    const index = writtenCounter(counter);
    await using policy = await policySession(root);
    await policyNv(root.tpm, policy, index, emptyAuth, epochOperand(n), TPM_EO.UNSIGNED_LT);
    await authorizePolicy(root.tpm, policy, counter.authority, {
      digest: bumpDigest(index.name, n),
      policyRef: epochReference(counter.containerId),
      signature: toSignature(policyOf(container.state).bump),
    });
    await use(policy);
  };

  it('by its (empty) password 0x12F, by the owner 0x149, by an empty policy 0x99D', async () => {
    const codes = await machine.withRoot(async (root) => {
      const index = writtenCounter(counterOf(container.state));
      await using policy = await policySession(root);
      return [
        await refusal(nvIncrement(root.tpm, index, emptyAuth)),
        await refusal(nvIncrement(root.tpm, index, passwordAuth(utf8('guess')))),
        await refusal(nvIncrement(root.tpm, index, emptyAuth, OWNER)),
        await refusal(nvIncrement(root.tpm, index, sessionAuth(policy))),
      ];
    });
    expect(codes).toEqual(['NV_Increment 0x12F', 'NV_Increment 0x12F', 'NV_Increment 0x149', 'NV_Increment 0x99D']);
    expect(await open()).toBe('done');
  });

  it('beyond the signed number: 0x126, and a statement for a greater one is not signed: 0x2DB', async () => {
    const { n } = policyOf(container.state);
    const codes = await machine.withRoot(async (root) => {
      const index = writtenCounter(counterOf(container.state));
      const increment = (policy: Session) => nvIncrement(root.tpm, index, sessionAuth(policy));
      return [await refusal(withBump(root, n, increment)), await refusal(withBump(root, n + 1, increment))];
    });
    expect(codes).toEqual(['PolicyNV 0x126', 'VerifySignature 0x2DB']);
    expect(await open()).toBe('done');
  });

  it('up to the signed number works without any factor, and no further', async () => {
    const committed = await machine.crashBeforeBump(container.state, factors(), '135792');
    const { n } = policyOf(committed);
    expect(n).toBe(policyOf(container.state).n + 1);
    expect(await machine.withRoot((root) => settleEpoch(root, committed, async () => undefined))).toBe(true);
    expect(await machine.withRoot((root) => settleEpoch(root, committed, async () => undefined))).toBe(false);
    expect(await machine.withRoot((root) => readCounter(root, counterOf(committed)))).toBe(n);
    expect(await refusal(machine.open(committed, { ...factors(), pin: '135792' }))).toBe('done');
  });

  it('the approval of the first write, replayed on the written counter: 0x99D', async () => {
    const signature = await firstWriteApproval(container.state);
    const code = await machine.withRoot(async (root) => {
      const counter = counterOf(container.state);
      await using policy = await policySession(root);
      await policyNvWritten(root.tpm, policy, false);
      const policyRef = epochReference(counter.containerId);
      await authorizePolicy(root.tpm, policy, counter.authority, { digest: firstWriteDigest(), policyRef, signature });
      return await refusal(nvIncrement(root.tpm, writtenCounter(counter), sessionAuth(policy)));
    });
    expect(code).toBe('NV_Increment 0x99D');
    expect(await open()).toBe('done');
  });

  it("the approval of the first write does not open the container: its reference is the counter's, 0x1C4", async () => {
    const signature = await firstWriteApproval(container.state);
    const code = await machine.withRoot(async (root) => {
      const plan = planOf(container.state);
      await using policy = await policySession(root);
      await policyNvWritten(root.tpm, policy, false);
      const { policyRef, authority } = plan;
      const approved = { digest: firstWriteDigest(), policyRef, signature };
      const asPolicy = await refusal(authorizePolicy(root.tpm, policy, authority, approved));
      const epoch = epochReference(container.state.containerId);
      await authorizePolicy(root.tpm, policy, authority, { ...approved, policyRef: epoch });
      return [asPolicy, await refusal(unsealBy(root, policy, container.state.sealedKey))];
    });
    expect(code).toEqual(['VerifySignature 0x2DB', 'Unseal 0x99D']);
  });
});
