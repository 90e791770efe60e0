/** What may go one day, and which factors and rules go with it: a server, a network, a phone, a reader, a memory. */
import type { GestureKind } from '../../../drivers/signal.ts';
import type { PolicyDocument } from '../model.ts';
import type { SignalCondition } from '../rules.ts';
import { factorOfRule } from '../rules.ts';
import { factorName } from '../words.ts';
import { ipElements } from './ip-pattern.ts';

export interface Loss {
  /** For programs: `ipv4DnsServer 192.0.2.53`, `pin`, `one securityKey`. */
  readonly key: string;
  /** For people: `DNS server 192.0.2.53`. */
  readonly what: string;
  /** Where it stands in the document; empty for what a person or a machine has. */
  readonly elements: readonly string[];
  /** Names of the rules that cannot hold without it. */
  readonly rules: ReadonlySet<string>;
  readonly gesture: GestureKind | null;
  /** True: of a gesture that a user may have several of, such as security keys, one. */
  readonly one: boolean;
}

const ELEMENT_WORDS: Readonly<Record<string, (value: string) => string>> = {
  Prefix: (value) => `the network ${value} is renumbered`,
  Gateway: (value) => `gateway ${value} goes`,
  DhcpServer: (value) => `DHCP server ${value} goes`,
  DnsServer: (value) => `DNS server ${value} goes`,
  dnsSuffix: (value) => `the DNS suffix ${value} is renamed`,
  ssid: (value) => `the Wi-Fi network ${value} goes`,
  bssid: (value) => `access point ${value} goes`,
  security: (value) => `the Wi-Fi stops using ${value}`,
  trustedRootCA: (value) => `the root certificate ${value.slice(0, 16)}… is replaced`,
};

const wordsOf = (element: string, value: string): string =>
  (ELEMENT_WORDS[element.replace(/^ipv[46]/, '')] ?? ((each) => `${element} ${each} goes`))(value);

interface Part {
  readonly element: string;
  readonly value: string;
  /** False: the condition can hold without it, by another one of its list. */
  readonly needed: boolean;
}

function partsOf(condition: SignalCondition, repeated: 'all' | 'any'): readonly Part[] {
  if (condition.type === 'bluetooth') return [];
  if (condition.type === 'wifi') {
    const { type: _type, signalQuality: _quality, ...elements } = condition;
    return Object.entries(elements).flatMap(([element, value]) =>
      value === undefined ? [] : [{ element, value, needed: true }],
    );
  }
  const elements = ipElements(condition);
  return elements.map(({ element, value }) => ({
    element,
    value,
    needed: repeated === 'all' || elements.filter((each) => each.element === element).length === 1,
  }));
}

/** What rules ask for, each thing once. */
function lossesOfRules({ rules, matching }: PolicyDocument): readonly Loss[] {
  const out = new Map<string, { what: string; elements: string[]; rules: Set<string> }>();
  for (const [i, rule] of rules.entries()) {
    for (const [j, condition] of rule.all.entries()) {
      for (const { element, value, needed } of partsOf(condition, matching.repeated)) {
        const key = `${element} ${value}`;
        const loss = out.get(key) ?? { what: wordsOf(element, value), elements: [], rules: new Set() };
        loss.elements.push(`rules[${i}].all[${j}].${element}`);
        if (needed) loss.rules.add(rule.name);
        out.set(key, loss);
      }
    }
  }
  return [...out].map(([key, loss]) => ({ key, ...loss, gesture: null, one: false }));
}

const named = (document: PolicyDocument, asks: (condition: SignalCondition) => boolean): ReadonlySet<string> =>
  new Set(document.rules.filter(({ all }) => all.some(asks)).map(({ name }) => name));

function lossesOfSignals(document: PolicyDocument): readonly Loss[] {
  const phones = new Set(document.rules.filter((rule) => factorOfRule(rule) === 'phone').map(({ name }) => name));
  const networks = named(document, ({ type }) => type === 'ipConfig' || type === 'wifi');
  const wifi = named(document, ({ type }) => type === 'wifi');
  const base = { elements: [], gesture: null, one: false };
  return [
    { ...base, key: 'phone', what: 'the phone is lost or flat, or Bluetooth fails', rules: phones },
    { ...base, key: 'network', what: 'the machine has no network', rules: networks },
    { ...base, key: 'wifi', what: 'the machine has no Wi-Fi', rules: wifi },
  ].filter(({ rules }) => rules.size > 0);
}

const GESTURE_WORDS: Readonly<Record<GestureKind, string>> = {
  pin: 'the PIN is forgotten, or the TPM is locked out',
  securityKey: 'every security key is lost, or no key can be read',
  fingerprint: `the ${factorName('fingerprint')} reader fails`,
  face: 'the camera fails',
};

function lossesOfGestures(): readonly Loss[] {
  const base = { elements: [], rules: new Set<string>() };
  const all = (['pin', 'securityKey', 'fingerprint', 'face'] as const).map((gesture) => ({
    ...base,
    key: gesture,
    what: GESTURE_WORDS[gesture],
    gesture,
    one: false,
  }));
  return [
    ...all,
    { ...base, key: 'one securityKey', what: 'one security key is lost', gesture: 'securityKey', one: true },
  ];
}

/** Single losses: two at once are beyond what this looks at. */
export const lossesOf = (document: PolicyDocument): readonly Loss[] => [
  ...lossesOfRules(document),
  ...lossesOfSignals(document),
  ...lossesOfGestures(),
];
