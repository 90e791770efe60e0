/**
 * The world of the contract in the guest: the product's BlueZ driver and radio process on the computer's adapter, a
 * phone on the other one. The phone is bonded for real; its impostor is the same controller at the same address, with the class
 * of a phone, whose kernel has no link key.
 */
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BluetoothHal } from '../../../drivers/hal/bluetooth.ts';
import { bluezBluetooth } from '../../../drivers/linux/bluetooth/bluez.ts';
import { radioProcess } from '../../../drivers/linux/bluetooth/radio-process.ts';
import type { RadioSocket } from '../../../drivers/linux/bluetooth/radio-sockets.ts';
import { type Answering, type BluetoothWorld, GENUINE } from '../../contract/bluetooth/bluetooth-cases.ts';
import { openBareLink } from './bare-link.ts';
import { BluezClient, PC, PHONE } from './bluez-client.ts';
import { disconnect } from './mgmt.ts';
import { renamed } from './renamed-host.ts';
import { PC_INDEX, PHONE_INDEX, STRENGTH, tool, until, type World } from './world.ts';

/** Where the phone's side of the bond is while an impostor is in its place; on the file system of the others. */
const KEPT_BOND = '/var/lib/bluetooth/kept-bond';
/** Milliseconds. */
const SETTLE = 1000;
const PHONE_HCI = `hci${PHONE_INDEX}`;
const PHONE_CLASS = '0x5a020c';

export class GuestHost implements BluetoothWorld {
  readonly hal: BluetoothHal;
  readonly prober = radioProcess();
  readonly bluez = new BluezClient();
  readonly world: World;
  pc = '';
  phone = '';
  #away = false;
  #present: 'phone' | 'impostor' = 'phone';
  #link: RadioSocket | null = null;

  private constructor(world: World, phone: string) {
    this.world = world;
    this.phone = phone;
    const names = { here: phone, there: GENUINE.address };
    this.hal = renamed(bluezBluetooth({ prober: this.prober }), names, () => this.pc);
  }

  static async start(world: World): Promise<GuestHost> {
    await world.startControllers('BR/EDR');
    world.startDaemon();
    const phone = /BD Address: (\S+)/.exec(tool('hciconfig', PHONE_HCI))?.[1] ?? '';
    const host = new GuestHost(world, phone.toLowerCase());
    await host.#bothUp();
    host.pc = await host.bluez.address(PC);
    return host;
  }

  /**
   * On a machine with much else to do it was seen that bluetoothd never told of a controller that had been made anew (a kernel
   * waits two seconds for an answer to a command, which may be the reason): then both are made once more.
   */
  async #startControllers(): Promise<void> {
    for (let left = 2; ; left--) {
      await this.world.startControllers('BR/EDR');
      try {
        return await this.#bothUp();
      } catch (error) {
        if (left === 0) throw error;
        process.stdout.write(`controllers are made anew: ${String(error)}\n`);
        await this.world.stopControllers();
      }
    }
  }

  async #bothUp(): Promise<void> {
    for (const adapter of [PC, PHONE]) {
      await until(adapter, 30, () => this.bluez.address(adapter));
      await this.bluez.power(adapter, true);
    }
    await this.#dress();
  }

  /** BlueZ sets a class of its own some time after it switched an adapter on. */
  async #dress(): Promise<void> {
    for (let times = 0; times < 3; times++) {
      tool('hciconfig', PHONE_HCI, 'class', PHONE_CLASS);
      await sleep(100);
    }
  }

  /** The bond file of one of the two sides. */
  bondFile(adapter: string, device: string): string {
    return readFileSync(`/var/lib/bluetooth/${adapter.toUpperCase()}/${device.toUpperCase()}/info`, 'utf8');
  }

  /** By numeric comparison; the person compares and says yes on both sides. */
  async pair(): Promise<void> {
    const { bluez, phone } = this;
    await bluez.registerAgent('DisplayYesNo');
    for (const adapter of [PC, PHONE]) await bluez.set(adapter, 'Pairable', 'b', true);
    await bluez.set(PHONE, 'Discoverable', 'b', true);
    await bluez.discover(PC, 'bredr', true);
    await until('the phone', 30, () => bluez.device(PC, phone, 'RSSI'));
    await until('the phone’s name', 30, () => bluez.device(PC, phone, 'Name'));
    await bluez.discover(PC, 'bredr', false);
    await bluez.pair(PC, phone);
    // Nobody is there to say yes from now on.
    await bluez.unregisterAgent();
    await bluez.set(PHONE, 'Discoverable', 'b', false);
  }

  async answer(_address: string, who: Answering): Promise<void> {
    await this.link('', false);
    if (who !== 'nobody' && who !== this.#present) await this.#replacePhone(who);
    // A page that was given up is still being taken back; one that reached the emulator would end in a link nobody wants.
    if (this.#away) await sleep(SETTLE);
    this.#away = who === 'nobody';
    this.world.setAir({ out: this.#away, rssi: STRENGTH });
    await sleep(SETTLE / 4);
  }

  /**
   * The controllers remember the last key that they were told, so that an impostor at the same controller would answer
   * with the key of the phone: both are made anew, and the phone's side starts with its bonds or without.
   */
  async #replacePhone(who: 'phone' | 'impostor'): Promise<void> {
    await this.world.stopControllers();
    const bonds = `/var/lib/bluetooth/${this.phone.toUpperCase()}`;
    if (who === 'impostor') renameSync(`${bonds}/${this.pc.toUpperCase()}`, KEPT_BOND);
    else {
      rmSync(`${bonds}/${this.pc.toUpperCase()}`, { recursive: true, force: true });
      renameSync(KEPT_BOND, `${bonds}/${this.pc.toUpperCase()}`);
    }
    await this.#startControllers();
    this.#present = who;
    // Without a bond it would not listen.
    await this.bluez.set(PHONE, 'Discoverable', 'b', who === 'impostor');
    await this.#dress();
  }

  /** Also drops a link that a probe has left behind, so that the next one is made anew. */
  async link(_address: string, up: boolean): Promise<void> {
    this.#link?.close();
    this.#link = null;
    if (up) this.#link = await openBareLink(this.phone, this.pc);
    else {
      if (!(await this.bluez.get(PC, 'org.bluez.Adapter1', 'Powered'))) return;
      await disconnect(PC_INDEX, this.phone);
      await until('no link', 10, async () => (await this.bluez.device(PC, this.phone, 'Connected')) === false);
    }
  }

  async power(on: boolean): Promise<void> {
    for (const adapter of [PC, PHONE]) await this.bluez.power(adapter, on);
    if (on) await this.#dress();
  }

  async stopDaemon(): Promise<void> {
    await this.world.killDaemon();
  }

  async startDaemon(): Promise<void> {
    this.world.startDaemon();
    await this.#bothUp();
  }

  async unpair(): Promise<void> {
    throw new Error('there is one phone');
  }

  pages(): null {
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#link?.close();
    await this.hal[Symbol.asyncDispose]();
    await this.prober[Symbol.asyncDispose]();
    await this.bluez[Symbol.asyncDispose]();
  }
}
