/** Fingers and faces: what the reader says counts for whom it was put into the container, and opens with a second factor. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CeremonyRequest } from '../../../agent/api/ports.ts';
import { policyOf } from '../../../agent/container/plan.ts';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import type { BiometricHal, VerifyOptions, VerifyOutcome } from '../../../drivers/hal/biometric.ts';
import { documentOf } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const POLICY = formatDocument(documentOf(['pin'], ['securityKey', 'fingerprint']));
const ADD = { kind: 'biometric-add', modality: 'fingerprint' } as const satisfies CeremonyRequest;
const REMOVE = { kind: 'biometric-remove', modality: 'fingerprint' } as const satisfies CeremonyRequest;

/** A reader that says what the test says, one outcome after the other. */
class Reader implements BiometricHal {
  readonly name = 'test reader';
  simulated = false;
  known = ['right-index-finger'];
  readonly asked: string[] = [];
  says: VerifyOutcome[] = [];
  retries = 0;

  async readers() {
    return [{ name: 'test reader', modality: 'fingerprint', manner: 'press' } as const];
  }
  async enrolled(user: string, modality: string) {
    return user === `user-${UID}` && modality === 'fingerprint' ? this.known : [];
  }
  async verify({ user, modality, onRetry, signal }: VerifyOptions): Promise<VerifyOutcome> {
    signal.throwIfAborted();
    this.asked.push(`${modality} of ${user}`);
    for (let i = 0; i < this.retries; i++) onRetry?.('too-short');
    return this.says.shift() ?? { is: 'match', template: 'right-index-finger' };
  }
  async close() {}
  async [Symbol.asyncDispose]() {}
}

let reader: Reader;
let agent: TestAgent;
beforeEach(async () => {
  reader = new Reader();
  agent = await TestAgent.start({ biometric: reader });
  await agent.setUpAndEnrol(UID, PIN);
  await agent.service.setPolicy(peer(0), POLICY);
});
afterEach(() => agent.close());

const unlock = (touch: boolean) => {
  agent.touch = touch;
  return agent.run(UID, UNLOCK, { pin: PIN });
};
const codeOf = async (request: CeremonyRequest) => (await agent.run(UID, request, { pin: PIN })).failed?.refusal.code;
const state = async () => (await agent.parts.store.readContainer(UID)) ?? expect.fail('not enrolled');

