/** What the second evaluator makes of one signal and of one rule, element by element. */
import type { UnlockPolicy } from '../../agent/policy/model.ts';
import type {
  BluetoothCondition,
  IpConfigCondition,
  SignalCondition,
  SignalRule,
  WifiCondition,
} from '../../agent/policy/rules.ts';
import type { LocalTime } from '../../agent/policy/time-window.ts';
import type {
  BluetoothDevice,
  IpFamily,
  IpInterface,
  Observations,
  WifiAssociation,
} from '../../drivers/observation.ts';
import { isInNetwork, isThatAddress } from './addresses.ts';

/** A signal as data: what stands in it may be anything. */
export type PlainSignal = Readonly<Record<string, unknown>>;

export interface Facts {
  readonly signals: ReadonlyMap<string, PlainSignal>;
  readonly now: number;
  readonly machineSimulated: boolean;
  readonly pinIsBound: boolean;
  readonly user: number | null;
  readonly localTime: LocalTime | null;
}

/** Known, of this kind, real or on a simulated machine, not of the future, and not too old by its own word or the policy's. */
export function signalCounts(
  kind: string,
  signal: PlainSignal | undefined,
  policy: UnlockPolicy,
  { now, machineSimulated }: Facts,
): boolean {
  if (signal === undefined || signal.kind !== kind || typeof signal.source !== 'string') return false;
  const { observedAt, validFor, simulated, state } = signal;
  if (state !== 'satisfied' && state !== 'observed') return false;
  if (simulated !== false && !(simulated === true && machineSimulated)) return false;
  if (typeof observedAt !== 'number' || typeof validFor !== 'number') return false;
  if (![observedAt, validFor, now].every((time) => Math.abs(time) < Number.POSITIVE_INFINITY)) return false;
  const age = now - observedAt;
  const limit = (policy.freshnessSeconds as Readonly<Record<string, number>>)[kind];
  return age >= 0 && age <= validFor && (limit === undefined || age <= limit * 1000);
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number' && Math.abs(value) < Number.POSITIVE_INFINITY;
const isNumberOrNull = (value: unknown): boolean => value === null || isNumber(value);
const isTextsOrNull = (value: unknown): boolean =>
  value === null || (isList(value) && value.every((entry) => typeof entry === 'string'));
const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> | null =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;

const FAMILY = ['addresses', 'gateways', 'dhcpServers', 'dnsServers'];

/** One device, interface or association is all there. */
function isWhole(kind: string, value: unknown): boolean {
  const item = fieldsOf(value);
  if (item === null) return false;
  if (kind === 'bluetooth') {
    const rssi = fieldsOf(item.rssi);
    return (
      typeof item.address === 'string' &&
      isTextOrNull(item.name) &&
      isNumberOrNull(item.classOfDevice) &&
      isList(item.users) &&
      item.users.every(isNumber) &&
      typeof item.proved === 'boolean' &&
      (item.rssi === null || (rssi !== null && typeof rssi.scale === 'string' && isNumber(rssi.value))) &&
      isNumberOrNull(item.rssiBest)
    );
  }
  if (kind === 'ipConfig') {
    return (
      typeof item.name === 'string' &&
      typeof item.kind === 'string' &&
      typeof item.connected === 'boolean' &&
      [item.ipv4, item.ipv6].every((family) => FAMILY.every((field) => isTextsOrNull(fieldsOf(family)?.[field])))
    );
  }
  return (
    typeof item.interface === 'string' &&
    typeof item.ssidHex === 'string' &&
    isTextOrNull(item.bssid) &&
    isTextOrNull(item.security) &&
    isNumberOrNull(item.quality) &&
    isTextsOrNull(item.rootThumbprints)
  );
}

const LIST_OF: Readonly<Record<string, string>> = {
  bluetooth: 'devices',
  ipConfig: 'interfaces',
  wifi: 'associations',
};

/** What was observed; null: it is not whole. */
function seenBy<K extends keyof Observations>(kind: K, signal: PlainSignal | undefined): Observations[K] | null {
  const observation = signal?.state === 'observed' ? fieldsOf(signal.observation) : null;
  if (observation === null) return null;
  const items = observation[LIST_OF[kind] ?? ''];
  if (!isList(items) || !items.every((item) => isWhole(kind, item))) return null;
  if (kind === 'ipConfig' && !isTextOrNull(observation.primaryDnsSuffix)) return null;
  return observation as unknown as Observations[K];
}

const withoutRoot = (name: string): string => (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();

/** Whole labels from the right, or any part; without regard to case and to the dot at the end. */
function isSuffix(wanted: string, own: string, mode: string): boolean {
  const [a, b] = [withoutRoot(wanted), withoutRoot(own)];
  if (mode === 'substring') return b.includes(a);
  const [labels, ownLabels] = [a.split('.').reverse(), b.split('.').reverse()];
  return labels.every((label, i) => ownLabels[i] === label);
}

function deviceIsNear(
  condition: BluetoothCondition,
  device: BluetoothDevice,
  { matching }: UnlockPolicy,
  user: number | null,
): boolean {
  const { classOfDevice = 512, rssiMin = -10, rssiMaxDelta = -10, rssiFar } = condition;
  if (matching.phones === 'enrolled' && (user === null || !device.users.includes(user))) return false;
  if (!device.proved || device.classOfDevice === null) return false;
  // The major class: bits 8 to 12.
  if (Math.floor(device.classOfDevice / 256) % 32 !== classOfDevice / 256) return false;
  if (device.rssi?.scale !== 'relative') return false;
  const { value } = device.rssi;
  const best = device.rssiBest;
  const least = best !== null && rssiFar !== undefined ? rssiFar : rssiMin;
  return value >= least && (best === null || best - value <= -rssiMaxDelta);
}

const FIELD_OF: Readonly<Record<string, keyof IpFamily>> = {
  Prefix: 'addresses',
  Gateway: 'gateways',
  DhcpServer: 'dhcpServers',
  DnsServer: 'dnsServers',
};

/** Every element, or of repeated ones any, somewhere on these interfaces. */
function interfacesMatch(
  condition: IpConfigCondition,
  faces: readonly IpInterface[],
  suffix: string | null,
  { matching }: UnlockPolicy,
): boolean {
  return Object.entries(condition).every(([name, wanted]) => {
    if (name === 'type' || wanted === undefined) return true;
    const isMet = (wish: string): boolean => {
      if (name === 'dnsSuffix') return suffix !== null && isSuffix(wish, suffix, matching.dnsSuffix);
      const field = FIELD_OF[name.slice(4)] as keyof IpFamily;
      const values = faces.flatMap((face) => face[name.startsWith('ipv4') ? 'ipv4' : 'ipv6'][field] ?? []);
      if (field === 'addresses') return values.some((text) => isInNetwork(text.split('/')[0] ?? '', wish));
      return values.some((text) => isThatAddress(text, wish));
    };
    const wishes = (isList(wanted) ? wanted : [wanted]) as readonly string[];
    return matching.repeated === 'any' ? wishes.some(isMet) : wishes.every(isMet);
  });
}

function associationMatches(condition: WifiCondition, association: WifiAssociation): boolean {
  const { ssid, security, bssid, trustedRootCA, signalQuality } = condition;
  const { ssidHex, security: own, bssid: point, rootThumbprints, quality } = association;
  if (ssidHex !== Buffer.from(ssid, 'utf8').toString('hex') || own !== security) return false;
  if (bssid !== undefined && point?.toLowerCase() !== bssid) return false;
  if (trustedRootCA !== undefined && !(rootThumbprints ?? []).some((root) => root === trustedRootCA)) return false;
  return signalQuality === undefined || (quality !== null && quality >= signalQuality);
}

function conditionIsTrue(condition: SignalCondition, policy: UnlockPolicy, facts: Facts): boolean {
  const signal = facts.signals.get(condition.type);
  if (!signalCounts(condition.type, signal, policy, facts)) return false;
  if (condition.type === 'bluetooth') {
    const devices = seenBy('bluetooth', signal)?.devices ?? [];
    return devices.some((device) => deviceIsNear(condition, device, policy, facts.user));
  }
  if (condition.type === 'wifi') {
    const associations = seenBy('wifi', signal)?.associations ?? [];
    return associations.some((association) => associationMatches(condition, association));
  }
  const seen = seenBy('ipConfig', signal);
  if (seen === null) return false;
  const { adapters, interfaceKinds } = policy.matching;
  const faces = seen.interfaces.filter((face) => face.connected && interfaceKinds.includes(face.kind));
  const together = adapters === 'mixed' && faces.length > 0 ? [faces] : faces.map((face) => [face]);
  return together.some((group) => interfacesMatch(condition, group, seen.primaryDnsSuffix, policy));
}

/** All conditions of a rule. */
export const ruleIsTrue = (rule: SignalRule, policy: UnlockPolicy, facts: Facts): boolean =>
  rule.all.every((condition) => conditionIsTrue(condition, policy, facts));
