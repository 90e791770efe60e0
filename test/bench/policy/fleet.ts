/**
 * The policy and the day that three engines are shown: a fleet with that many trusted places, and a machine whose
 * signals change one at a time. "PIN or security key, and a trusted place or a finger"; no rules: PIN and security key.
 */
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { policyFor, type UnlockPolicy } from '../../../agent/policy/model.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import type { IpFamily, IpInterface, Observations } from '../../../drivers/observation.ts';
import type { FactorSignal, SignalKind, SurroundingKind, SurroundingSignal } from '../../../drivers/signal.ts';
import { SeededDice } from '../../oracle/dice.ts';

/** A trusted place, as plain as the other engines' rules have it. */
export type Place =
  | { readonly is: 'gateway'; readonly prefix: string; readonly gateway: string }
  | { readonly is: 'dns'; readonly prefix: string; readonly server: string }
  | { readonly is: 'wifi'; readonly ssid: string; readonly quality: number }
  | { readonly is: 'phone'; readonly rssiMin: number };

const subnet = (i: number): string => `10.${(i >> 8) & 255}.${i & 255}`;

/** Half of them by gateway, a fifth by DNS server, nearly a third by Wi-Fi, one in a hundred by phone. */
function placeOf(i: number): Place {
  const [net, kind] = [subnet(i), i % 10];
  if (i % 100 === 99) return { is: 'phone', rssiMin: -((i / 100) | 0) - 1 };
  if (kind < 5) return { is: 'gateway', prefix: `${net}.0/24`, gateway: `${net}.1` };
  if (kind < 7) return { is: 'dns', prefix: `${net}.0/24`, server: `10.255.${i % 50}.53` };
  return { is: 'wifi', ssid: `site-${i}`, quality: 40 + (i % 40) };
}

export const placesOf = (count: number): readonly Place[] => Array.from({ length: count }, (_, i) => placeOf(i));

function conditionOf(place: Place): object {
  switch (place.is) {
    case 'gateway':
      return { type: 'ipConfig', ipv4Prefix: place.prefix, ipv4Gateway: place.gateway };
    case 'dns':
      return { type: 'ipConfig', ipv4Prefix: place.prefix, ipv4DnsServer: [place.server] };
    case 'wifi':
      return { type: 'wifi', ssid: place.ssid, security: 'WPA2-Enterprise', signalQuality: place.quality };
    case 'phone':
      return { type: 'bluetooth', rssiMin: place.rssiMin };
  }
}

export function fleetPolicy(places: readonly Place[]): UnlockPolicy {
  const require =
    places.length === 0
      ? { all: ['pin', 'securityKey'] }
      : { all: [{ any: ['pin', 'securityKey'] }, { any: ['trustedSignal', 'fingerprint'] }] };
  const rules = places.map((place, i) => ({ name: `place-${i}`, all: [conditionOf(place)] }));
  return policyFor(checkedDocument({ version: 2, contexts: { unlock: { require } }, rules }), 'unlock');
}

export const OPTIONS = { machineSimulated: false, pinIsBound: true, user: 1000 } as const;

/** A gesture or what was observed, with the time that it counts for, flat: as any engine can compare it. */
export interface FlatState {
  readonly now: number;
  readonly pin: FlatGesture;
  readonly key: FlatGesture;
  readonly finger: FlatGesture;
  readonly ip: {
    readonly at: number;
    readonly lasts: number;
    readonly address: string;
    readonly gateway: string;
    readonly dns: string;
  };
  readonly wifi: {
    readonly at: number;
    readonly lasts: number;
    readonly ssid: string;
    readonly security: string;
    readonly quality: number;
  };
  /** Of the user's phone, proved just now. */
  readonly phone: { readonly at: number; readonly lasts: number; readonly major: number; readonly rssi: number };
}

interface FlatGesture {
  readonly ok: boolean;
  readonly at: number;
  readonly lasts: number;
}

/** One change of a signal, and the state after it. */
export interface Step {
  readonly kind: SignalKind;
  readonly signal: FactorSignal;
  readonly state: FlatState;
}

const UNKNOWN: IpFamily = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };
const LASTS = 6000;
/** Milliseconds from one change to the next. */
const PACE = 700;

/** Signals and states are written out field by field, so that every engine meets objects of one shape, as a driver makes them. */
function gesture(kind: 'pin' | 'securityKey' | 'fingerprint', ok: boolean, at: number): FactorSignal {
  const [source, observedAt, validFor] = ['bench', monotonicMs(at), milliseconds(LASTS)] as const;
  if (!ok) return { kind, state: 'unsatisfied', reason: 'wrong', source, observedAt, validFor, simulated: false };
  const strength = kind === 'fingerprint' ? 'gate' : 'bound';
  return { kind, state: 'satisfied', strength, evidence: {}, source, observedAt, validFor, simulated: false };
}

const observed = <K extends SurroundingKind>(kind: K, observation: Observations[K], at: number): FactorSignal =>
  ({
    kind,
    state: 'observed',
    observation,
    source: 'bench',
    observedAt: monotonicMs(at),
    validFor: milliseconds(LASTS),
    simulated: false,
  }) as SurroundingSignal;

