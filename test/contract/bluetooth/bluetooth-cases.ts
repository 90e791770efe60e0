/**
 * What every host of the Bluetooth seam does, whatever it runs on. Plain functions without a test runner, so that a
 * guest without one can hold its host against the same cases.
 */
import assert from 'node:assert/strict';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { BluetoothHal, BondedDevice, LinkLevel, Probe } from '../../../drivers/hal/bluetooth.ts';
import { SeenBluetooth } from '../../support/bluetooth/seen-bluetooth.ts';

export type Answering = 'phone' | 'impostor' | 'nobody';

export interface PairedPhone {
  /** Lower case. */
  readonly address: string;
  readonly classOfDevice: number;
  readonly key: 'authenticated' | 'unauthenticated' | 'debug';
  /** 32 digits, most significant byte first; null: none. */
  readonly identityKey: string | null;
}

/** A host with a radio, and somebody who can do things to it and to the phones around it. */
export interface BluetoothWorld extends AsyncDisposable {
  readonly hal: BluetoothHal;
  /** Bonds a phone, which then answers by itself. */
  pair(phone: PairedPhone): Promise<void>;
  unpair(address: string): Promise<void>;
  /** Who answers at that address from now on. */
  answer(address: string, who: Answering): Promise<void>;
  /** Whoever is at that address opens a link without any key, or drops it. */
  link(address: string, up: boolean): Promise<void>;
  power(on: boolean): Promise<void>;
  stopDaemon(): Promise<void>;
  /** Comes back with its bonds; its radio is on, and nobody is connected. */
  startDaemon(): Promise<void>;
  /** How often the radio was used to page somebody; null: this world cannot tell. */
  pages(): number | null;
}

/** What a world may be unable to do. */
export type Ability = 'weak bonds' | 'identity keys' | 'power' | 'links' | 'unpair';

export interface BluetoothCase {
  readonly title: string;
  readonly needs: readonly Ability[];
  run(world: BluetoothWorld): Promise<void>;
}

export const GENUINE: PairedPhone = {
  address: '0c:11:22:33:44:01',
  classOfDevice: 0x5a020c,
  key: 'authenticated',
  identityKey: 'ec0234a357c8ad05341010a60a397d9b',
};
export const JUST_WORKS: PairedPhone = {
  ...GENUINE,
  address: '0c:11:22:33:44:02',
  key: 'unauthenticated',
  identityKey: null,
};
export const DEBUG_KEY: PairedPhone = {
  ...GENUINE,
  address: '0c:11:22:33:44:03',
  key: 'debug',
  identityKey: null,
};
const STRANGER = '0c:11:22:33:44:99';
const PROBE_WITHIN = seconds(20);

const signal = (): AbortSignal => new AbortController().signal;

const probe = (
  { hal }: BluetoothWorld,
  address = GENUINE.address,
  minLevel: LinkLevel = 'high',
  within = PROBE_WITHIN,
): Promise<Probe> => hal.probe(address, { minLevel, within, signal: signal() });

async function bondOf({ hal }: BluetoothWorld, address: string): Promise<BondedDevice> {
  const found = (await hal.bonded({ signal: signal() })).find((device) => device.address === address);
  assert.ok(found, `${address} is not among the bonded devices`);
  return found;
}

function failureOf({ outcome }: Probe): string {
  return outcome.proved ? 'proved' : outcome.reason;
}

async function pagesDuring(world: BluetoothWorld, work: () => Promise<void>): Promise<number | null> {
  const before = world.pages();
  await work();
  const after = world.pages();
  return before === null || after === null ? null : after - before;
}

const nothingSent = (pages: number | null): void => {
  if (pages !== null) assert.equal(pages, 0, 'a phone was paged');
};

