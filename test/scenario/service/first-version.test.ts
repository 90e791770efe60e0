/**
 * A container as version 1 of its file left it: the authority's authValue under the policy of `unlock`, no signers, no
 * contexts, and a sheet that holds no keys of contexts. It goes on, and gets what it lacks at its next change.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeState, encodeState } from '../../../agent/container/envelope.ts';
import { createSealed } from '../../../agent/container/objects.ts';
import { changePlanOf, counterOf, planOf } from '../../../agent/container/plan.ts';
import { policyReference } from '../../../agent/container/references.ts';
import { CONTAINER_STATE, type ContainerState } from '../../../agent/container/state.ts';
import { checkedDocument, formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { openDoor } from '../../../agent/release/release.ts';
import { CeremonyRun } from '../../../agent/service/ceremony-run.ts';
import { collectFactors } from '../../../agent/service/collect.ts';
import { policyInForce, requireMachine } from '../../../agent/service/context.ts';
import { withOpenContainer } from '../../../agent/service/open-container.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { CborValue } from '../../../drivers/fido2/wire/cbor.ts';
import { policyAuthorizeDigest } from '../../../drivers/tpm2/index.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { officeNetwork, RULES } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const pair = (second: readonly string[]) => ({ require: { all: ['pin', { any: second }] } });

const world = new SimulatedSurroundings(systemClock);
let agent: TestAgent;
let path: string;

/** The authority's authValue under `unlock`, as version 1 sealed it: by the pass that a change makes. */
async function resealed(state: ContainerState): Promise<ContainerState> {
  const { parts } = agent;
  const machine = await requireMachine(parts);
  const run = new CeremonyRun({ id: 'test', kind: 'unlock', uid: UID });
  const collecting = collectFactors(parts, machine, state, policyInForce(state), run);
  for await (const event of run.events({ signal: new AbortController().signal })) {
    if (event.type === 'prompt') run.supply('pin', Secret.take(utf8(PIN)));
    if (event.type === 'touch') break;
  }
  using collected = await collecting;
  const sealedAuth = await withOpenContainer(parts, machine, state, collected, run.signal, async ({ root }) => {
    const old = state.authority.sealedAuth;
    if (old === null) throw new Error('not a single box');
    using door = openDoor(collected.mint(undefined, 'change'), parts.clock);
    const { proofs } = collected;
    using authValue = await door.release({ root, plan: changePlanOf(state), proofs, sealed: old });
    const { authorityName } = counterOf(state);
    const authPolicy = policyAuthorizeDigest(authorityName, policyReference(state.containerId, 'unlock'));
    return await createSealed(root, authPolicy, authValue);
  });
  return { ...state, authority: { ...state.authority, sealedAuth, change: null } };
}

/** The file of version 1: what that version knew, in its envelope. */
function asVersion1(state: ContainerState): Uint8Array {
  const body = CONTAINER_STATE.shape.encode(state);
  if (!(body instanceof Map)) throw new Error('no map');
  const without = (name: string, field: string): [string, CborValue] => {
    const found = body.get(name);
    return [name, found instanceof Map ? new Map([...found].filter(([key]) => key !== field)) : null];
  };
  const old = new Map([...body, without('authority', 'change'), without('recovery', 'publicKey')]);
  old.delete('signers');
  old.delete('contexts');
  old.delete('biometrics');
  const shape = { encode: (value: CborValue) => value, decode: (value: CborValue | undefined) => value ?? null };
  return encodeState({ kind: 'container', version: 1, shape }, old as CborValue);
}

const onDisk = async (): Promise<ContainerState> => decodeState(CONTAINER_STATE, new Uint8Array(await readFile(path)));

beforeAll(async () => {
  world.set({ kind: 'ipConfig', observation: officeNetwork() });
  agent = await TestAgent.start({ drivers: world.drivers, simulated: true });
  for (let i = 0; i < 200 && agent.sensors.ledger.all().size < 3; i++) await systemClock.sleep(milliseconds(10), {});
  await agent.setUpAndEnrol(UID, PIN);
  path = join(agent.folder, 'containers', `${UID}.state`);
  await writeFile(path, asVersion1(await resealed(await onDisk())));
});
afterAll(() => agent?.close());

describe('a container of version 1', () => {
  it('opens as it is, and is not written for that', async () => {
    const before = await readFile(path, 'hex');
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).toMatchObject({ strength: 'bound-2' });
    expect(await readFile(path, 'hex')).toBe(before);
    expect(await onDisk()).toMatchObject({ signers: [], contexts: [], authority: { change: null } });
  });

  it('changes its PIN by the policy of unlock, as it always did', async () => {
    expect((await agent.run(UID, { kind: 'pin-change' }, { pin: PIN, 'new-pin': '975310' })).failed).toBeNull();
    expect((await agent.run(UID, { kind: 'pin-change' }, { pin: '975310', 'new-pin': PIN })).failed).toBeNull();
    expect((await onDisk()).authority.change).toBeNull();
  });

  it('gets signers and contexts at once, and its authority is under all contexts from then on', async () => {
    const contexts = { unlock: pair(['securityKey', 'network']), wallet: pair(['securityKey']) };
    await agent.service.setPolicy(peer(0), formatDocument(checkedDocument({ version: 2, contexts, rules: RULES })));
    const outcome = await agent.run(UID, { ...UNLOCK, context: 'wallet' }, { pin: PIN });
    expect(outcome.done).toMatchObject({ unlocked: true, policyInForce: 2 });
    const state = await onDisk();
    expect(state.signers).toMatchObject([{ kind: 'network' }]);
    expect(state.contexts).toMatchObject([{ context: 'wallet', recovery: null }]);
    expect(state.authority.change?.branches).toEqual([['pin', 'securityKey']]);
    expect(changePlanOf(state).policyRef).not.toEqual(planOf(state).policyRef);
    expect((await agent.run(UID, { kind: 'pin-change' }, { pin: PIN, 'new-pin': '975310' })).failed).toBeNull();
    expect((await agent.run(UID, UNLOCK, { pin: '975310' })).done).toMatchObject({ strength: 'bound-1' });
  });
});
