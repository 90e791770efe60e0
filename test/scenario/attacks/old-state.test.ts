/**
 * Old files: copies from before a PIN change, the leavings of one that was aborted, a session that was satisfied before
 * the counter moved, and policies that could never be revoked because they do not end in PolicyNV.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authorizePolicy } from '../../../agent/container/approval.ts';
import { LocalAuthority } from '../../../agent/container/authority/local-authority.ts';
import { statementOf } from '../../../agent/container/change.ts';
import { readCounter } from '../../../agent/container/counter.ts';
import { settleEpoch } from '../../../agent/container/epoch.ts';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { satisfyPolicy } from '../../../agent/container/pass.ts';
import { changePlanOf, counterOf, planOf, policyOf } from '../../../agent/container/plan.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import {
  authorizationHash,
  emptyPolicy,
  load,
  policySecretDigest,
  type Signature,
  sessionAuth,
  sign,
} from '../../../drivers/tpm2/index.ts';
import { type TestContainer, TestMachine } from '../../support/container/fixture.ts';
import { closePolicy, policySession, proveSecret, refusal, unsealBy } from '../../support/container/thief.ts';

let machine: TestMachine;
let container: TestContainer;
beforeEach(async () => {
  machine = await TestMachine.start();
  container = await machine.enrol(1000);
});
afterEach(() => machine.close());

const factors = (pin: string) => ({ pin, group: container.group });
const open = (state: ContainerState, pin: string) => refusal(machine.open(state, factors(pin)));

describe('after a PIN change', () => {
  it('old files with the old PIN are refused with 0x126, before the PIN they opened', async () => {
    expect(await open(container.state, '246813')).toBe('done');
    const changed = await machine.changePin(container.state, factors('246813'), '135792');
    expect(await open(container.state, '246813')).toBe('PolicyNV 0x126');
    expect(await open(changed, '135792')).toBe('done');
  });

  it("the old PIN's object with the new policy: nobody signed that, 0x1C4", async () => {
    const changed = await machine.changePin(container.state, factors('246813'), '135792');
    const code = await machine.withRoot(async (root) => {
      const proofs = machine.proofs(container.state, factors('246813'));
      await using policy = await policySession(root);
      for (const factor of ['pin', 'securityKey'] as const) {
        const proof = proofs.get(factor);
        if (proof?.check === 'secret') await proveSecret(root, policy, proof.blob, proof.authValue);
      }
      return await refusal(closePolicy(root, policy, planOf(changed)));
    });
    expect(code).toBe('PolicyAuthorize 0x1C4');
  });

  it('the old files are told as old before a PIN is sent: ERR_EPOCH_AHEAD', async () => {
    await machine.changePin(container.state, factors('246813'), '135792');
    await expect(
      machine.withRoot((root) => settleEpoch(root, container.state, async () => undefined)),
    ).rejects.toMatchObject({
      code: 'ERR_EPOCH_AHEAD',
    });
  });
});

describe('a PIN change that crashed', () => {
  it('before the commit: the old PIN goes on, and what was in memory opens nothing after the next change, 0x126', async () => {
    const { onDisk, orphan } = await machine.crashBeforeCommit(container.state, factors('246813'), '111222');
    expect(onDisk.highestSigned).toBe(policyOf(orphan).n);
    expect(await open(onDisk, '246813')).toBe('done');
    const next = await machine.changePin(onDisk, factors('246813'), '222333');
    expect(policyOf(next).n).toBeGreaterThan(policyOf(orphan).n);
    expect(await open(orphan, '111222')).toBe('PolicyNV 0x126');
    expect(await open(container.state, '246813')).toBe('PolicyNV 0x126');
    expect(await open(next, '222333')).toBe('done');
  });

  it('after the commit: the new PIN opens, old copies until start-up has moved the counter, then 0x126', async () => {
    const committed = await machine.crashBeforeBump(container.state, factors('246813'), '111222');
    expect(await open(committed, '111222')).toBe('done');
    expect(await open(container.state, '246813')).toBe('done');
    expect(await machine.withRoot((root) => settleEpoch(root, committed, async () => undefined))).toBe(true);
    expect(await open(container.state, '246813')).toBe('PolicyNV 0x126');
    expect(await open(committed, '111222')).toBe('done');
  });
});

describe('a session that was satisfied before the change', () => {
  it('still releases after it, until it is flushed or the TPM restarts: as documented, that person could before', async () => {
    await machine.withRoot(async (root) => {
      const plan = planOf(container.state);
      const { sealedKey } = container.state;
      const proofs = machine.proofs(container.state, factors('246813'));
      await using kept = await satisfyPolicy(root, plan, ['pin', 'securityKey'], proofs, nameOfBlob(sealedKey));
      const before = await readCounter(root, plan.counter);
      await machine.changePinUnder(root, container.state, factors('246813'), '135792');
      expect(await readCounter(root, plan.counter)).toBe(before + 1);
      expect(await refusal(unsealBy(root, kept, sealedKey))).toBe('done');
    });
    expect(await open(container.state, '246813')).toBe('PolicyNV 0x126');
  });
});

describe('a policy without PolicyNV', () => {
  it('is refused by the authority: ERR_AUTHORITY_REFUSED, field closing', async () => {
    await machine.withRoot(async (root) => {
      const { key, sealedAuth } = container.state.authority;
      if (key === null || sealedAuth === null) throw new Error('not a single box');
      const proofs = machine.proofs(container.state, factors('246813'));
      using value = await machine.unsealer(root)(changePlanOf(container.state), proofs, sealedAuth);
      const authority = new LocalAuthority(root, key, nameOfBlob(key), value);
      const { state } = container;
      const counter = await readCounter(root, counterOf(state));
      const good = statementOf(state, { factors: state.factors, policy: policyOf(state) }, counter, counter + 1);
      await expect(authority.approve({ ...good, closing: null })).rejects.toMatchObject({
        code: 'ERR_AUTHORITY_REFUSED',
        detail: { field: 'closing' },
      });
      expect(Object.keys(await authority.approve(good))).toEqual(['policy', 'bump']);
    });
  });

  it('signed past the authority by its raw key opens for ever, three changes later: that is why it refuses', async () => {
    const { state } = container;
    const { pin, securityKey } = state.factors;
    if (pin === null || securityKey === null) throw new Error('no factors');
    const digest = [pin, securityKey].reduce<Uint8Array>(
      (soFar, { blob }) => policySecretDigest(soFar, nameOfBlob(blob)),
      emptyPolicy(),
    );
    const { policyRef, authority } = planOf(state);
    const signature = await machine.withRoot(async (root): Promise<Signature> => {
      const { key, sealedAuth } = state.authority;
      if (key === null || sealedAuth === null) throw new Error('not a single box');
      const proofs = machine.proofs(state, factors('246813'));
      using value = await machine.unsealer(root)(changePlanOf(state), proofs, sealedAuth);
      await using loaded = await load(root.tpm, root.srk, key, { auth: sessionAuth(root.session) });
      return await sign(root.tpm, loaded, authorizationHash(digest, policyRef), sessionAuth(root.session, value));
    });
    let now = await machine.changePin(state, factors('246813'), '111222');
    now = await machine.changePin(now, factors('111222'), '222333');
    now = await machine.changePin(now, factors('222333'), '333444');
    expect(await open(state, '246813')).toBe('PolicyNV 0x126');
    const code = await machine.withRoot(async (root) => {
      const proofs = machine.proofs(state, factors('246813'));
      await using policy = await policySession(root);
      for (const factor of ['pin', 'securityKey'] as const) {
        const proof = proofs.get(factor);
        if (proof?.check === 'secret') await proveSecret(root, policy, proof.blob, proof.authValue);
      }
      await authorizePolicy(root.tpm, policy, authority, { digest, policyRef, signature });
      return await refusal(unsealBy(root, policy, now.sealedKey));
    });
    expect(code).toBe('done');
  });
});
