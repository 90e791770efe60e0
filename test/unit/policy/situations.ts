/** One rule held against what one machine sees, for tables of sentences: everything else is as it should be. */
import type { ElementReason, RuleReason } from '../../../agent/policy/decision.ts';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { type Matching, policyFor } from '../../../agent/policy/model.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import type {
  BluetoothDevice,
  IpFamily,
  IpInterface,
  Observations,
  WifiAssociation,
} from '../../../drivers/observation.ts';
import type { FactorSignal, SurroundingKind } from '../../../drivers/signal.ts';
import { satisfied, snapshotOf, USER } from '../../support/policy-fixtures.ts';

const UNKNOWN: IpFamily = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };

/** A wired interface that is connected; what is not given is not known. */
export const wired = (
  more: Partial<Omit<IpInterface, 'ipv4' | 'ipv6'>> & { ipv4?: Partial<IpFamily>; ipv6?: Partial<IpFamily> } = {},
): IpInterface => ({
  name: 'eth0',
  kind: 'ethernet',
  connected: true,
  ...more,
  ipv4: { ...UNKNOWN, ...more.ipv4 },
  ipv6: { ...UNKNOWN, ...more.ipv6 },
});

export const network = (...interfaces: IpInterface[]) => ({ interfaces, primaryDnsSuffix: null });
export const suffixed = (primaryDnsSuffix: string | null, ...interfaces: IpInterface[]) => ({
  interfaces,
  primaryDnsSuffix,
});

/** A phone of the user, proved, near, on the scale of the rules. */
export const phone = (more: Partial<BluetoothDevice> = {}): BluetoothDevice => ({
  address: '02:00:00:00:00:01',
  name: 'phone',
  classOfDevice: 0x5a020c,
  users: [USER],
  proved: true,
  rssi: { scale: 'relative', value: 0 },
  rssiBest: null,
  ...more,
});

/** An association with `depot-7` over WPA2-Enterprise. */
export const associated = (more: Partial<WifiAssociation> = {}): WifiAssociation => ({
  interface: 'wlan0',
  ssidHex: '6465706f742d37',
  bssid: '02:00:00:00:00:0a',
  security: 'WPA2-Enterprise',
  quality: 80,
  rootThumbprints: null,
  ...more,
});

export interface Seen extends Partial<Observations> {
  readonly user?: number | null;
  readonly matching?: Partial<Matching>;
}

const observed = <K extends SurroundingKind>(kind: K, observation: unknown): FactorSignal =>
  ({
    source: `test ${kind}`,
    observedAt: monotonicMs(1000),
    validFor: milliseconds(10_000),
    simulated: false,
    kind,
    state: 'observed',
    observation,
  }) as unknown as FactorSignal;

/** The decision about "the PIN, and one of the rules", with the PIN given. */
export function decideOn(rules: readonly (readonly unknown[])[], seen: Seen) {
  const { matching = {}, user = USER, ...observations } = seen;
  const policy = policyFor(
    checkedDocument({
      version: 2,
      contexts: { unlock: { require: { all: ['pin', 'trustedSignal'] } } },
      rules: rules.map((all, i) => ({ name: `rule-${i + 1}`, all })),
      matching,
    }),
    'unlock',
  );
  const signals = Object.entries(observations).map(([kind, value]) => observed(kind as SurroundingKind, value));
  return evaluate(policy, snapshotOf(satisfied('pin'), ...signals), monotonicMs(2000), {
    machineSimulated: false,
    pinIsBound: true,
    user,
  });
}

/** Whether a rule of one condition holds. */
export const holds = (condition: unknown, seen: Seen): boolean => decideOn([[condition]], seen).verdict === 'granted';

/** The reasons of the rules, in their order. */
export const ruleReasons = (rules: readonly (readonly unknown[])[], seen: Seen): readonly RuleReason[] =>
  decideOn(rules, seen).reasons.children.flatMap(({ children }) => children.flatMap((factor) => factor.children));

/** The elements of a rule of one condition, as `ok element: expected | found`. */
export const elementsOf = (condition: unknown, seen: Seen): readonly string[] =>
  (ruleReasons([[condition]], seen)[0]?.children[0]?.children ?? []).map(
    ({ ok, element, expected, found }: ElementReason) =>
      `${ok ? 'ok' : 'no'} ${element}: ${expected} | ${found ?? '?'}`,
  );

/** On which interface, network or device. */
export const whereOf = (condition: unknown, seen: Seen): string | null | undefined =>
  ruleReasons([[condition]], seen)[0]?.children[0]?.where;
