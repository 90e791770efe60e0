import { describe, expect, it } from 'vitest';
import { groupAuthValue, unwrapGroupSecret } from '../../../agent/container/key-group.ts';
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { type FactorProof, satisfyPolicy } from '../../../agent/container/pass.ts';
import { changePlanOf } from '../../../agent/container/plan.ts';
import { openRecords } from '../../../agent/container/records.ts';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { DEFAULT_DOCUMENT } from '../../../agent/policy/model.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const never = new AbortController().signal;
const withHistory = formatDocument({ ...DEFAULT_DOCUMENT, pin: { ...DEFAULT_DOCUMENT.pin, history: 3 } });

/** Agent with a PIN history of 3, and the container key as a thief reads it from the memory of an unlocked daemon. */
async function unlockedWithHistory(): Promise<{ agent: TestAgent; stolen: Secret }> {
  const agent = await TestAgent.start();
  await agent.run(0, { kind: 'setup' });
  await agent.service.setPolicy(peer(0), withHistory);
  await agent.setUpAndEnrol(UID);
  await agent.run(UID, { kind: 'pin-change' }, { pin: '246813', 'new-pin': '975310' });
  const stolen: Secret[] = [];
  const add = agent.parts.unlocked.add.bind(agent.parts.unlocked);
  agent.parts.unlocked.add = (uid, id, key, span) => {
    stolen.push(key.clone());
    add(uid, id, key, span);
  };
  await agent.run(UID, UNLOCK, { pin: '975310' });
  const [key] = stolen;
  if (key === undefined) throw new Error('not unlocked');
  return { agent, stolen: key };
}

describe('who reads the container key from an unlocked daemon', () => {
  it('has every record and still not what the TPM takes for the PIN, so the authority stays closed', async () => {
    const { agent, stolen } = await unlockedWithHistory();
    await using _agent = agent;
    const state = await agent.parts.store.readContainer(UID);
    const machine = await agent.parts.store.readMachine();
    const { pin, securityKey } = state?.factors ?? {};
    const sealedAuth = state?.authority.sealedAuth;
    if (!state || !machine || !pin || !securityKey || !sealedAuth) throw new Error('not enrolled');
    const records = openRecords(stolen, state.containerId, state.records);
    expect(records.pinHistory).toHaveLength(1);
    const [credential] = securityKey.credentials;
    const [wrap] = records.wrapKeys;
    if (credential === undefined || wrap === undefined) throw new Error('no key');
    const context = { containerId: state.containerId, credentialId: credential.credentialId, generation: 1 };
    const group = unwrapGroupSecret(Secret.copyOf(wrap.key), credential.wrap, context);
    if (group === null) throw new Error('the group secret is known to who has the records');

    for (const candidate of records.pinHistory) {
      const proofs = new Map<FactorKind, FactorProof>([
        ['pin', { check: 'secret', blob: pin.blob, authValue: Secret.copyOf(candidate.value) }],
        [
          'securityKey',
          { check: 'secret', blob: securityKey.blob, authValue: groupAuthValue(group, state.containerId) },
        ],
      ]);
      const attempt = agent.parts.tpm.withRoot(never, machine, async (root) => {
        await using _policy = await satisfyPolicy(
          root,
          changePlanOf(state),
          ['pin', 'securityKey'],
          proofs,
          nameOfBlob(sealedAuth),
        );
      });
      await expect(attempt).rejects.toMatchObject({ rc: 0x98e });
    }
  });

  it('cannot take the PIN in force again as a new one, nor an earlier one', async () => {
    const { agent } = await unlockedWithHistory();
    await using _agent = agent;
    for (const reused of ['975310', '246813']) {
      const outcome = await agent.run(UID, { kind: 'pin-change' }, { pin: '975310', 'new-pin': reused });
      expect(outcome.failed?.refusal.code, reused).toBe('ERR_PIN_REUSED');
    }
    const fresh = await agent.run(UID, { kind: 'pin-change' }, { pin: '975310', 'new-pin': '802461' });
    expect(fresh.done).toMatchObject({ changed: true });
  });
});
