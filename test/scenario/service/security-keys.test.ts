/** More than one security key for a container: any of them opens it, and one that is revoked opens nothing any more. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import type { BiometricHal } from '../../../drivers/hal/biometric.ts';
import { PROFILES } from '../../../hal-mocks/fido2/profile.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { documentOf } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
/** A PIN and a finger, so that a container needs no key. */
const ASSERTED = formatDocument(documentOf(['pin'], ['fingerprint']));
const ADD = { kind: 'key-add', name: 'the spare one' } as const;

/** A reader that always recognises. */
const finger: BiometricHal = {
  name: 'test reader',
  simulated: false,
  readers: async () => [],
  enrolled: async () => ['right-index-finger'],
  verify: async () => ({ is: 'match', template: null }),
  [Symbol.asyncDispose]: async () => undefined,
};

let agent: TestAgent;
let spare: VirtualAuthenticator;
beforeEach(async () => {
  agent = await TestAgent.start({ biometric: finger });
  spare = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy, profile: PROFILES['2.1'] });
  spare.presence.onWait(() => setImmediate(() => spare.touch()));
  spare.remove();
  agent.hid.attach(spare);
  await agent.setUpAndEnrol(UID, PIN);
});
afterEach(() => agent.close());

const state = async () => (await agent.parts.store.readContainer(UID)) ?? expect.fail('not enrolled');
const keys = async () => (await agent.service.status(peer(UID))).own.securityKeys ?? [];

/** Plugs the spare key in beside the other one, and adds it. */
async function addSpare() {
  spare.insert();
  return await agent.run(UID, ADD, { pin: PIN });
}

/** An unlock with these keys plugged in and no other. */
async function unlockWith(...plugged: readonly VirtualAuthenticator[]) {
  for (const each of [agent.key, spare]) if (!plugged.includes(each)) each.remove();
  for (const each of plugged) each.insert();
  return await agent.run(UID, UNLOCK, { pin: PIN });
}

describe('key add', () => {
  it('enrols a second key after a whole unlock; each opens the container alone from then on', async () => {
    const before = await state();
    const added = await addSpare();
    expect(added.failed).toBeNull();
    expect(added.done).toMatchObject({ added: true, label: 'the spare one', keys: 2 });
    const after = await state();
    expect(after.factors.securityKey?.generation).toBe((before.factors.securityKey?.generation ?? 0) + 1);
    expect(after.factors.securityKey?.blob).not.toEqual(before.factors.securityKey?.blob);
    expect((await keys()).map(({ label }) => label)).toEqual(['Virtual Security Key', 'the spare one']);
    const [first, second] = [await unlockWith(agent.key), await unlockWith(spare)];
    expect([first.done, second.done]).toMatchObject([{ strength: 'bound-2' }, { strength: 'bound-2' }]);
  });

  it('passes over the key that is enrolled, which stays dark, and waits for another one', async () => {
    let touches = 0;
    agent.key.presence.onWait(() => touches++);
    const outcome = await agent.run(UID, ADD, { pin: PIN });
    expect(outcome.failed?.refusal.code).toBe('ERR_CTAP_ALREADY_ENROLLED');
    expect(touches).toBe(1);
    const told = outcome.events.flatMap((event) => (event.type === 'insert' ? [event.text] : []));
    expect(told.at(-1)).toContain('is enrolled already');
    expect(await keys()).toHaveLength(1);
  });

  it('with a wrong PIN adds nothing', async () => {
    spare.insert();
    const outcome = await agent.run(UID, ADD, { pin: ['111111', '222222', '333333'] });
    expect(outcome.failed).not.toBeNull();
    expect(await keys()).toHaveLength(1);
  });

  it('under a policy without keys is ERR_KEY_UNUSED, before anybody is asked for anything', async () => {
    await agent.run(UID, { kind: 'unenrol', uid: null });
    await agent.service.setPolicy(peer(0), ASSERTED);
    await agent.setUpAndEnrol(UID, PIN);
    const outcome = await addSpare();
    expect(outcome.failed?.refusal.code).toBe('ERR_KEY_UNUSED');
    expect(outcome.events.some(({ type }) => type === 'prompt')).toBe(false);
  });
});

describe('key revoke', () => {
  const idOfFirst = async () => (await keys())[0]?.id ?? expect.fail('no key');

  it('makes a lost key worthless, also with the files from before; the other one needs not be plugged in', async () => {
    await addSpare();
    const file = join(agent.folder, 'containers', `${UID}.state`);
    const kept = join(agent.folder, 'kept');
    await copyFile(file, kept);
    // The person passes with the spare key: the other one is lost.
    agent.key.remove();
    const revoked = await agent.run(UID, { kind: 'key-revoke', id: await idOfFirst() }, { pin: PIN });
    expect(revoked.done).toMatchObject({ revoked: true, label: 'Virtual Security Key', keys: 1 });
    expect((await unlockWith(spare)).done).toMatchObject({ unlocked: true });
    const lost = await unlockWith(agent.key);
    expect(lost.failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    // Who finds the key and has kept the disk of before: the TPM refuses the policy of then.
    await writeFile(file, await readFile(kept));
    const old = await unlockWith(agent.key);
    expect(old.failed?.refusal.code).not.toBeUndefined();
    expect(old.done).toBeNull();
  });

  it('keeps the key that stays when it was not plugged in', async () => {
    await addSpare();
    const [, second] = await keys();
    spare.remove();
    const revoked = await agent.run(UID, { kind: 'key-revoke', id: await idOfFirst() }, { pin: PIN });
    expect(revoked.done).toMatchObject({ keys: 1 });
    expect(await keys()).toEqual([second]);
    expect((await unlockWith(spare)).done).toMatchObject({ unlocked: true });
  });

  it('of the last key is refused where nothing else opens the container, before a PIN is asked for', async () => {
    const outcome = await agent.run(UID, { kind: 'key-revoke', id: await idOfFirst() }, { pin: PIN });
    expect(outcome.failed?.refusal.code).toBe('ERR_POLICY_NO_BRANCH');
    expect(outcome.events.some(({ type }) => type === 'prompt')).toBe(false);
    expect(await keys()).toHaveLength(1);
  });

  it('of a key that is not there is ERR_KEY_UNKNOWN', async () => {
    const outcome = await agent.run(UID, { kind: 'key-revoke', id: '00000000' }, { pin: PIN });
    expect(outcome.failed?.refusal.code).toBe('ERR_KEY_UNKNOWN');
  });
});

it('a PIN change keeps every key', async () => {
  await addSpare();
  const changed = await agent.run(UID, { kind: 'pin-change' }, { pin: PIN, 'new-pin': '975310' });
  expect(changed.done).toMatchObject({ changed: true });
  agent.key.remove();
  expect((await agent.run(UID, UNLOCK, { pin: '975310' })).done).toMatchObject({ unlocked: true });
});