export const BLUETOOTH_CASES: readonly BluetoothCase[] = [
  {
    title: 'lists what is bonded, with the strength of its key, and nothing else',
    needs: [],
    run: async (world) => {
      const { address, addressType, bearers, key } = await bondOf(world, GENUINE.address);
      assert.deepEqual(
        // A phone bonded over BR/EDR may have got a key for LE out of it.
        { address, addressType, bearer: bearers[0], key },
        { address: GENUINE.address, addressType: 'public', bearer: 'BR/EDR', key: 'authenticated' },
      );
      const all = await world.hal.bonded({ signal: signal() });
      assert.ok(!all.some((device) => device.address === STRANGER));
      assert.equal(new Set(all.map((device) => device.address)).size, all.length);
    },
  },
  {
    title: 'gives the identity key with its most significant byte first',
    needs: ['identity keys'],
    run: async (world) => {
      const { identityKey } = await bondOf(world, GENUINE.address);
      assert.equal(identityKey === null ? null : Buffer.from(identityKey).toString('hex'), GENUINE.identityKey);
    },
  },
  {
    title: 'tells keys of Just Works and debug keys from authenticated ones',
    needs: ['weak bonds'],
    run: async (world) => {
      assert.equal((await bondOf(world, JUST_WORKS.address)).key, 'unauthenticated');
      assert.equal((await bondOf(world, DEBUG_KEY.address)).key, 'debug');
    },
  },
  ...(['medium', 'high'] as const).map((level) => ({
    title: `proves the phone that has the bonded key, at level ${level}`,
    needs: [],
    run: async (world: BluetoothWorld) => {
      await world.answer(GENUINE.address, 'phone');
      const { bearer, outcome } = await probe(world, GENUINE.address, level);
      assert.equal(bearer, 'BR/EDR');
      assert.ok(outcome.proved, failureOf({ outcome } as Probe));
      assert.equal(outcome.encrypted, true);
      assert.equal(outcome.authenticated, true);
      assert.equal(outcome.keySize, 16);
      if (outcome.rssi !== null) assert.equal(outcome.rssi.scale, 'relative');
    },
  })),
  ...(['medium', 'high'] as const).map((level) => ({
    title: `refuses whoever is at the address of the phone without its key, at level ${level}`,
    needs: [],
    run: async (world: BluetoothWorld) => {
      await world.answer(GENUINE.address, 'impostor');
      assert.equal(failureOf(await probe(world, GENUINE.address, level)), 'refused');
      // The bond is still there, and so is the phone when it comes back.
      assert.equal((await bondOf(world, GENUINE.address)).key, 'authenticated');
      await world.answer(GENUINE.address, 'phone');
      assert.equal(failureOf(await probe(world, GENUINE.address, level)), 'proved');
    },
  })),
  {
    title: 'does not take a link of the impostor for a proof',
    needs: ['links'],
    run: async (world) => {
      await world.answer(GENUINE.address, 'impostor');
      await world.link(GENUINE.address, true);
      assert.equal(failureOf(await probe(world)), 'refused');
      await world.link(GENUINE.address, false);
      await world.answer(GENUINE.address, 'phone');
    },
  },
  {
    title: 'says of a phone out of range that it is unreachable',
    needs: [],
    run: async (world) => {
      await world.answer(GENUINE.address, 'nobody');
      assert.equal(failureOf(await probe(world)), 'unreachable');
      await world.answer(GENUINE.address, 'phone');
    },
  },
  {
    title: 'pages nobody who is not bonded',
    needs: [],
    run: async (world) => {
      const pages = await pagesDuring(world, async () => {
        assert.equal(failureOf(await probe(world, STRANGER)), 'not-bonded');
      });
      nothingSent(pages);
    },
  },
  {
    title: 'sends nothing on a key of Just Works where an authenticated one is asked for, and asks it at medium',
    needs: ['weak bonds'],
    run: async (world) => {
      const pages = await pagesDuring(world, async () => {
        assert.equal(failureOf(await probe(world, JUST_WORKS.address, 'high')), 'weak-link');
      });
      nothingSent(pages);
      const { outcome } = await probe(world, JUST_WORKS.address, 'medium');
      assert.ok(outcome.proved);
      assert.equal(outcome.authenticated, false);
    },
  },
  {
    title: 'never asks a debug key',
    needs: ['weak bonds'],
    run: async (world) => {
      const pages = await pagesDuring(world, async () => {
        for (const level of ['medium', 'high'] as const) {
          assert.equal(failureOf(await probe(world, DEBUG_KEY.address, level)), 'weak-link');
        }
      });
      nothingSent(pages);
    },
  },
  {
    title: 'does nothing for a caller that has given up',
    needs: [],
    run: async (world) => {
      const given = new AbortController();
      given.abort(new Error('given up'));
      const pages = await pagesDuring(world, async () => {
        const options = { minLevel: 'high', within: PROBE_WITHIN, signal: given.signal } as const;
        await assert.rejects(world.hal.probe(GENUINE.address, options), /given up/);
        await assert.rejects(world.hal.bonded({ signal: given.signal }), /given up/);
      });
      nothingSent(pages);
    },
  },
  {
    title: 'lets a second probe wait for its turn, and both come to their end',
    needs: [],
    run: async (world) => {
      const both = await Promise.all([probe(world), probe(world, GENUINE.address, 'medium')]);
      assert.deepEqual(both.map(failureOf), ['proved', 'proved']);
    },
  },
  {
    title: 'ends within its time',
    needs: [],
    run: async (world) => {
      await world.answer(GENUINE.address, 'nobody');
      const { outcome } = await probe(world, GENUINE.address, 'high', milliseconds(1));
      assert.equal(outcome.proved, false);
      await world.answer(GENUINE.address, 'phone');
    },
  },
  {
    title: 'begins with whether it can be asked, then hints at links',
    needs: ['links'],
    run: async (world) => {
      await using seen = new SeenBluetooth(world.hal);
      await seen.next(() => true);
      assert.equal(seen.all[0]?.type, 'available');
      await world.link(GENUINE.address, true);
      const up = await seen.next((event) => event.type === 'hint' && event.what === 'link-up');
      assert.equal(up.type === 'hint' && up.address, GENUINE.address);
      await world.link(GENUINE.address, false);
      await seen.next((event) => event.type === 'hint' && event.what === 'link-down');
    },
  },
  {
    title: 'tells that the bonds have changed, and forgets what is not bonded any more',
    needs: ['unpair'],
    run: async (world) => {
      const extra = { ...GENUINE, address: '0c:11:22:33:44:07', identityKey: null };
      await using seen = new SeenBluetooth(world.hal);
      await seen.next(({ type }) => type === 'available');
      await world.pair(extra);
      await seen.next(({ type }) => type === 'bonds-changed');
      assert.equal(failureOf(await probe(world, extra.address)), 'proved');
      const from = seen.all.length;
      await world.unpair(extra.address);
      await seen.next(({ type }) => type === 'bonds-changed', from);
      assert.equal(failureOf(await probe(world, extra.address)), 'not-bonded');
    },
  },
  {
    title: 'tells that the radio was switched off, and proves nothing then',
    needs: ['power'],
    run: async (world) => {
      await using seen = new SeenBluetooth(world.hal);
      await seen.next(({ type }) => type === 'available');
      await world.power(false);
      const off = await seen.next(({ type }) => type === 'unavailable');
      assert.equal(off.type === 'unavailable' && off.reason, 'radio-off');
      assert.equal(failureOf(await probe(world)), 'radio-off');
      const from = seen.all.length;
      await world.power(true);
      await seen.next(({ type }) => type === 'available', from);
      assert.equal(failureOf(await probe(world)), 'proved');
    },
  },
  {
    title: 'keeps nothing of what the daemon had said when it dies, and comes back by itself',
    needs: [],
    run: async (world) => {
      await using seen = new SeenBluetooth(world.hal);
      await seen.next(({ type }) => type === 'available');
      await world.stopDaemon();
      const gone = await seen.next(({ type }) => type === 'unavailable');
      assert.equal(gone.type === 'unavailable' && gone.reason, 'daemon-gone');
      const listed = await world.hal.bonded({ signal: signal() }).catch((error: unknown) => error);
      assert.ok(isUnlockdError(listed, 'ERR_HAL_NOT_FOUND', 'ERR_HAL_DISCONNECTED'), String(listed));
      const pages = await pagesDuring(world, async () => {
        assert.equal(failureOf(await probe(world)), 'failed');
      });
      nothingSent(pages);
      const from = seen.all.length;
      await world.startDaemon();
      await seen.next(({ type }) => type === 'available', from);
      assert.equal(failureOf(await probe(world)), 'proved');
    },
  },
];
