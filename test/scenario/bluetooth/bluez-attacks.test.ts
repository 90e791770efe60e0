/**
 * Attacks on a host that listens to BlueZ: forged signals sent to it alone, what an impostor writes into BlueZ's view, a
 * bluetoothd that dies, restarts or hangs, a bus that dies, bond files that are nonsense. The radio is played; what it
 * answers is what a real one answers to an impostor.
 */
import { spawnSync } from 'node:child_process';
import { chmod, rm, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { Phones } from '../../../drivers/bluetooth/phones-driver.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { GENUINE } from '../../contract/bluetooth/bluetooth-cases.ts';
import { bondText, MockBluez, pathOf } from '../../support/bluetooth/mock-bluez.ts';
import { SeenBluetooth } from '../../support/bluetooth/seen-bluetooth.ts';
import { missingForBus } from '../../support/session/private-bus.ts';

const DEVICE = 'org.bluez.Device1';
const ADAPTER = 'org.bluez.Adapter1';
const HCI0 = '/org/bluez/hci0';
const PROPERTIES = 'org.freedesktop.DBus.Properties';
const MANAGER = 'org.freedesktop.DBus.ObjectManager';
const PHONE_CLASS = 0x5a020c;
const HEADSET_CLASS = 0x240404;

const missing = missingForBus();
const signal = (): AbortSignal => new AbortController().signal;

const title = (name: string): string => (missing === null ? name : `${name} (skipped: ${missing})`);

let world: MockBluez;
async function open(): Promise<void> {
  world = await MockBluez.start();
  await world.pair(GENUINE);
}
const close = () => world[Symbol.asyncDispose]();

async function probe(): Promise<string> {
  const options = { minLevel: 'high', within: seconds(10), signal: signal() } as const;
  const { outcome } = await world.hal.probe(GENUINE.address, options);
  return outcome.proved ? 'proved' : outcome.reason;
}
async function bond() {
  const all = await world.hal.bonded({ signal: signal() });
  return all.find(({ address }) => address === GENUINE.address);
}
/** A genuine change, whose signal comes after everything that was sent before. */
const nudge = (up: boolean) => world.link(GENUINE.address, up);

describe.skipIf(missing !== null)(title('attacks on a view of BlueZ'), () => {
  beforeEach(open);
  afterEach(close);

  it('what a genuine signal claims is not believed either: the device is read again', async () => {
    await using seen = new SeenBluetooth(world.hal);
    await seen.next(({ type }) => type === 'available');
    // The template tells of a connection that its properties do not have.
    await world.call(pathOf(GENUINE.address), DEVICE, 'Connect');
    await seen.next(({ type }) => type === 'hint');
    expect(seen.all[1]).toMatchObject({ what: 'link-down' });
  });

  it('an impostor that is connected, strong, and has rewritten its class is refused, and the pinned class counts', async () => {
    // Pinned as a headset: the class that BlueZ has learned from the impostor would make a phone of it.
    const phones = new Phones({
      hal: world.hal,
      clock: systemClock,
      settle: milliseconds(0),
      lookEvery: milliseconds(50),
      phones: async () => [{ address: GENUINE.address, name: 'x', classOfDevice: HEADSET_CLASS, users: [1000] }],
    });
    const stop = new AbortController();
    phones.driver.demand?.({ user: 1000, signal: stop.signal });
    await world.answer(GENUINE.address, 'impostor');
    await world.update(pathOf(GENUINE.address), DEVICE, [
      ['Class', ['u', PHONE_CLASS]],
      ['RSSI', ['n', 0]],
    ]);
    await nudge(true);
    expect(await bond()).toMatchObject({ classOfDevice: PHONE_CLASS });
    const seen: FactorSignal[] = [];
    for await (const told of phones.driver.watch({ signal: stop.signal })) {
      seen.push(told);
      if (world.radio.probes.length === 1 && seen.length > 1) await world.answer(GENUINE.address, 'phone');
      if (JSON.stringify(told).includes('"proved":true')) break;
    }
    stop.abort();
    expect(world.radio.probes.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toMatchObject({
      observation: { devices: [{ proved: true, classOfDevice: HEADSET_CLASS }] },
    });
  });

  it('a device that was paired anew at the address of an enrolled phone has a key, and is not that phone', async () => {
    const pinned = (await bond())?.bond ?? null;
    expect(pinned).toMatch(/^[0-9a-f]{64}$/);
    const phones = new Phones({
      hal: world.hal,
      clock: systemClock,
      settle: milliseconds(0),
      lookEvery: milliseconds(50),
      phones: async () => [{ address: GENUINE.address, name: 'x', classOfDevice: null, bond: pinned, users: [1000] }],
    });
    const stop = new AbortController();
    phones.driver.demand?.({ user: 1000, signal: stop.signal });
    const isProved = (told: FactorSignal) => JSON.stringify(told).includes('"proved":true');
    let anew = false;
    let pages = 0;
    for await (const told of phones.driver.watch({ signal: stop.signal })) {
      if (anew) {
        expect(isProved(told)).toBe(false);
        if (world.radio.probes.length > pages + 2) break;
      } else if (isProved(told)) {
        // Removed and paired by somebody else: as strong a key, and another one. BlueZ's files say so before its bus does.
        await world.writeBond(GENUINE.address, bondText(GENUINE).replace('00112233', '99112233'));
        phones.driver.forget?.();
        anew = true;
        pages = world.radio.probes.length;
      }
    }
    stop.abort();
    expect(anew).toBe(true);
    expect(await probe()).toBe('proved');
  });

  it('a device that is paired anew while the old one is paged has proved nothing', async () => {
    world.radio.during = () => world.writeBond(GENUINE.address, bondText(GENUINE).replace('00112233', '99112233'));
    expect(await probe()).toBe('not-bonded');
    expect(world.radio.probes).toHaveLength(1);
  });

  it('nothing of a dead bluetoothd lives on: what was connected is not, and what was bonded is read anew', async () => {
    await nudge(true);
    await using seen = new SeenBluetooth(world.hal);
    await seen.next(({ type }) => type === 'available');
    await world.stopDaemon();
    await seen.next((event) => event.type === 'unavailable' && event.reason === 'daemon-gone');
    await expect(world.hal.bonded({ signal: signal() })).rejects.toSatisfy((error) =>
      isUnlockdError(error, 'ERR_HAL_NOT_FOUND', 'ERR_HAL_DISCONNECTED'),
    );
    expect(await probe()).toBe('failed');
    expect(world.radio.probes).toEqual([]);
  });

  it('a proof that was under way when bluetoothd died is none', async () => {
    world.radio.during = () => world.stopDaemon().then(() => systemClock.sleep(milliseconds(200), {}));
    expect(await probe()).toBe('failed');
    expect(world.radio.probes).toHaveLength(1);
    expect(world.radio.probes[0]?.signal.aborted).toBe(true);
  });

  it('a bus that dies is as a daemon that does, and both come back by themselves', async () => {
    await using seen = new SeenBluetooth(world.hal);
    await seen.next(({ type }) => type === 'available');
    world.dropClient();
    await world.bus.stopDaemon();
    await seen.next((event) => event.type === 'unavailable' && event.reason === 'daemon-gone');
    expect(await probe()).toBe('failed');
    const from = seen.all.length;
    await world.stopDaemon();
    await world.bus.startDaemon();
    await world.startDaemon();
    await seen.next(({ type }) => type === 'available', from);
    expect(await probe()).toBe('proved');
  });

  it('a bus that does not answer ends every call in its time', async () => {
    await probe();
    world.bus.freezeDaemon(true);
    const within = milliseconds(300);
    const { outcome } = await world.hal.probe(GENUINE.address, { minLevel: 'high', within, signal: signal() });
    world.bus.freezeDaemon(false);
    expect(outcome).toMatchObject({ proved: false, reason: 'failed' });
  });

  it('another program that takes the name of a dead bluetoothd has no bonds that the files know', async () => {
    await using seen = new SeenBluetooth(world.hal);
    await seen.next(({ type }) => type === 'available');
    await world.stopDaemon();
    await seen.next(({ type }) => type === 'unavailable');
    const from = seen.all.length;
    const stranger = world.bus.stranger();
    expect(await stranger.own('org.bluez')).toBe(true);
    await seen.next(() => true, from);
    expect(seen.all.slice(from).some(({ type }) => type === 'available')).toBe(false);
    expect(await probe()).toBe('failed');
  });

  it('an adapter that is pulled takes everything with it, and gives it back when it is there again', async () => {
    await using seen = new SeenBluetooth(world.hal);
    await seen.next(({ type }) => type === 'available');
    await world.removeAdapter();
    await seen.next((event) => event.type === 'unavailable' && event.reason === 'no-adapter');
    await expect(world.hal.bonded({ signal: signal() })).rejects.toMatchObject({ code: 'ERR_HAL_NOT_FOUND' });
    expect(await probe()).toBe('failed');
    const from = seen.all.length;
    await world.addAdapter();
    await seen.next(({ type }) => type === 'available', from);
    await seen.next(({ type }) => type === 'bonds-changed', from);
    expect(await probe()).toBe('proved');
  });
});

describe.skipIf(missing !== null)(title('what strangers, files and radios say'), () => {
  beforeAll(open);
  afterAll(close);
  beforeEach(async () => {
    world.radio.probes.length = 0;
    await rm(world.bondFolderOf(GENUINE.address), { recursive: true });
    await world.writeBond(GENUINE.address, bondText(GENUINE));
  });

  const changed = (path: string, iface: string, properties: [string, [string, unknown]][]) => ({
    path,
    interface: PROPERTIES,
    member: 'PropertiesChanged',
    signature: 'sa{sv}as',
    body: [iface, properties, []],
  });
  const FORGERIES = [
    ['that a phone is connected', changed(pathOf(GENUINE.address), DEVICE, [['Connected', ['b', true]]])],
    ['that a phone is near', changed(pathOf(GENUINE.address), DEVICE, [['RSSI', ['n', -20]]])],
    ['that a phone is paired no more', changed(pathOf(GENUINE.address), DEVICE, [['Paired', ['b', false]]])],
    ['that the radio is off', changed(HCI0, ADAPTER, [['Powered', ['b', false]]])],
    [
      'that the adapter is gone',
      { path: '/', interface: MANAGER, member: 'InterfacesRemoved', signature: 'oas', body: [HCI0, [ADAPTER]] },
    ],
    [
      'that bluetoothd is gone',
      {
        path: '/org/freedesktop/DBus',
        interface: 'org.freedesktop.DBus',
        member: 'NameOwnerChanged',
        signature: 'sss',
        body: ['org.bluez', ':1.0', ''],
      },
    ],
  ] as const;

  it.each(FORGERIES)('a forged signal, sent to us alone, %s wakes nobody', async (_, forged) => {
    await nudge(false);
    await using seen = new SeenBluetooth(world.hal);
    await seen.next(({ type }) => type === 'available');
    const stranger = world.bus.stranger();
    for (const name of await stranger.others()) stranger.forgeSignal(name, { ...forged, body: [...forged.body] });
    await stranger.settled();
    await nudge(true);
    await seen.next((event) => event.type === 'hint');
    expect(seen.all).toMatchObject([{ type: 'available' }, { type: 'hint', what: 'link-up' }]);
  });

  const info = () => join(world.bondFolderOf(GENUINE.address), 'info');
  it.each([
    ['nonsense', () => world.writeBond(GENUINE.address, 'no bond')],
    ['binary', () => world.writeBond(GENUINE.address, new Uint8Array(300).fill(0xff))],
    ['without any key', () => world.writeBond(GENUINE.address, '[General]\nName=Phone\n')],
    ['a second type', () => world.writeBond(GENUINE.address, `${bondText(GENUINE)}\n[LinkKey]\nType=8\n`)],
    ['huge', () => truncate(info(), 4 * 1024 * 1024 * 1024)],
    ['writable for everybody', () => chmod(info(), 0o666)],
    ['not there', () => rm(info())],
    [
      'a link to another',
      async () => {
        await world.writeBond('0c:00:00:00:00:77', bondText(GENUINE));
        await rm(info());
        await symlink(join(world.bondFolderOf('0c:00:00:00:00:77'), 'info'), info());
      },
    ],
    [
      'a pipe',
      async () => {
        await rm(info());
        spawnSync('mkfifo', [info()]);
      },
    ],
  ] as const)('a bond file that is %s: nothing is known of the key, and nothing is sent', async (_, make) => {
    await make();
    expect(await bond()).toMatchObject({ key: 'unknown', identityKey: null });
    expect(await probe()).toBe('weak-link');
    expect(world.radio.probes).toEqual([]);
  });

  it.each([
    ['a key of 7 bytes', { keySize: 7 }],
    ['a key of no number', { keySize: Number.NaN }],
    ['a link that is not authenticated', { authenticated: false }],
  ])('a radio that tells of %s has proved nothing at level high', async (_, lie) => {
    world.radio.proof = { proved: true, encrypted: true, authenticated: true, keySize: 16, rssi: null, ...lie };
    expect(await probe()).toBe('weak-link');
  });

  it.each([[{ scale: 'dBm', value: -40 } as const], [{ scale: 'relative', value: Number.NaN } as const]])(
    'a radio that tells %j of a BR/EDR link has told no strength',
    async (rssi) => {
      world.radio.proof = { proved: true, encrypted: true, authenticated: true, keySize: 16, rssi };
      const options = { minLevel: 'high', within: seconds(10), signal: signal() } as const;
      expect((await world.hal.probe(GENUINE.address, options)).outcome).toMatchObject({ proved: true, rssi: null });
    },
  );

  it('a name of any length and content stays a name', async () => {
    const name = `${'\u202e[LinkKey]\nType=8\n'.repeat(100)}`;
    await world.update(pathOf(GENUINE.address), DEVICE, [['Alias', ['s', name]]]);
    const found = await bond();
    expect(found?.name).toHaveLength(248);
    expect(found?.key).toBe('authenticated');
  });
});
