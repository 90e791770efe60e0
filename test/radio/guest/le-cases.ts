/**
 * A device bonded over LE alone, on controllers that know nothing else. Here the keys are agreed and proved by the two
 * kernels themselves (SMP): the controllers only encrypt.
 */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { milliseconds } from '../../../drivers/base/brand.ts';
import type { BluetoothHal, LinkLevel, Probe } from '../../../drivers/hal/bluetooth.ts';
import { bluezBluetooth } from '../../../drivers/linux/bluetooth/bluez.ts';
import { radioProcess } from '../../../drivers/linux/bluetooth/radio-process.ts';
import { BluezClient, PC, PHONE } from './bluez-client.ts';
import { advertise, disconnect } from './mgmt.ts';
import { PC_INDEX, PHONE_INDEX, until, type World } from './world.ts';

const BONDS = '/var/lib/bluetooth';
const LE_PUBLIC = 1;
/** At each level. */
const ATTEMPTS = 4;
const LEVELS = ['medium', 'high'] as const;

export class LeScene implements AsyncDisposable {
  readonly #bluez = new BluezClient();
  readonly #prober = radioProcess();
  readonly hal: BluetoothHal = bluezBluetooth({ prober: this.#prober });
  device = '';

  /**
   * Takes the place of the other scene, whose controllers and daemon have ended; the addresses come again, the bonds do not.
   * A bluetoothd that answers nobody after the pairing, seen on a busy machine, is begun anew once, and what its threads
   * wait for is printed.
   */
  async start(world: World): Promise<void> {
    await this.#pairAnew(world);
    try {
      await until('an answer of bluetoothd', 10, () => this.#bluez.address(PC));
    } catch (error) {
      process.stdout.write(`bluetoothd is begun anew: ${String(error)}\n${world.daemonWaits()}`);
      await world.killDaemon();
      await world.stopControllers();
      await this.#pairAnew(world);
    }
  }

  async #pairAnew(world: World): Promise<void> {
    for (const name of readdirSync(BONDS)) rmSync(join(BONDS, name), { recursive: true });
    await world.startControllers('LE');
    world.startDaemon();
    const bluez = this.#bluez;
    for (const adapter of [PC, PHONE]) {
      await until(adapter, 30, () => bluez.address(adapter));
      await bluez.power(adapter, true);
      await bluez.set(adapter, 'Pairable', 'b', true);
    }
    this.device = await bluez.address(PHONE);
    await bluez.registerAgent('DisplayYesNo');
    await advertise(PHONE_INDEX, true);
    await bluez.discover(PC, 'le', true);
    await until('the device', 60, () => bluez.device(PC, this.device, 'RSSI'));
    await bluez.discover(PC, 'le', false);
    await bluez.pair(PC, this.device);
    await bluez.unregisterAgent();
  }

  /** The six digits that were compared. */
  get compared(): number {
    return this.#bluez.shown[0] ?? 0;
  }

  /** Drops the link; whether the device can be found again. */
  async part(findable: boolean): Promise<void> {
    await disconnect(PC_INDEX, this.device, LE_PUBLIC);
    await until('no link', 20, async () => (await this.#bluez.device(PC, this.device, 'Connected')) === false);
    await advertise(PHONE_INDEX, findable);
  }

  /** Another device in its place: the same address, no key. */
  async replace(): Promise<void> {
    await this.#bluez.removeDevice(PHONE, await this.#bluez.address(PC));
  }

  /** The first one starts the radio process, which takes half a minute on a machine with much else to do. */
  probe(minLevel: LinkLevel, within = 60_000): Promise<Probe> {
    const signal = new AbortController().signal;
    return this.hal.probe(this.device, { minLevel, within: milliseconds(within), signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hal[Symbol.asyncDispose]();
    await this.#prober[Symbol.asyncDispose]();
    await this.#bluez[Symbol.asyncDispose]();
  }
}

export interface LeCase {
  readonly title: string;
  run(scene: LeScene): Promise<string>;
}

/** In this order: each begins where the one before it ended. */
export const LE_CASES: readonly LeCase[] = [
  {
    title: 'over LE, a bond by numeric comparison has an authenticated key',
    run: async (scene) => {
      const bonds = await scene.hal.bonded({ signal: new AbortController().signal });
      const bond = bonds.find(({ address }) => address === scene.device);
      assert.deepEqual([bond?.bearers, bond?.key], [['LE'], 'authenticated']);
      return `compared ${String(scene.compared).padStart(6, '0')}`;
    },
  },
  {
    title: 'over LE, a link that BlueZ uses itself cannot be asked: that is no proof, and no refusal',
    run: async (scene) => {
      const { outcome } = await scene.probe('high');
      assert.deepEqual(outcome, { proved: false, reason: 'failed', detail: 'connection: EBUSY' });
      return '';
    },
  },
  {
    title: 'over LE, the device that has the key is proved at medium and high',
    run: async (scene) => {
      for (const level of Array.from({ length: ATTEMPTS }, () => LEVELS).flat()) {
        await scene.part(true);
        const { bearer, outcome } = await scene.probe(level);
        assert.equal(bearer, 'LE');
        assert.ok(outcome.proved, JSON.stringify(outcome));
        assert.equal(outcome.keySize, 16);
        // At medium the link is at the level that was asked for, or at a higher one where the other side asked for that.
        if (level === 'high') assert.equal(outcome.authenticated, true);
        if (outcome.rssi !== null) assert.equal(outcome.rssi.scale, 'dBm');
      }
      return '';
    },
  },
  {
    title: 'over LE, a device that does not advertise is unreachable',
    run: async (scene) => {
      await scene.part(false);
      const { outcome } = await scene.probe('high', 6000);
      assert.deepEqual(outcome, { proved: false, reason: 'unreachable', detail: 'no answer in time' });
      return '';
    },
  },
  {
    title: 'over LE, whoever has the address without the key is refused at medium and high',
    run: async (scene) => {
      await scene.replace();
      for (const level of LEVELS) {
        // Several times: the other side speaks as soon as there is a link, at times before the key is asked for, at times after.
        for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
          await scene.part(true);
          const { outcome } = await scene.probe(level);
          assert.deepEqual(
            [outcome.proved, 'reason' in outcome && outcome.reason],
            [false, 'refused'],
            JSON.stringify(outcome),
          );
        }
      }
      return `${ATTEMPTS} times at each level`;
    },
  },
];
