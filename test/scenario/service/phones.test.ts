/** Phones that are enrolled: a proof of the pairing and a whole unlock, and whose phone it is from then on. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../drivers/base/clock.ts';
import { MockBluetooth } from '../../../hal-mocks/bluetooth/mock-bluetooth.ts';
import { peer, TestAgent } from '../../support/service/test-agent.ts';

const UID = 1000;
const OTHER = 1001;
const PIN = '246813';
const ADDRESS = 'a0:b1:c2:d3:e4:f5';
const ADD = { kind: 'phone-add', address: ADDRESS } as const;

let bluetooth: MockBluetooth;
let agent: TestAgent;
beforeEach(async () => {
  bluetooth = new MockBluetooth(systemClock);
  bluetooth.put({ address: ADDRESS, name: 'Pocket' });
  agent = await TestAgent.start({ bluetooth });
  await agent.setUpAndEnrol(UID, PIN);
});
afterEach(() => agent.close());

const codeOf = async (uid: number, pin = PIN): Promise<string | undefined> =>
  (await agent.run(uid, ADD, { pin })).failed?.refusal.code;
const registered = async () => (await agent.parts.store.readPhones()).phones;

describe('phone add', () => {
  it('takes a proof at the high level and a whole unlock, and pins what the pairing says of the phone', async () => {
    const outcome = await agent.run(UID, ADD, { pin: PIN });
    expect(outcome.done).toEqual({ added: true, address: ADDRESS, name: 'Pocket' });
    expect(bluetooth.probes).toMatchObject([{ address: ADDRESS, minLevel: 'high' }]);
    const pinned = { uid: UID, address: ADDRESS, addressType: 'public', name: 'Pocket', classOfDevice: 0x5a020c };
    expect(await registered()).toMatchObject([pinned]);
    expect(agent.audit.at(-1)).toEqual({ event: 'phone-added', uid: UID, detail: { address: ADDRESS } });
  });

  it('pins the bond that was proved, and calls a phone that is paired anew not paired any more', async () => {
    bluetooth.put({ address: ADDRESS, bond: 'a1' });
    await agent.run(UID, ADD, { pin: PIN });
    expect(await registered()).toMatchObject([{ bond: 'a1' }]);
    expect((await agent.service.phones(peer(UID))).phones).toMatchObject([{ paired: true }]);
    bluetooth.put({ address: ADDRESS, bond: 'b2' });
    expect((await agent.service.phones(peer(UID))).phones).toMatchObject([{ address: ADDRESS, paired: false }]);
    await agent.run(UID, ADD, { pin: PIN });
    expect(await registered()).toMatchObject([{ bond: 'b2' }]);
  });

  it('keeps of a name what a person can read: no new line, no direction, no half character at its end', async () => {
    bluetooth.put({ address: ADDRESS, name: `My\n\u202e${'x'.repeat(243)}\u{1f4f1}` });
    expect((await agent.run(UID, ADD, { pin: PIN })).done).toMatchObject({ added: true });
    const name = (await registered())[0]?.name;
    expect(name).toBe(`My\ufffd\ufffd${'x'.repeat(243)}\ufffd`);
    bluetooth.put({ address: '00:00:00:00:00:03', name: 'a\nb' });
    expect((await agent.service.phones(peer(UID))).phones).toMatchObject([{ name }, { name: 'a\ufffdb' }]);
  });

  it('with a wrong PIN adds nothing', async () => {
    const outcome = await agent.run(UID, ADD, { pin: ['111111', '222222', '333333'] });
    expect(outcome.failed).not.toBeNull();
    expect(await registered()).toEqual([]);
  });

  it('of an impostor at the address is refused before anybody types a PIN', async () => {
    bluetooth.answer(ADDRESS, 'impostor');
    const outcome = await agent.run(UID, ADD, { pin: PIN });
    expect(outcome.failed?.refusal).toMatchObject({ code: 'ERR_PHONE_NOT_PROVED', detail: { reason: 'refused' } });
    expect(outcome.events.some(({ type }) => type === 'prompt')).toBe(false);
    expect(await registered()).toEqual([]);
  });

  it('of a phone that is away: ERR_PHONE_NOT_PROVED', async () => {
    bluetooth.answer(ADDRESS, 'nobody');
    expect(await codeOf(UID)).toBe('ERR_PHONE_NOT_PROVED');
  });

  it.each(['unauthenticated', 'debug', 'unknown'] as const)(
    'of a pairing with a key that is %s: ERR_PHONE_WEAK_BOND',
    async (key) => {
      bluetooth.put({ address: ADDRESS, key });
      expect(await codeOf(UID)).toBe('ERR_PHONE_WEAK_BOND');
      expect(bluetooth.probes).toEqual([]);
    },
  );

  it('of a phone that is not paired: ERR_PHONE_UNKNOWN', async () => {
    bluetooth.forget(ADDRESS);
    expect(await codeOf(UID)).toBe('ERR_PHONE_UNKNOWN');
  });

  it('without Bluetooth: ERR_HAL_NOT_FOUND', async () => {
    agent.parts = { ...agent.parts, bluetooth: null };
    agent.useParts();
    expect(await codeOf(UID)).toBe('ERR_HAL_NOT_FOUND');
  });

  it('of a phone that serves another user: ERR_PHONE_TAKEN, and it serves that one still', async () => {
    await agent.run(UID, ADD, { pin: PIN });
    await agent.setUpAndEnrol(OTHER, PIN);
    expect(await codeOf(OTHER)).toBe('ERR_PHONE_TAKEN');
    expect(await registered()).toMatchObject([{ uid: UID }]);
  });

  it('again pins it anew', async () => {
    await agent.run(UID, ADD, { pin: PIN });
    bluetooth.put({ address: ADDRESS, name: 'Renamed', classOfDevice: 0x7a020c });
    await agent.run(UID, ADD, { pin: PIN });
    expect(await registered()).toMatchObject([{ uid: UID, name: 'Renamed', classOfDevice: 0x7a020c }]);
  });
});

describe('phone list', () => {
  beforeEach(async () => {
    await agent.run(UID, ADD, { pin: PIN });
    bluetooth.put({ address: '00:00:00:00:00:02', name: 'Spare', key: 'unauthenticated' });
  });

  it('shows the own phones and those that could be', async () => {
    const { phones, problem } = await agent.service.phones(peer(UID));
    expect(problem).toBeNull();
    expect(phones).toMatchObject([
      { address: ADDRESS, uid: UID, paired: true, key: 'authenticated' },
      { address: '00:00:00:00:00:02', uid: null, enrolledAt: null, key: 'unauthenticated', pinned: null },
    ]);
  });

  it('says of a phone from before pairings were pinned that any pairing at its address counts, until it is added again', async () => {
    expect((await agent.service.phones(peer(UID))).phones[0]).toMatchObject({ address: ADDRESS, pinned: false });
    bluetooth.put({ address: ADDRESS, bond: 'a1' });
    expect((await agent.service.phones(peer(UID))).phones[0]).toMatchObject({ paired: true, pinned: false });
    await agent.run(UID, ADD, { pin: PIN });
    expect((await agent.service.phones(peer(UID))).phones[0]).toMatchObject({ address: ADDRESS, pinned: true });
  });

  it('hides from others whose a phone is, and that it is somebody’s', async () => {
    expect((await agent.service.phones(peer(OTHER))).phones.map(({ address }) => address)).toEqual([
      '00:00:00:00:00:02',
    ]);
    expect((await agent.service.phones(peer(0))).phones).toHaveLength(2);
  });

  it('says of an enrolled phone that it is not paired any more, and nothing of it when Bluetooth is gone', async () => {
    bluetooth.forget(ADDRESS);
    expect((await agent.service.phones(peer(UID))).phones[0]).toMatchObject({ paired: false, key: null });
    bluetooth.setOutage('daemon-gone');
    const view = await agent.service.phones(peer(UID));
    expect(view.phones).toMatchObject([{ address: ADDRESS, paired: null }]);
    expect(view.problem?.code).toBe('ERR_HAL_NOT_FOUND');
  });
});

describe('a phone serves nobody any more', () => {
  beforeEach(async () => {
    await agent.run(UID, ADD, { pin: PIN });
  });

  it('after its owner has removed it', async () => {
    await agent.service.removePhone(peer(UID), ADDRESS, null);
    expect(await registered()).toEqual([]);
    await expect(agent.service.removePhone(peer(UID), ADDRESS, null)).rejects.toMatchObject({
      code: 'ERR_PHONE_UNKNOWN',
    });
  });

  it('after root has; another user may not, and cannot find out that it is there', async () => {
    await expect(agent.service.removePhone(peer(OTHER), ADDRESS, UID)).rejects.toMatchObject({
      code: 'ERR_API_FORBIDDEN',
    });
    await expect(agent.service.removePhone(peer(OTHER), ADDRESS, null)).rejects.toMatchObject({
      code: 'ERR_PHONE_UNKNOWN',
    });
    await agent.service.removePhone(peer(0), ADDRESS, UID);
    expect(await registered()).toEqual([]);
  });

  it('after its owner is enrolled no more', async () => {
    await agent.run(UID, { kind: 'unenrol', uid: null });
    expect(await registered()).toEqual([]);
  });

  it('when the register is damaged: ERR_STATE_CORRUPT, and the damaged file is kept', async () => {
    const { path } = { path: `${agent.folder}/phones.state` };
    const { readFile, writeFile, readdir } = await import('node:fs/promises');
    const file = await readFile(path);
    file[60] = (file[60] ?? 0) ^ 1;
    await writeFile(path, file);
    await agent.restart();
    await expect(agent.service.phones(peer(UID))).rejects.toMatchObject({ code: 'ERR_STATE_CORRUPT' });
    expect((await readdir(agent.folder)).some((name) => name.startsWith('phones.state.corrupt-'))).toBe(true);
  });
});

it('survives a restart', async () => {
  await agent.run(UID, ADD, { pin: PIN });
  await agent.restart();
  expect((await agent.service.phones(peer(UID))).phones).toMatchObject([{ address: ADDRESS, uid: UID }]);
});
