/**
 * `key add` and `key revoke`: another set of security keys for a container. The group secret, its TPM object and the
 * policy over it are new ones each time, and the keys that stay are wrapped for anew without being plugged in, so a lost
 * key opens nothing any more, also with the files from before.
 */
import { bytesEqual } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import type { Draft } from '../../container/change.ts';
import type { FactorProof } from '../../container/pass.ts';
import { policyOf } from '../../container/plan.ts';
import { openRecords, type Records, sealRecords, wipeRecords } from '../../container/records.ts';
import { corrupt } from '../../container/shape.ts';
import type { ContainerState, MachineState, SecurityKeyCredential } from '../../container/state.ts';
import { enforcedSets } from '../../policy/branches.ts';
import type { UnlockPolicy } from '../../policy/model.ts';
import { factorsIn } from '../../policy/requirement.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import { type Collected, collectFactors } from '../collect.ts';
import {
  changePolicyOf,
  enrolledFactors,
  policyInForce,
  provableBranches,
  requireContainer,
  requireMachine,
  requireOwnAuthority,
} from '../context.ts';
import { credentialsOf, idOf } from '../enrolled-keys.ts';
import { createKeyGroup, enrolKey, type NewKey, type NewKeyGroup, newKeyGroup } from '../new-key.ts';
import { changeOpenContainer, type OpenContainer, withOpenContainer } from '../open-container.ts';
import type { ServiceParts } from '../parts.ts';

/** More wraps do not fit into the state file. */
const MAX_KEYS = 16;

/** The keys that are to be there: those of before that stay, by what the records wrap for them with, and a new one. */
function groupOf(
  parts: ServiceParts,
  state: ContainerState,
  records: Records,
  staying: readonly SecurityKeyCredential[],
  added: NewKey | null,
): NewKeyGroup | null {
  const members = staying.map((credential) => {
    const kept = records.wrapKeys.find(({ credentialId }) => bytesEqual(credentialId, credential.credentialId));
    if (kept === undefined) throw corrupt('container.records', `there is nothing to wrap for ${credential.label} with`);
    return { credential, wrapKey: Secret.copyOf(kept.key) };
  });
  if (added !== null)
    members.push({ credential: { ...added.credential, wrap: new Uint8Array(0) }, wrapKey: added.wrapKey.clone() });
  if (members.length === 0) return null;
  return newKeyGroup(parts, state.containerId, (state.factors.securityKey?.generation ?? 0) + 1, members);
}

interface KeyChange {
  readonly staying: readonly SecurityKeyCredential[];
  readonly added: NewKey | null;
}

/** The container with another group of keys. */
async function draftWith(
  parts: ServiceParts,
  open: OpenContainer,
  state: ContainerState,
  collected: Collected,
  records: Records,
  group: NewKeyGroup | null,
  branches: Draft['policy']['branches'],
): Promise<Draft> {
  const securityKey = group === null ? null : await createKeyGroup(parts, open.root, group);
  const proofs = new Map<FactorKind, FactorProof>(collected.proofs);
  proofs.delete('securityKey');
  if (group !== null && securityKey !== null) {
    proofs.set('securityKey', { check: 'secret', blob: securityKey.blob, authValue: group.authValue });
  }
  const next: Records = { ...records, wrapKeys: group?.wrapKeys ?? [] };
  const { version, document } = policyOf(state);
  return {
    factors: { ...state.factors, securityKey },
    policy: { version, document, branches },
    records: sealRecords(open.containerKey, state.containerId, next, parts.entropy),
    proofs,
  };
}

/** @throws {ERR_POLICY_NO_BRANCH} without the keys that go nothing would open it */
function branchesWith(
  machine: MachineState,
  state: ContainerState,
  policy: UnlockPolicy,
  hasKeys: boolean,
): Draft['policy']['branches'] {
  const others = enrolledFactors(state).filter((factor) => factor !== 'securityKey');
  return enforcedSets(provableBranches(policy, hasKeys ? [...others, 'securityKey'] : others, machine));
}

async function changeKeys(
  parts: ServiceParts,
  run: CeremonyRun,
  machine: MachineState,
  state: ContainerState,
  collected: Collected,
  { staying, added }: KeyChange,
): Promise<ContainerState> {
  const hasKeys = staying.length > 0 || added !== null;
  const branches = branchesWith(machine, state, policyInForce(state), hasKeys);
  run.emit({ type: 'progress', step: 'changing the security keys' });
  return await withOpenContainer(parts, machine, state, collected, run.signal, async (open) => {
    const records = openRecords(open.containerKey, state.containerId, state.records);
    try {
      using group = groupOf(parts, state, records, staying, added);
      const draft = () => draftWith(parts, open, state, collected, records, group, branches);
      return await changeOpenContainer(parts, open, state, collected, draft);
    } finally {
      wipeRecords(records);
    }
  });
}

/** @param name what the key is to be called; null: by its model */
export async function keyAddScript(
  parts: ServiceParts,
  run: CeremonyRun,
  name: string | null,
): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, run.uid);
  requireOwnAuthority(state);
  const policy = policyInForce(state);
  const present = credentialsOf(state);
  if (!factorsIn(policy.require).includes('securityKey')) {
    throw new UnlockdError('ERR_KEY_UNUSED', 'the policy in force takes no security key');
  }
  if (present.length >= MAX_KEYS) {
    throw new UnlockdError(
      'ERR_KEY_UNUSED',
      `${MAX_KEYS} security keys are enrolled, which is as many as there can be`,
    );
  }
  using collected = await collectFactors(parts, machine, state, changePolicyOf(state), run);
  const ids = present.map(({ credentialId }) => credentialId);
  using made = await enrolKey(parts, run, state.containerId, policy.securityKey.userVerification, ids);
  const credential = name === null ? made.credential : { ...made.credential, label: name };
  const added: NewKey = { ...made, credential };
  const next = await changeKeys(parts, run, machine, state, collected, { staying: present, added });
  const epoch = policyOf(next).n;
  await parts.audit('key-added', run.uid, { key: idOf(credential), label: credential.label, epoch });
  return { added: true, id: idOf(credential), label: credential.label, keys: credentialsOf(next).length, epoch };
}

/** @param id as {@link enrolledKeys} shows it */
export async function keyRevokeScript(
  parts: ServiceParts,
  run: CeremonyRun,
  id: string,
): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, run.uid);
  requireOwnAuthority(state);
  const present = credentialsOf(state);
  const gone = present.find((credential) => idOf(credential) === id);
  if (gone === undefined)
    throw new UnlockdError('ERR_KEY_UNKNOWN', `no security key of this container is called ${id}`);
  const staying = present.filter((credential) => credential !== gone);
  // Before anybody types or touches anything for nothing.
  branchesWith(machine, state, policyInForce(state), staying.length > 0);
  using collected = await collectFactors(parts, machine, state, changePolicyOf(state), run);
  const next = await changeKeys(parts, run, machine, state, collected, { staying, added: null });
  const epoch = policyOf(next).n;
  await parts.audit('key-revoked', run.uid, { key: id, label: gone.label, epoch });
  return { revoked: true, id, label: gone.label, keys: credentialsOf(next).length, epoch };
}