describe('a finger that was not put into the container', () => {
  it('is not asked for, whatever the reader would say: PIN and key are what is sealed', async () => {
    expect((await unlock(true)).done).toMatchObject({ unlocked: true, policyInForce: 2 });
    expect(policyOf(await state()).branches).toEqual([['pin', 'securityKey']]);
    const without = await unlock(false);
    expect(without.failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    expect(reader.asked).toEqual([]);
  });
});

describe('biometric add', () => {
  beforeEach(async () => {
    await unlock(true);
  });

  it('asks for the finger, then for a whole unlock, and seals the branch: PIN and finger open from then on', async () => {
    agent.touch = true;
    const added = await agent.run(UID, ADD, { pin: PIN });
    expect(added.done).toMatchObject({ added: true, modality: 'fingerprint' });
    const { biometrics, signers } = await state();
    expect([biometrics, signers.map(({ kind }) => kind)]).toEqual([['fingerprint'], ['fingerprint']]);
    const opened = await unlock(false);
    expect(opened.done).toMatchObject({ unlocked: true, strength: 'bound-1' });
    expect(opened.events).toContainEqual(expect.objectContaining({ type: 'biometric', again: null }));
  });

  it('is refused when the reader does not recognise it, before a PIN is asked for', async () => {
    reader.says = [{ is: 'no-match' }];
    const outcome = await agent.run(UID, ADD, { pin: PIN });
    expect(outcome.failed?.refusal.code).toBe('ERR_BIOMETRIC_NOT_VERIFIED');
    expect(outcome.events.some(({ type }) => type === 'prompt')).toBe(false);
    expect((await state()).biometrics).toEqual([]);
  });

  it.each([
    ['no-reader', 'there is no reader'],
    ['not-enrolled', 'nothing is enrolled with the reader for this user'],
    ['busy', 'somebody else uses the reader'],
  ] as const)('is refused when the reader is unavailable (%s), with the reason in words', async (reason, words) => {
    reader.says = [{ is: 'unavailable', reason, detail: null }];
    const { failed } = await agent.run(UID, ADD, { pin: PIN });
    expect(failed?.refusal).toMatchObject({ code: 'ERR_BIOMETRIC_UNAVAILABLE', message: `fingerprint: ${words}` });
  });

  it('of a face that the policy does not take, or of a finger that counts already: ERR_BIOMETRIC_UNUSED', async () => {
    expect(await codeOf({ ...ADD, modality: 'face' })).toBe('ERR_BIOMETRIC_UNUSED');
    expect(await codeOf(ADD)).toBeUndefined();
    expect(await codeOf(ADD)).toBe('ERR_BIOMETRIC_UNUSED');
  });
});

describe('a container with a finger', () => {
  beforeEach(async () => {
    await unlock(true);
    await agent.run(UID, ADD, { pin: PIN });
    reader.asked.length = 0;
  });

  it('tells each retry that the reader asks for, in words', async () => {
    reader.retries = 2;
    const { events } = await unlock(false);
    const told = events.flatMap((event) => (event.type === 'biometric' ? [event.again] : []));
    expect(told).toEqual([null, 'that was too short', 'that was too short']);
  });

  it('asks again after a wrong finger, and opens with the right one', async () => {
    reader.says = [{ is: 'no-match' }, { is: 'no-match' }];
    const outcome = await unlock(false);
    expect(outcome.done).toMatchObject({ unlocked: true });
    expect(reader.asked).toEqual(Array(3).fill(`fingerprint of user-${UID}`));
  });

  it('stays closed when the finger is never right', async () => {
    reader.says = Array.from({ length: 20 }, () => ({ is: 'no-match' }) as const);
    const { failed } = await unlock(false);
    expect(failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    expect(reader.asked.length).toBeLessThan(10);
  });

  it('stays closed on a real machine when the reader is a simulated one', async () => {
    reader.simulated = true;
    const { failed } = await unlock(false);
    expect(failed?.refusal.code).toBe('ERR_POLICY_DENIED');
  });

  it('opens with the key when the reader has gone', async () => {
    reader.says = Array.from(
      { length: 5 },
      () => ({ is: 'unavailable', reason: 'disconnected', detail: null }) as const,
    );
    expect((await unlock(true)).done).toMatchObject({ unlocked: true, strength: 'bound-2' });
  });

  it('is without it after biometric remove: the branch and its signer are gone, and old files open nothing', async () => {
    agent.touch = true;
    expect((await agent.run(UID, REMOVE, { pin: PIN })).done).toMatchObject({ removed: true });
    const { biometrics, signers, policy } = await state();
    expect([biometrics, signers, policy?.branches]).toEqual([[], [], [['pin', 'securityKey']]]);
    expect((await unlock(false)).failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    expect(await codeOf(REMOVE)).toBe('ERR_BIOMETRIC_UNUSED');
  });

  it('keeps it through a change of the PIN and a newer policy', async () => {
    agent.touch = true;
    await agent.run(UID, { kind: 'pin-change' }, { pin: PIN, 'new-pin': '975310' });
    await agent.service.setPolicy(peer(0), formatDocument(documentOf(['pin'], ['fingerprint'])));
    expect((await agent.run(UID, UNLOCK, { pin: '975310' })).done).toMatchObject({ policyInForce: 3 });
    expect(policyOf(await state()).branches).toEqual([['fingerprint', 'pin']]);
  });
});

describe('an enrolment under a policy that takes a finger', () => {
  const enrol = () => agent.run(UID, { kind: 'enrol' }, { 'new-pin': PIN });
  beforeEach(async () => {
    await agent.run(UID, { kind: 'unenrol', uid: null });
    agent.touch = true;
  });

  it('asks for it where the reader knows the user, and seals its branch', async () => {
    expect((await enrol()).done).toMatchObject({ strength: 'bound-1' });
    expect((await state()).biometrics).toEqual(['fingerprint']);
    expect((await unlock(false)).done).toMatchObject({ unlocked: true });
  });

  it('is made without it where the reader does not recognise it, and says so', async () => {
    reader.says = [{ is: 'no-match' }];
    const outcome = await enrol();
    expect(outcome.done).toMatchObject({ strength: 'bound-2' });
    const told = outcome.events.flatMap((event) => (event.type === 'refused' ? [event.refusal.code] : []));
    expect(told).toEqual(['ERR_BIOMETRIC_NOT_VERIFIED']);
    expect((await state()).biometrics).toEqual([]);
  });

  it('asks nobody for a finger that the reader does not know', async () => {
    reader.known = [];
    expect((await enrol()).done).toMatchObject({ strength: 'bound-2' });
    expect(reader.asked).toEqual([]);
  });

  it('is refused where the policy takes nothing else', async () => {
    await agent.service.setPolicy(peer(0), formatDocument(documentOf(['pin'], ['fingerprint'])));
    reader.known = [];
    expect((await enrol()).failed?.refusal.code).toBe('ERR_POLICY_NO_BRANCH');
  });
});
