/** A TPM that is absent, locked out, full, or was somebody else's before: a code with its cure, and nothing lost. */
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../drivers/base/secret.ts';
import {
  counterPublic,
  createPrimary,
  dictionaryAttackLockReset,
  dictionaryAttackParameters,
  emptyAuth,
  evictControl,
  getHandles,
  hierarchyChangeAuth,
  isTpmResponse,
  nvDefineSpace,
  nvIndex,
  nvUndefineSpace,
  type PublicArea,
  readPublic,
  SIGNING_KEY,
  SRK_ECC,
  SRK_RSA,
  TPM_RH,
  type Tpm,
} from '../../../drivers/tpm2/index.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';
import { endOf, FOREIGN, kept, onTpm, refusals } from './scene.ts';

const PIN = { pin: '246813' };
const PASSWORD = new TextEncoder().encode('foreign');

/** Another program's lockoutAuth and parameters. */
const foreignLockout = (agent: TestAgent, maxTries: number, recoveryTime: number): Promise<void> =>
  onTpm(agent, async (tpm) => {
    await dictionaryAttackParameters(tpm, emptyAuth, { maxTries, recoveryTime, lockoutRecovery: 86_400 });
    using password = Secret.copyOf(PASSWORD);
    await hierarchyChangeAuth(tpm, TPM_RH.LOCKOUT, emptyAuth, password);
  });

const ownerPassword = async (tpm: Tpm, set: boolean): Promise<void> => {
  using password = Secret.copyOf(set ? PASSWORD : new Uint8Array(0));
  await hierarchyChangeAuth(tpm, TPM_RH.OWNER, set ? emptyAuth : FOREIGN, password);
};

describe('no TPM', () => {
  it('a TPM that went away: ERR_HAL_NOT_FOUND before the PIN is judged; back again, it unlocks without a restart', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(1000);
    const before = await kept(agent.folder);
    await agent.swtpm.stop();
    const without = await agent.run(1000, UNLOCK, PIN);
    expect(endOf(without)).toBe('ERR_HAL_NOT_FOUND');
    const { tpm, own } = await agent.service.status(peer(1000));
    expect(tpm).toMatchObject({ reachable: false, problem: { code: 'ERR_HAL_NOT_FOUND' } });
    expect(own).toMatchObject({ state: 'locked', pinTriesLeft: 5 });
    expect(await kept(agent.folder)).toEqual(before);
    await agent.swtpm.start();
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });

  it('setting up without one leaves nothing behind', async () => {
    await using agent = await TestAgent.start();
    const before = await kept(agent.folder);
    await agent.swtpm.stop();
    expect(endOf(await agent.run(0, { kind: 'setup' }))).toBe('ERR_HAL_NOT_FOUND');
    expect(await kept(agent.folder)).toEqual(before);
  });

  it('a daemon that starts without it says so, and serves when it comes', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(1000);
    await agent.swtpm.stop();
    await agent.restart();
    expect((await agent.service.status(peer(1000))).own.state).toBe('locked');
    await agent.swtpm.start();
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });
});

describe('a TPM that is locked out', () => {
  it('refuses the right PIN with ERR_TPM_LOCKED_OUT and the longest wait; nothing is lost', async () => {
    await using agent = await TestAgent.start();
    await foreignLockout(agent, 3, 600);
    await agent.setUpAndEnrol(1000);
    const wrong = await agent.run(1000, UNLOCK, { pin: ['000001', '000002', '000003'] });
    expect(refusals(wrong)).toContain('ERR_PIN_WRONG');
    const before = await kept(agent.folder);
    const tries = (await agent.service.status(peer(1000))).own.pinTriesLeft;
    const locked = await agent.run(1000, UNLOCK, PIN);
    expect(endOf(locked)).toBe('ERR_TPM_LOCKED_OUT');
    const refused = locked.events.find((event) => event.type === 'refused');
    expect(refused).toMatchObject({ refusal: { detail: { lockedForSeconds: 600, counter: 3, maxTries: 3 } } });
    expect(locked.events.some(({ type }) => type === 'touch')).toBe(false);
    const status = await agent.service.status(peer(1000));
    expect(status.tpm.lockout).toMatchObject({ lockedForSeconds: 600, counter: 3 });
    // The TPM judged nothing, so the right PIN was no try.
    expect(status.own.pinTriesLeft).toBe(tries);
    expect(await kept(agent.folder)).toEqual(before);
    await onTpm(agent, (tpm) => dictionaryAttackLockReset(tpm, FOREIGN));
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });

  it('refuses a new container too, clearly, and recovery with it: the old container is as it was', async () => {
    await using agent = await TestAgent.start();
    await foreignLockout(agent, 3, 600);
    const sheet = await agent.setUpAndEnrol(1000);
    await agent.run(1000, UNLOCK, { pin: ['000001', '000002', '000003'] });
    const before = await kept(agent.folder);
    const recovery = await agent.run(1000, { kind: 'recover' }, { recovery: sheet, 'new-pin': '975310' });
    const enrolment = await agent.run(1001, { kind: 'enrol' }, { 'new-pin': '975310' });
    for (const refused of [recovery, enrolment]) {
      expect(endOf(refused)).toBe('ERR_TPM_LOCKED_OUT');
      expect(refused.failed?.refusal).toMatchObject({
        message: 'the TPM is locked out: it forgets a try in at most 600 s',
        cure: expect.stringContaining('unlockctl lockout reset'),
      });
      // Nobody types a sheet or a PIN for nothing.
      expect(refused.events.some(({ type }) => type === 'prompt')).toBe(false);
    }
    expect(await kept(agent.folder)).toEqual(before);
    await agent.restart();
    expect(await kept(agent.folder)).toEqual(before);
    await onTpm(agent, (tpm) => dictionaryAttackLockReset(tpm, FOREIGN));
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
    const again = await agent.run(1000, { kind: 'recover' }, { recovery: sheet, 'new-pin': '975310' });
    expect(endOf(again)).toBe('done');
  });
});

