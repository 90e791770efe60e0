/**
 * The world of a walkthrough as far as it is certain without running anything: which keys, phones and networks there are
 * and where, which PINs have a name, whether the daemon runs. Each method returns what is wrong, in words; null: nothing,
 * and the world is as it is afterwards.
 */
import type { PhonePlace } from '../../drivers/hal/operator.ts';
import { NO_CABLE, type Step, type Walkthrough, WRONG_PIN } from './schema.ts';

type KeyState = 'plugged' | 'unplugged' | 'lost';

export class World {
  readonly keys: Map<string, KeyState>;
  readonly pins = new Set<string>([WRONG_PIN]);
  readonly #given: Walkthrough['given'];
  readonly #phones: Map<string, PhonePlace>;
  readonly #accessPoints: Map<string, 'on' | 'off'>;
  readonly #lostIn = new Map<string, number>();
  #cable: string | null;
  #joined: string | null;
  runs = true;

  constructor({ given }: Walkthrough) {
    this.#given = given;
    this.keys = new Map(Object.entries(given.keys));
    this.#phones = new Map(Object.entries(given.phones));
    this.#accessPoints = new Map(Object.entries(given.wifi).map(([name, { is }]) => [name, is]));
    this.#cable = given.cable ?? null;
    this.#joined = given.joined ?? null;
    if (given.enrolled !== undefined) this.pins.add(given.enrolled.pin);
  }

  plugged(): readonly string[] {
    return [...this.keys].filter(([, state]) => state === 'plugged').map(([key]) => key);
  }

  /** Why nothing can be done with a key of this name; null: it is there. */
  unusable(key: string): string | null {
    if (!this.keys.has(key)) return `there is no key ${key}: name it in given.keys`;
    const lost = this.#lostIn.get(key);
    return lost === undefined ? null : `${key} was lost in step ${lost + 1}`;
  }

  unknownPin(pin: string): string | null {
    if (this.pins.has(pin)) return null;
    return `no PIN is called ${pin} so far: those that are set have names, one that nobody has set is called ${WRONG_PIN}`;
  }

  unknownPhone(phone: string): string | null {
    return this.#phones.has(phone) ? null : `there is no phone ${phone}: name it in given.phones`;
  }

  noReader(): string | null {
    return this.#given.fingerprint === undefined ? 'there is no reader: say so in given.fingerprint' : null;
  }

  insert(key: string): string | null {
    const fault = this.unusable(key);
    if (fault === null && this.keys.get(key) === 'plugged') return `${key} is plugged in already`;
    if (fault === null) this.keys.set(key, 'plugged');
    return fault;
  }

  remove(key: string): string | null {
    const fault = this.unusable(key);
    if (fault === null && this.keys.get(key) === 'unplugged') return `${key} is not plugged in`;
    if (fault === null) this.keys.set(key, 'unplugged');
    return fault;
  }

  lose(key: string, step: number): string | null {
    const fault = this.unusable(key);
    if (fault !== null) return fault;
    this.keys.set(key, 'lost');
    this.#lostIn.set(key, step);
    return null;
  }

  move(phone: string, place: PhonePlace): string | null {
    const fault = this.unknownPhone(phone);
    if (fault !== null) return fault;
    if (this.#phones.get(phone) === place) return `${phone} is ${place} already`;
    this.#phones.set(phone, place);
    return null;
  }

  switchAccessPoint(network: string, is: 'on' | 'off'): string | null {
    if (!this.#accessPoints.has(network)) return `there is no Wi-Fi ${network}: name it in given.wifi`;
    if (this.#accessPoints.get(network) === is) return `${network} is ${is} already`;
    this.#accessPoints.set(network, is);
    if (is === 'off' && this.#joined === network) this.#joined = null;
    return null;
  }

  join(network: string): string | null {
    if (!this.#accessPoints.has(network)) return `there is no Wi-Fi ${network}: name it in given.wifi`;
    if (this.#joined === network) return `${network} is joined already`;
    if (this.#accessPoints.get(network) === 'off') return `${network} is off`;
    this.#joined = network;
    return null;
  }

  leave(network: string): string | null {
    if (this.#joined !== network) return `${network} is not joined`;
    this.#joined = null;
    return null;
  }

  cable(network: string): string | null {
    if (network === NO_CABLE) {
      if (this.#cable === null) return 'there is no cable in the machine';
      this.#cable = null;
      return null;
    }
    const fault = this.unknownNetwork(network);
    if (fault === null && this.#cable === network) return `the cable of ${network} is in the machine already`;
    if (fault === null) this.#cable = network;
    return fault;
  }

  unknownNetwork(network: string): string | null {
    return Object.hasOwn(this.#given.networks, network)
      ? null
      : `there is no network ${network}: name it in given.networks`;
  }

  daemon(what: Extract<Step, { action: 'daemon' }>['value']): string | null {
    if (what === 'start' && this.runs) return 'the daemon runs already';
    if (what !== 'start' && !this.runs) return 'the daemon does not run: start it';
    this.runs = what !== 'kill';
    return null;
  }
}
