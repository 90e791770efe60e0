/**
 * What lies around the machine of the mock lane as the walkthrough gives it, and the virtual operator who moves it about:
 * phones, access points, cables, fingers, the keyboard. Names become addresses and thumbprints of this lane's own.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import { utf8 } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { VerifiedRoot } from '../../drivers/hal/network.ts';
import type { PhonePlace, PhysicalStep } from '../../drivers/hal/operator.ts';
import type { MockAnswer } from '../../hal-mocks/bluetooth/mock-bluetooth.ts';
import type { mockInterface } from '../../hal-mocks/network/mock-ip.ts';
import type { LaneDevice, SystemDaemon } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';
import type { MockSurroundings } from './mock-surroundings.ts';
import { isNetworkStep, Networks, rootDigest } from './networks.ts';

const WIRED = 'eth0';
const WIRELESS = 'wlan0';
const SESSION = '1';
/** Templates of the reader; the other one is nobody's. */
const FINGERS = { own: 'right-index-finger', other: 'left-thumb' } as const;
/** A reader that nobody claims in this time waits for nobody. */
const FINGER_TRIES = 100;
const FINGER_EVERY = milliseconds(10);
const QUALITY = 80;

/** A phone that is switched off, or out of reach, answers no page; which of the two it is nobody can tell. */
const ANSWERS: Readonly<Record<PhonePlace, MockAnswer>> = {
  near: 'phone',
  away: 'nobody',
  off: 'nobody',
  impostor: 'impostor',
};

const verifiedRoot = (name: string): VerifiedRoot => ({
  sha1: rootDigest('sha1', name),
  sha256: rootDigest('sha256', name),
  source: 'login',
  serverName: null,
});

const unknown = (what: string, name: string): UnlockdError =>
  new UnlockdError('ERR_HAL_NOT_FOUND', `there is no ${what} ${name}`);

/** What stays where the machine is, or is the machine itself, is not moved about. */
type Moved = Exclude<PhysicalStep, { do: 'suspend' | 'replace-tpm' }>;

export interface MockWorldParts {
  readonly clock: Clock;
  readonly surroundings: MockSurroundings;
  /** Makes a wired interface. */
  readonly wired: typeof mockInterface;
  /** Whose phones, finger and session they are. */
  readonly person: { readonly uid: number; readonly name: string };
}

export class MockWorld {
  readonly #parts: MockWorldParts;
  readonly #given: Walkthrough['given'];
  readonly #networks: Networks;

  constructor(given: Walkthrough['given'], parts: MockWorldParts) {
    this.#given = given;
    this.#parts = parts;
    this.#networks = new Networks(given);
    this.#arrange();
  }

  #arrange(): void {
    const { bluetooth, biometric, sessions } = this.#parts.surroundings;
    const { person } = this.#parts;
    for (const [name, place] of Object.entries(this.#given.phones)) {
      bluetooth.put({
        address: this.addressOf(name),
        name,
        bond: rootDigest('sha256', `bond of ${name}`),
        answers: ANSWERS[place],
      });
    }
    if (this.#given.fingerprint !== undefined) {
      biometric.plug({ name: 'mock', modality: 'fingerprint', manner: 'press' });
      if (this.#given.fingerprint === 'known') biometric.enrol(person.name, 'fingerprint', FINGERS.own);
    }
    sessions.logIn({ id: SESSION, uid: person.uid });
    this.#connect();
  }

  /** @throws {ERR_HAL_NOT_FOUND} */
  addressOf(phone: string): string {
    const at = Object.keys(this.#given.phones).indexOf(phone);
    if (at < 0) throw unknown('phone', phone);
    return `a0:b1:c2:d3:e4:${(at + 1).toString(16).padStart(2, '0')}`;
  }

  thumbprintOf(root: string): string {
    return rootDigest('sha256', root);
  }

  /** @returns null: all of it can be done @throws {ERR_HAL_NOT_FOUND} */
  async perform(step: Moved, { signal }: { readonly signal: AbortSignal }): Promise<string | null> {
    const { bluetooth, sessions } = this.#parts.surroundings;
    signal.throwIfAborted();
    if (isNetworkStep(step)) {
      this.#networks.move(step);
      this.#connect();
      return null;
    }
    switch (step.do) {
      case 'phone':
        bluetooth.answer(this.addressOf(step.phone), ANSWERS[step.is]);
        return null;
      case 'finger':
        await this.#show(step.finger, signal);
        return null;
      case 'keyboard':
        sessions.setIdle(SESSION, step.is === 'idle' ? this.#parts.clock.now() : null);
        return null;
    }
  }

  /** A daemon of the system goes away, and comes back with what it finds. */
  restart(what: SystemDaemon): void {
    const { bluetooth, ip, wifi } = this.#parts.surroundings;
    if (what === 'bluetoothd') {
      bluetooth.setOutage('daemon-gone');
      bluetooth.setOutage(null);
      return;
    }
    ip.setDown('daemon-gone');
    wifi.setOutage('daemon-gone');
    ip.setDown(null);
    wifi.setOutage(null);
    this.#connect();
  }

  devices(): readonly LaneDevice[] {
    const mock = (kind: LaneDevice['kind'], name: string, more: LaneDevice['more'] = {}): LaneDevice => {
      return { kind, name, nature: 'simulated', model: null, firmware: null, more };
    };
    const { fingerprint, phones } = this.#given;
    return [
      ...Object.keys(phones).map((name) => mock('bluetooth', name, { address: this.addressOf(name) })),
      ...this.#networks.devices(),
      ...(fingerprint === undefined ? [] : [mock('fingerprint', 'reader')]),
    ];
  }

  async #show(finger: keyof typeof FINGERS, signal: AbortSignal): Promise<void> {
    const { biometric } = this.#parts.surroundings;
    for (let tries = 0; tries < FINGER_TRIES; tries++) {
      if (biometric.show('fingerprint', FINGERS[finger])) return;
      await this.#parts.clock.sleep(FINGER_EVERY, { signal });
    }
  }

  /** The interfaces are as the networks are now. */
  #connect(): void {
    const { ip, wifi } = this.#parts.surroundings;
    const { joined, wired } = this.#networks;
    if (wired === null) ip.remove(WIRED);
    else {
      const { address, gateway, dhcpServer, dnsServers } = wired;
      const ipv4 = { addresses: [address], gateways: [gateway], dhcpServers: [dhcpServer], dnsServers };
      ip.put(this.#parts.wired(WIRED, { ipv4 }));
    }
    if (joined === null) wifi.disassociate(WIRELESS);
    else {
      const { ssid, bssid, security, root } = joined;
      wifi.associate({
        interface: WIRELESS,
        ssid: utf8(ssid),
        bssid,
        security,
        quality: QUALITY,
        root: root === null ? null : verifiedRoot(root),
      });
    }
  }
}