describe('a TPM whose lockout password somebody has set', () => {
  it('sane parameters count: the PIN is bound, and nothing of them is changed', async () => {
    await using agent = await TestAgent.start();
    await foreignLockout(agent, 10, 3600);
    const setup = await agent.run(0, { kind: 'setup' });
    expect(setup.done).toMatchObject({ pinIsBound: true, lockoutAuth: 'foreign', maxTries: 10, guessesPerDay: 24 });
    expect(setup.out.has('owner-sheet')).toBe(false);
    await agent.setUpAndEnrol(1000);
    expect((await agent.service.status(peer(1000))).own.strength).toBe('bound-2');
  });

  it.each([
    ['1000 tries', 1000, 600],
    ['a second a try', 32, 1],
  ])('%s do not count: the PIN is not bound, and class and words say so', async (_what, maxTries, recovery) => {
    await using agent = await TestAgent.start();
    await foreignLockout(agent, maxTries, recovery);
    const setup = await agent.run(0, { kind: 'setup' });
    expect(setup.done).toMatchObject({ pinIsBound: false, lockoutAuth: 'foreign' });
    const enrolled = await agent.run(1000, { kind: 'enrol' }, { 'new-pin': '246813' });
    expect(enrolled.done).toMatchObject({ strength: 'bound-1' });
    expect(String(enrolled.done?.opensWith)).toContain('a security key');
    expect(String(enrolled.done?.opensWith)).not.toContain('this machine + the PIN');
    expect((await agent.run(1000, UNLOCK, PIN)).done).toMatchObject({ strength: 'bound-1' });
    expect((await agent.service.policy(peer(1000))).branches).toMatchObject([{ strength: 'bound-1' }]);
  });
});

describe('a TPM whose owner password somebody has set', () => {
  it('setting up: ERR_TPM_OWNER_AUTH_SET before a sheet is shown; without the password it succeeds', async () => {
    await using agent = await TestAgent.start();
    await onTpm(agent, (tpm) => ownerPassword(tpm, true));
    const refused = await agent.run(0, { kind: 'setup' });
    expect(endOf(refused)).toBe('ERR_TPM_OWNER_AUTH_SET');
    expect(refused.out.size).toBe(0);
    expect(refused.failed?.refusal.cure).toContain('tpm2_changeauth');
    expect(await kept(agent.folder)).toEqual({});
    await onTpm(agent, (tpm) => ownerPassword(tpm, false));
    expect(endOf(await agent.run(0, { kind: 'setup' }))).toBe('done');
  });

  it('set after set-up: who is enrolled unlocks and changes the PIN; who enrols is told ERR_TPM_OWNER_AUTH_SET', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(1000);
    const before = await kept(agent.folder);
    await onTpm(agent, (tpm) => ownerPassword(tpm, true));
    expect(endOf(await agent.run(1001, { kind: 'enrol' }, { 'new-pin': '975310' }))).toBe('ERR_TPM_OWNER_AUTH_SET');
    await agent.restart();
    expect(await kept(agent.folder)).toEqual(before);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
    const change = await agent.run(1000, { kind: 'pin-change' }, { ...PIN, 'new-pin': '975310' });
    expect(endOf(change)).toBe('done');
    await onTpm(agent, (tpm) => ownerPassword(tpm, false));
    await agent.setUpAndEnrol(1001);
  });

  it('giving a container up with the password set is refused, and finished when it is gone', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(1000);
    await onTpm(agent, (tpm) => ownerPassword(tpm, true));
    expect(endOf(await agent.run(1000, { kind: 'unenrol', uid: null }))).toBe('ERR_TPM_OWNER_AUTH_SET');
    await onTpm(agent, (tpm) => ownerPassword(tpm, false));
    await agent.restart();
    expect(await onTpm(agent, (tpm) => getHandles(tpm, 0x01800000, 64))).toEqual([]);
  });
});

