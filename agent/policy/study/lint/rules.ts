/** What is wrong with a rule by itself: that nothing can satisfy it, that anybody can, or that it is wider than it looks. */

import { readAddress } from '../../match/address.ts';
import type { Matching, PolicyDocument } from '../../model.ts';
import type { IpConfigCondition, SignalCondition, SignalRule, WifiCondition } from '../../rules.ts';
import { type HostRange, hostRange } from '../address-range.ts';
import { ipElements, ipPattern, ipSpace } from '../ip-pattern.ts';
import { suffixesExclude } from '../suffix.ts';
import { finding, type LintFinding } from './finding.ts';

/** Addresses that no gateway, server or host of a network has. */
const NOBODYS = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'ff00::/8'];
const HOME = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fd00::/8', 'fe80::/10'];
const rangesOf = (prefixes: readonly string[]): readonly HostRange[] => prefixes.flatMap((each) => whole(each) ?? []);

/** As {@link hostRange}, with the ends. */
function whole(prefix: string): HostRange | null {
  const range = hostRange(prefix);
  if (range === null || range.family === 6) return range;
  return Number(prefix.split('/')[1]) > 30 ? range : { ...range, first: range.first - 1n, last: range.last + 1n };
}

const NOBODYS_RANGES = rangesOf(NOBODYS);
const HOME_RANGES = rangesOf(HOME);

const isWithin = (inner: HostRange, outer: HostRange): boolean =>
  inner.family === outer.family && outer.first <= inner.first && inner.last <= outer.last;

/** The range of one address. */
function rangeOf(address: string): HostRange | null {
  const read = readAddress(address);
  if (read === null) return null;
  const value = read.bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family: read.family, first: value, last: value };
}

const isPrefix = (element: string): boolean => element.endsWith('Prefix');

function ipNever(condition: IpConfigCondition, matching: Matching): readonly [element: string, why: string][] {
  const out: [string, string][] = [];
  for (const { element, value } of ipElements(condition)) {
    if (element === 'dnsSuffix') continue;
    const range = isPrefix(element) ? hostRange(value) : rangeOf(value);
    if (range !== null && NOBODYS_RANGES.some((nobodys) => isWithin(range, nobodys))) {
      out.push([element, `${value} is the address of no ${isPrefix(element) ? 'network' : 'gateway or server'}`]);
    }
  }
  const space = ipSpace();
  const index = space.add(ipPattern(condition, matching));
  if (out.length === 0 && space.optionsOf(index).length === 0) {
    const why = matching.interfaceKinds.length === 0 ? 'no kind of interface counts' : 'no interface can be so';
    out.push(['', why]);
  }
  return out;
}

const isEnterprise = ({ security }: WifiCondition): boolean => security.includes('Enterprise');

function conditionNever(condition: SignalCondition, matching: Matching): readonly [element: string, why: string][] {
  switch (condition.type) {
    case 'ipConfig':
      return ipNever(condition, matching);
    case 'wifi':
      return condition.trustedRootCA === undefined || isEnterprise(condition)
        ? []
        : [['trustedRootCA', `no certificate is verified on a network of ${condition.security}`]];
    case 'bluetooth':
      return (condition.rssiMin ?? 0) > 0 ? [['rssiMin', 'nothing is stronger than 0 dB on this scale']] : [];
  }
}

/** Ends of names that one machine would have to have at once. */
function suffixNever({ all }: SignalRule, { dnsSuffix: mode, repeated }: Matching): string | null {
  const lists = all.map((condition) => (condition.type === 'ipConfig' ? (condition.dnsSuffix ?? []) : []));
  // Of a list that any one satisfies, none has to be.
  const needed = lists.flatMap((list) => (repeated === 'any' && list.length > 1 ? [] : list));
  for (const one of needed) {
    const other = needed.find((each) => suffixesExclude({ value: one, mode }, { value: each, mode }));
    if (other !== undefined) return `no machine has both ${one} and ${other} as the end of its DNS suffix`;
  }
  return null;
}

const pathOf = (rule: number, condition: number, element: string): string =>
  `rules[${rule}].all[${condition}]${element === '' ? '' : `.${element}`}`;

function never(rule: SignalRule, at: number, matching: Matching): readonly LintFinding[] {
  const found = rule.all.flatMap((condition, i) =>
    conditionNever(condition, matching).map(([element, why]) =>
      finding('rule-never-true', pathOf(at, i, element), `rule ${rule.name} never holds: ${why}`),
    ),
  );
  const suffix = suffixNever(rule, matching);
  if (suffix !== null)
    found.push(finding('rule-never-true', `rules[${at}]`, `rule ${rule.name} never holds: ${suffix}`));
  return found;
}