const vpn: IpInterface = {
  name: 'tun0',
  kind: 'vpn',
  connected: true,
  ipv4: { ...UNKNOWN, addresses: ['172.16.0.2/24'], gateways: ['172.16.0.1'] },
  ipv6: UNKNOWN,
};

function addresses(address: string, gateway: string, dns: string, at: number): FactorSignal {
  const ipv4 = { addresses: [`${address}/24`], gateways: [gateway], dhcpServers: [gateway], dnsServers: [dns] };
  const wired: IpInterface = { name: 'eth0', kind: 'ethernet', connected: true, ipv4, ipv6: UNKNOWN };
  return observed('ipConfig', { primaryDnsSuffix: 'corp.example', interfaces: [wired, vpn] }, at);
}

function association(ssid: string, quality: number, at: number): FactorSignal {
  const own = {
    interface: 'wlan0',
    ssidHex: Buffer.from(ssid, 'utf8').toString('hex'),
    bssid: null,
    security: 'WPA2-Enterprise',
    quality,
    rootThumbprints: null,
  } as const;
  return observed('wifi', { associations: [own] }, at);
}

function phone(rssi: number, at: number): FactorSignal {
  const device = {
    address: '02:00:00:00:00:01',
    name: 'phone',
    classOfDevice: 0x5a020c,
    users: [1000],
    proved: true,
    rssi: { scale: 'relative', value: rssi },
    rssiBest: null,
  } as const;
  return observed('bluetooth', { devices: [device] }, at);
}

const written = ({ now, pin, key, finger, ip, wifi, phone: near }: FlatState): FlatState => ({
  now,
  pin: { ok: pin.ok, at: pin.at, lasts: pin.lasts },
  key: { ok: key.ok, at: key.at, lasts: key.lasts },
  finger: { ok: finger.ok, at: finger.at, lasts: finger.lasts },
  ip: { at: ip.at, lasts: ip.lasts, address: ip.address, gateway: ip.gateway, dns: ip.dns },
  wifi: { at: wifi.at, lasts: wifi.lasts, ssid: wifi.ssid, security: wifi.security, quality: wifi.quality },
  phone: { at: near.at, lasts: near.lasts, major: near.major, rssi: near.rssi },
});

/** A day: gestures come and go, the radio wavers, the machine moves between trusted and strange places. */
export function fleetTrace(places: readonly Place[], steps: number): readonly Step[] {
  const dice = new SeededDice(places.length + 1);
  const never: FlatGesture = { ok: false, at: 0, lasts: LASTS };
  let state: FlatState = {
    now: 0,
    pin: never,
    key: never,
    finger: never,
    ip: { at: -LASTS - 1, lasts: LASTS, address: '0.0.0.0', gateway: '', dns: '' },
    wifi: { at: -LASTS - 1, lasts: LASTS, ssid: '', security: '', quality: 0 },
    phone: { at: -LASTS - 1, lasts: LASTS, major: 0, rssi: -100 },
  };
  const step = (now: number): Step => {
    const turn = places.length === 0 ? dice.roll(2) : dice.roll(8);
    const place = places.length === 0 ? undefined : dice.pick(places);
    const right = dice.chance(0.8);
    const made = { ok: right, at: now, lasts: LASTS };
    if (turn === 0) {
      state = { ...state, now, pin: made };
      return { kind: 'pin', signal: gesture('pin', right, now), state };
    }
    if (turn === 1) {
      state = { ...state, now, key: made };
      return { kind: 'securityKey', signal: gesture('securityKey', right, now), state };
    }
    if (turn === 2) {
      state = { ...state, now, finger: { ...made, ok: right && dice.chance(0.3) } };
      return { kind: 'fingerprint', signal: gesture('fingerprint', state.finger.ok, now), state };
    }
    if (turn < 5) {
      const there = place !== undefined && (place.is === 'gateway' || place.is === 'dns') && right ? place : undefined;
      const net = there === undefined ? '192.168.1' : there.prefix.split('.').slice(0, 3).join('.');
      const dns = there?.is === 'dns' ? there.server : '9.9.9.9';
      state = { ...state, now, ip: { at: now, lasts: LASTS, address: `${net}.7`, gateway: `${net}.1`, dns } };
      return { kind: 'ipConfig', signal: addresses(`${net}.7`, `${net}.1`, dns, now), state };
    }
    if (turn < 7) {
      const ssid = place?.is === 'wifi' ? place.ssid : 'cafe';
      const quality = 30 + dice.roll(70);
      state = { ...state, now, wifi: { at: now, lasts: LASTS, ssid, security: 'WPA2-Enterprise', quality } };
      return { kind: 'wifi', signal: association(ssid, quality, now), state };
    }
    const rssi = -dice.roll(40) - 1;
    state = { ...state, now, phone: { at: now, lasts: LASTS, major: 512, rssi } };
    return { kind: 'bluetooth', signal: phone(rssi, now), state };
  };
  return Array.from({ length: steps }, (_, i) => {
    const { kind, signal, state: after } = step((i + 1) * PACE);
    return { kind, signal, state: written(after) };
  });
}