describe('a TPM without an NV counter left', () => {
  it('enrolling: ERR_TPM_NO_COUNTER_LEFT and nothing is left; with room it succeeds', async () => {
    await using agent = await TestAgent.start();
    await agent.run(0, { kind: 'setup' });
    const made = await onTpm(agent, async (tpm) => {
      const indexes = [];
      for (let index = 0x01000000; ; index++) {
        const area = counterPublic(index, new Uint8Array(32), false);
        try {
          await nvDefineSpace(tpm, area);
        } catch (error) {
          if (!isTpmResponse(error, 0x14b)) throw error;
          return indexes;
        }
        indexes.push(nvIndex(area));
      }
    });
    const before = await kept(agent.folder);
    const refused = await agent.run(1000, { kind: 'enrol' }, { 'new-pin': '246813' });
    expect(endOf(refused)).toBe('ERR_TPM_NO_COUNTER_LEFT');
    expect(refused.failed?.refusal.cure).toContain('tpm2_getcap');
    await agent.restart();
    expect(await kept(agent.folder)).toEqual(before);
    await onTpm(agent, async (tpm) => {
      for (const index of made) await nvUndefineSpace(tpm, index);
    });
    await agent.setUpAndEnrol(1000);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });
});

describe('a key at the handle of the storage root key that this product did not make', () => {
  const persist = (agent: TestAgent, template: PublicArea): Promise<void> =>
    onTpm(agent, async (tpm) => {
      await using key = await createPrimary(tpm, template);
      await evictControl(tpm, key, 0x81000001);
    });
  const ZERO_UNIQUE = { ...SRK_ECC, x: new Uint8Array(32), y: new Uint8Array(32) };

  it.each([
    ['ECC with 32 zero bytes as unique', ZERO_UNIQUE],
    ['RSA 2048', SRK_RSA],
  ])('%s: accepted, pinned, and it unlocks', async (_what, template) => {
    await using agent = await TestAgent.start();
    await persist(agent, template);
    await agent.setUpAndEnrol(1000);
    expect((await agent.run(1000, UNLOCK, PIN)).done).toMatchObject({ strength: 'bound-2' });
  });

  it('another one in its place later: ERR_TPM_OTHER_DEVICE, the PIN is not sent, and with the first one back it unlocks', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(1000);
    const before = await kept(agent.folder);
    const replace = (template: PublicArea): Promise<void> =>
      onTpm(agent, async (tpm) => {
        await evictControl(tpm, await readPublic(tpm, 0x81000001), 0x81000001);
        await using next = await createPrimary(tpm, template);
        await evictControl(tpm, next, 0x81000001);
      });
    await replace(SRK_RSA);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('ERR_TPM_OTHER_DEVICE');
    expect((await agent.service.status(peer(1000))).tpm.lockout?.counter).toBe(0);
    expect(await kept(agent.folder)).toEqual(before);
    await replace(SRK_ECC);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });

  it('no storage key: ERR_TPM_ROOT_KEY_UNUSABLE, and it is neither used nor evicted', async () => {
    await using agent = await TestAgent.start();
    const signing = await onTpm(agent, async (tpm) => {
      await using key = await createPrimary(tpm, SIGNING_KEY);
      await evictControl(tpm, key, 0x81000001);
      return Buffer.from(key.name).toString('hex');
    });
    const refused = await agent.run(0, { kind: 'setup' });
    expect(endOf(refused)).toBe('ERR_TPM_ROOT_KEY_UNUSABLE');
    expect(refused.failed?.refusal.cure).toContain('tpm.root_key_handle');
    const still = await onTpm(agent, async (tpm) =>
      Buffer.from((await readPublic(tpm, 0x81000001)).name).toString('hex'),
    );
    expect(still).toBe(signing);
  });
});
