/**
 * The stage of a walkthrough in the guest: sets up just the devices that are given, starts the daemon, and does what a
 * person would do with their hands. What cannot be done here is a value that says why.
 */
import type { StageAnswer, StageNames, StageRequest } from '../../../agent/lanes/lab-stage.ts';
import type { LaneDevice, SystemDaemon } from '../../../agent/walkthrough/lane.ts';
import type { Walkthrough } from '../../../agent/walkthrough/schema.ts';
import type { PhysicalStep } from '../../../drivers/hal/operator.ts';
import { startBus } from '../../radio/guest/world.ts';
import { Bluetooth } from './bluetooth.ts';
import { Daemon } from './daemon.ts';
import { tpmDevice } from './devices.ts';
import { Keys } from './keys.ts';
import { Network, WIRED } from './network.ts';
import { OtherTpms } from './other-tpm.ts';
import { Sessions } from './sessions.ts';
import { askStrangers, type Comparison } from './strangers.ts';
import { WIRELESS, Wifi } from './wifi.ts';

type Given = Walkthrough['given'];
type Plain = Exclude<StageRequest, { do: 'devices' | 'open' }>;

const NO_NETWORK = 'there is no network here';

/** @param work left out: there is nothing to do it with */
async function done(work: Promise<void> | undefined, otherwise: string): Promise<string | null> {
  if (work === undefined) return otherwise;
  await work;
  return null;
}

export class Stage implements AsyncDisposable {
  readonly daemon = new Daemon();
  readonly #say: (line: string) => void;
  #keys: Keys | null = null;
  #bluetooth: Bluetooth | null = null;
  #network: Network | null = null;
  #wifi: Wifi | null = null;
  #sessions: Sessions | null = null;
  readonly #tpms = new OtherTpms();

  /** @param say progress, for whoever looks for what went wrong */
  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  async answer(request: StageRequest): Promise<StageAnswer> {
    this.#say(JSON.stringify(request));
    try {
      if (request.do === 'open') return { ok: true, why: null, names: await this.#open(request.given) };
      if (request.do === 'devices') return { ok: true, why: null, devices: this.#devices() };
      return { ok: true, why: await this.#carryOut(request) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#say(error instanceof Error ? (error.stack ?? message) : message);
      return { ok: false, message };
    }
  }

  async #open(given: Given): Promise<StageNames> {
    const begun = performance.now();
    const took = (what: string) => this.#say(`${what} after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    this.#keys = await Keys.of(given);
    await startBus();
    took('keys and bus');
    if (Object.keys(given.phones).length > 0) {
      this.#bluetooth = await Bluetooth.start(given.phones);
      took('Bluetooth');
    }
    await this.#startNetworks(given, took);
    if (given.policy !== undefined && 'dynamicLock' in given.policy) {
      this.#sessions = new Sessions();
      await this.#sessions.start();
      took('a session');
    }
    await this.daemon.start();
    took('the daemon listens');
    return { phones: this.#bluetooth?.addresses ?? {}, roots: this.#wifi?.roots ?? {} };
  }

  async #startNetworks(given: Given, took: (what: string) => void): Promise<void> {
    const radios = Object.keys(given.wifi).length > 0 ? new Wifi(given) : null;
    if (radios === null && Object.keys(given.networks).length === 0) return;
    this.#wifi = radios;
    this.#network = new Network(given.networks);
    await this.#network.start(async () => {
      await radios?.start();
      took('radios and access points');
    });
    took('NetworkManager');
    if (given.cable !== undefined) await this.#network.plug(given.cable);
    if (given.joined !== undefined) await radios?.join(given.joined);
    took('the networks');
  }

  async #carryOut(request: Plain): Promise<string | null> {
    const keys = this.#keys?.hands;
    switch (request.do) {
      case 'insert':
        keys?.named(request.key).insert();
        return null;
      case 'remove':
        keys?.named(request.key).remove();
        return null;
      case 'touch':
        keys?.touch();
        return null;
      case 'hands-off':
        keys?.handsOff();
        return null;
      case 'daemon':
        if (request.what !== 'start') await this.daemon.end(request.what === 'kill' ? 'SIGKILL' : 'SIGTERM');
        if (request.what !== 'kill') await this.daemon.start();
        return null;
      case 'restart':
        return await this.#restart(request.what);
      case 'perform':
        return await this.#perform(request.step);
    }
  }

  async #restart(what: SystemDaemon): Promise<string | null> {
    if (what === 'bluetoothd' && this.#bluetooth !== null) {
      await this.#bluetooth.restart();
      return null;
    }
    if (what === 'NetworkManager' && this.#network !== null) {
      await this.#network.restart();
      return null;
    }
    return `${what} does not run here`;
  }

  async #perform(step: PhysicalStep): Promise<string | null> {
    switch (step.do) {
      case 'phone':
        return this.#bluetooth === null ? 'there is no phone' : await this.#bluetooth.move(step.phone, step.is);
      case 'finger':
        return 'there is no fingerprint reader';
      case 'keyboard':
        if (this.#sessions === null) return 'nobody is logged in to this guest';
        await this.#sessions.keyboard(step.is);
        return null;
      case 'suspend':
        return 'a guest that sleeps is not woken by anything that belongs to it';
      case 'replace-tpm':
        await this.daemon.moveTo(await this.#tpms.next());
        return null;
      case 'access-point':
        return await done(this.#wifi?.switch(step.network, step.is), NO_NETWORK);
      case 'join':
        return await done(this.#wifi?.join(step.network), NO_NETWORK);
      case 'cable':
        return await done(this.#network?.plug(step.network), NO_NETWORK);
      case 'renumber':
        return await done(this.#network?.renumber(step.network, step.to), NO_NETWORK);
    }
  }

  /** As they describe themselves. */
  #devices(): readonly LaneDevice[] {
    return [
      tpmDevice(),
      ...(this.#keys?.hands.devices('emulated') ?? []),
      ...(this.#bluetooth?.devices() ?? []),
      ...(this.#wifi?.devices() ?? []),
    ];
  }

  /** What programs that know nothing of this project say, beside what the daemon says; nothing where it does not run. */
  async strangers(): Promise<readonly Comparison[]> {
    if (!this.daemon.runs) return [];
    const bluetooth = this.#bluetooth;
    const [address = ''] = Object.values(bluetooth?.addresses ?? {});
    return await askStrangers({
      api: this.daemon.api,
      hasKeys: (this.#keys?.hands.names.length ?? 0) > 0,
      phone: bluetooth === null ? null : { controller: bluetooth.controller, address },
      wired: this.#network?.hasCable === true ? WIRED : null,
      wireless: this.#wifi === null ? null : WIRELESS,
      firstTpm: this.#tpms.count === 0,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.end('SIGTERM');
    for (const part of [this.#sessions, this.#bluetooth, this.#wifi, this.#network, this.#tpms])
      await part?.[Symbol.asyncDispose]();
    await this.#keys?.[Symbol.asyncDispose]();
  }
}
