/**
 * Signal rules as the one line of XML that Windows takes: names as the samples spell them, elements in the order of the
 * documentation, nothing written that was left out. What the rule language has no words for is returned as reasons.
 */
import { WIFI_SECURITIES } from '../../../../drivers/observation.ts';
import type { BluetoothCondition, IpConfigCondition, SignalCondition, SignalRule, WifiCondition } from '../../rules.ts';
import type { Inexpressible } from './inexpressible.ts';
import { type RuleScenario, readSignalRules } from './rule-schema.ts';

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? character);

const element = (name: string, value: string | number | undefined): string =>
  value === undefined ? '' : `<${name}>${escaped(String(value))}</${name}>`;

const attribute = (name: string, value: string | number | undefined): string =>
  value === undefined ? '' : ` ${name}="${escaped(String(value))}"`;

const bluetooth = (condition: BluetoothCondition, scenario: RuleScenario): string =>
  `<signal type="bluetooth"${attribute('scenario', scenario)}${attribute('classOfDevice', condition.classOfDevice)}` +
  `${attribute('rssiMin', condition.rssiMin)}${attribute('rssiMaxDelta', condition.rssiMaxDelta)}/>`;

const each = (name: string, list: readonly string[] | undefined): string =>
  (list ?? []).map((value) => element(name, value)).join('');

const ipConfig = (c: IpConfigCondition): string =>
  `<signal type="ipConfig">${element('ipv4Prefix', c.ipv4Prefix)}${element('ipv4Gateway', c.ipv4Gateway)}` +
  `${element('ipv4DhcpServer', c.ipv4DhcpServer)}${each('ipv4DnsServer', c.ipv4DnsServer)}` +
  `${element('ipv6Prefix', c.ipv6Prefix)}${element('ipv6Gateway', c.ipv6Gateway)}` +
  `${element('ipv6DhcpServer', c.ipv6DhcpServer)}${each('ipv6DnsServer', c.ipv6DnsServer)}` +
  `${each('dnsSuffix', c.dnsSuffix)}</signal>`;

const wifi = (c: WifiCondition): string =>
  `<signal type="wifi">${element('ssid', c.ssid)}${element('bssid', c.bssid?.replaceAll(':', '-'))}` +
  `${element('security', c.security)}${element('trustedRootCA', c.trustedRootCA?.match(/../g)?.join(' '))}` +
  `${element('sig_quality', c.signalQuality)}</signal>`;

const signal = (condition: SignalCondition, scenario: RuleScenario): string => {
  if (condition.type === 'bluetooth') return bluetooth(condition, scenario);
  return condition.type === 'ipConfig' ? ipConfig(condition) : wifi(condition);
};

const line = (rule: SignalRule, scenario: RuleScenario): string => {
  const all = rule.all.map((condition) => signal(condition, scenario)).join('');
  return `<rule schemaVersion="1.0">${rule.all.length === 1 ? all : `<and>${all}</and>`}</rule>`;
};

const reasonsOf = (rule: SignalRule, scenario: RuleScenario): readonly string[] => {
  const reasons: string[] = [];
  for (const condition of rule.all) {
    if (condition.type === 'bluetooth' && condition.rssiFar !== undefined) {
      reasons.push('Windows has no second threshold for a device that was near (rssiFar)');
    }
    if (condition.type === 'wifi' && !WIFI_SECURITIES.includes(condition.security)) {
      reasons.push('Windows has no such security type');
    }
  }
  if (reasons.length > 0) return reasons;
  try {
    // The reader is the judge of what Windows takes: what does not come back as it went is not expressible.
    const [back] = readSignalRules(line(rule, scenario), scenario).rules;
    return same(back?.all, rule.all) ? [] : ['a value is not in the canonical form of the rule language'];
  } catch (error) {
    return [error instanceof Error ? error.message : 'the rule language cannot say it'];
  }
};

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
};
const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

/**
 * Writes rules on one line. Names of rules are not written: Windows has none.
 * @returns the text, and what of it Windows cannot express; the text is right only where there are no reasons
 */
export function writeSignalRules(
  rules: readonly SignalRule[],
  scenario: RuleScenario = 'Authentication',
): { readonly text: string; readonly reasons: readonly Inexpressible[] } {
  const setting = scenario === 'Authentication' ? 'DeviceUnlock/Plugins' : 'DynamicLock/Plugins';
  return {
    text: rules.map((rule) => line(rule, scenario)).join(','),
    reasons: rules.flatMap((rule) =>
      reasonsOf(rule, scenario).map((words) => ({ what: `${setting} ${rule.name}`, words })),
    ),
  };
}