/** Why an impostor can satisfy the condition; null: he would have to have a key that he has not. */
function whoElse(condition: SignalCondition): string | null {
  switch (condition.type) {
    case 'bluetooth':
      return null;
    case 'ipConfig':
      return 'whoever runs a network gives it any address, server and name';
    case 'wifi':
      if (isEnterprise(condition)) {
        return condition.trustedRootCA === undefined
          ? 'without trustedRootCA whoever runs an access point is believed'
          : null;
      }
      return condition.security.includes('Personal')
        ? `whoever knows the passphrase sets up ${condition.ssid} himself`
        : `whoever likes sets up ${condition.ssid} himself`;
  }
}

function wide(condition: SignalCondition, rule: number, at: number): readonly LintFinding[] {
  if (condition.type !== 'ipConfig') return [];
  const elements = ipElements(condition);
  return elements.flatMap(({ element, value }) => {
    const path = pathOf(rule, at, element);
    if (element === 'dnsSuffix') {
      return value.replace(/\.$/, '').includes('.')
        ? []
        : [finding('suffix-too-wide', path, `${value} is the end of a great many names`)];
    }
    if (!isPrefix(element)) return [];
    const [range, bits] = [whole(value), Number(value.split('/')[1])];
    if (range === null) return [];
    if (bits < (range.family === 4 ? 8 : 16))
      return [finding('prefix-too-wide', path, `a large part of the Internet lies in ${value}`)];
    return elements.length === 1 && HOME_RANGES.some((home) => isWithin(range, home))
      ? [finding('home-network', path, `nothing but ${value} is asked for, which networks at home use too`)]
      : [];
  });
}

function repeats(condition: SignalCondition, rule: number, at: number, { repeated }: Matching): readonly LintFinding[] {
  if (condition.type !== 'ipConfig') return [];
  const lists = Object.entries(condition).filter((entry): entry is [string, readonly string[]] =>
    Array.isArray(entry[1]),
  );
  return lists.flatMap(([element, values]) => {
    const path = pathOf(rule, at, element);
    const twice = values.find((value, i) => values.indexOf(value) !== i);
    const out = twice === undefined ? [] : [finding('listed-twice', path, `${twice} is listed twice`)];
    if (repeated === 'any' && new Set(values).size > 1) {
      out.push(
        finding('repeat-loosens', path, `any of ${values.join(', ')} is enough: each one more makes the rule looser`),
      );
    }
    return out;
  });
}

/** Prefixes of two conditions that have no address in common. */
function twoNetworks({ all }: SignalRule): readonly [string, string] | null {
  for (const family of ['ipv4', 'ipv6'] as const) {
    const prefixes = all.flatMap((condition) =>
      condition.type === 'ipConfig' ? (condition[`${family}Prefix`] ?? []) : [],
    );
    for (const one of prefixes) {
      const other = prefixes.find((each) => areApart(whole(one), whole(each)));
      if (other !== undefined) return [one, other];
    }
  }
  return null;
}

const areApart = (a: HostRange | null, b: HostRange | null): boolean =>
  a !== null && b !== null && a.family === b.family && (a.last < b.first || b.last < a.first);

function twoAdapters(rule: SignalRule, at: number): readonly LintFinding[] {
  const { name, all } = rule;
  const ssids = new Set(all.flatMap((condition) => (condition.type === 'wifi' ? [condition.ssid] : [])));
  const networks = ssids.size > 1 ? [...ssids] : twoNetworks(rule);
  if (networks === null) return [];
  return [finding('two-adapters', `rules[${at}]`, `rule ${name} wants ${networks.join(' and ')} at the same time`)];
}

/** @param used names of the rules that a context asks for: what nobody asks for endangers nobody */
export function lintRules(document: PolicyDocument, used: ReadonlySet<string>): readonly LintFinding[] {
  const { rules, matching } = document;
  return rules.flatMap((rule, at) => {
    const whys = rule.all.map(whoElse);
    const unproved =
      used.has(rule.name) && whys.every((why) => why !== null)
        ? [finding('rule-unproved', `rules[${at}]`, `rule ${rule.name} is no proof: ${[...new Set(whys)].join('; ')}`)]
        : [];
    return [
      ...never(rule, at, matching),
      ...unproved,
      ...twoAdapters(rule, at),
      ...rule.all.flatMap((condition, i) => [...wide(condition, at, i), ...repeats(condition, at, i, matching)]),
    ];
  });
}

const neverTrue = new WeakMap<PolicyDocument, ReadonlySet<string>>();

/** Names of the rules that nothing can satisfy. */
export function rulesNeverTrue(document: PolicyDocument): ReadonlySet<string> {
  const known = neverTrue.get(document);
  if (known !== undefined) return known;
  const { rules, matching } = document;
  const names = new Set(rules.filter((rule, at) => never(rule, at, matching).length > 0).map(({ name }) => name));
  if (Object.isFrozen(document)) neverTrue.set(document, names);
  return names;
}
