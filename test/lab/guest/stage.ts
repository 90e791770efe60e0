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

type Given = Walkthrough['given'];
type Plain = Exclude<StageRequest, { do: 'devices' | 'open' }>;

const NO_SESSIONS = 'nobody is logged in to this guest';

export class Stage implements AsyncDisposable {
  readonly daemon = new Daemon();
  readonly #say: (line: string) => void;
  #keys: Keys | null = null;
  #bluetooth: Bluetooth | null = null;

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
    await this.daemon.start();
    took('the daemon listens');
    return { phones: this.#bluetooth?.addresses ?? {}, roots: {} };
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
    return `${what} does not run here`;
  }

  async #perform(step: PhysicalStep): Promise<string | null> {
    switch (step.do) {
      case 'phone':
        return this.#bluetooth === null ? 'there is no phone' : await this.#bluetooth.move(step.phone, step.is);
      case 'finger':
        return 'there is no fingerprint reader';
      case 'keyboard':
        return NO_SESSIONS;
      case 'suspend':
        return 'a guest that sleeps is not woken by anything that belongs to it';
      case 'replace-tpm':
        return 'the TPM is a part of the machine below the guest, and stays in it while it runs';
      default:
        return `${step.do}: there is no network here`;
    }
  }

  /** As they describe themselves. */
  #devices(): readonly LaneDevice[] {
    return [tpmDevice(), ...(this.#keys?.hands.devices('emulated') ?? []), ...(this.#bluetooth?.devices() ?? [])];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.end('SIGTERM');
    await this.#bluetooth?.[Symbol.asyncDispose]();
    await this.#keys?.[Symbol.asyncDispose]();
  }
}
