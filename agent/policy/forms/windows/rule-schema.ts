/**
 * The grammar of Windows' signal rules: which element and attribute may stand where, and what it becomes in the model.
 * Exact: names are case-sensitive but for the documented variants, and whatever Windows does not document (`or`,
 * nesting, unknown names) is an error with its position.
 */
import type { ErrorCode } from '../../../../drivers/base/errors.ts';
import type { BluetoothCondition, IpConfigCondition, SignalCondition, SignalRule, WifiCondition } from '../../rules.ts';
import type { Note } from './notes.ts';
import * as values from './rule-values.ts';
import { type RuleElement, type RuleText, readRuleXml, ruleError } from './rule-xml.ts';

/** Which policy the rules serve: unlocking takes every signal, dynamic lock Bluetooth alone. */
export type RuleScenario = 'Authentication' | 'Dynamic Lock';

interface Context {
  readonly source: RuleText;
  readonly scenario: RuleScenario;
  readonly notes: Note[];
}

type ValueReader<T> = (text: string) => values.ReadValue<T> | undefined;

const shown = (text: string): string => JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);

const fail = (context: Context, code: ErrorCode, element: RuleElement, message: string, attribute?: string) =>
  ruleError(
    context.source,
    code,
    message,
    element.at,
    attribute === undefined ? element.path : `${element.path}/@${attribute}`,
  );

const note = (context: Context, words: string, element: string): void => {
  context.notes.push({ code: 'spelling', words, where: `${context.source.setting} (${element})` });
};

const noText = (context: Context, element: RuleElement): void => {
  if (!/[^ \t]/.test(element.text)) return;
  throw ruleError(
    context.source,
    'ERR_POLICY_RULE_ELEMENT',
    `${element.name} holds no text`,
    element.contentAt,
    element.path,
  );
};

const onlyAttributes = (context: Context, element: RuleElement, names: readonly string[]): void => {
  for (const name of element.attributes.keys()) {
    if (names.includes(name)) continue;
    const words = `${element.name} has no attribute ${name.slice(0, 64)}`;
    throw fail(context, 'ERR_POLICY_RULE_ATTRIBUTE', element, words, name.slice(0, 64));
  }
};

const attribute = <T>(context: Context, element: RuleElement, name: string, read: ValueReader<T>): T | undefined => {
  const text = element.attributes.get(name);
  if (text === undefined) return undefined;
  const result = read(text);
  if (result !== undefined) return result.value;
  throw fail(context, 'ERR_POLICY_RULE_VALUE', element, `${name} cannot be ${shown(text)}`, name);
};

function bluetooth(context: Context, element: RuleElement): BluetoothCondition {
  onlyAttributes(context, element, ['type', 'scenario', 'classOfDevice', 'classofDevice', 'rssiMin', 'rssiMaxDelta']);
  noText(context, element);
  const [child] = element.children;
  if (child !== undefined) {
    throw fail(context, 'ERR_POLICY_RULE_ELEMENT', child, 'a bluetooth signal has attributes only');
  }
  const scenario = element.attributes.get('scenario');
  if (scenario === undefined) {
    throw fail(context, 'ERR_POLICY_RULE_MISSING', element, 'a bluetooth signal has to have scenario', 'scenario');
  }
  if (scenario !== context.scenario) {
    const words = `scenario is ${shown(scenario)} where ${shown(context.scenario)} is needed`;
    throw fail(context, 'ERR_POLICY_RULE_SCENARIO', element, words, 'scenario');
  }
  const variant = element.attributes.has('classofDevice');
  if (variant && element.attributes.has('classOfDevice')) {
    throw fail(context, 'ERR_POLICY_RULE_REPEATED', element, 'classOfDevice stands twice', 'classofDevice');
  }
  if (variant) note(context, 'classofDevice is read as classOfDevice', element.path);
  const classOfDevice = attribute(
    context,
    element,
    variant ? 'classofDevice' : 'classOfDevice',
    values.readDeviceClass,
  );
  const rssiMin = attribute(context, element, 'rssiMin', values.readRssiMin);
  const rssiMaxDelta = attribute(context, element, 'rssiMaxDelta', values.readRssiMaxDelta);
  return {
    type: 'bluetooth',
    ...(classOfDevice === undefined ? {} : { classOfDevice }),
    ...(rssiMin === undefined ? {} : { rssiMin }),
    ...(rssiMaxDelta === undefined ? {} : { rssiMaxDelta }),
  };
}

/** The children of a signal with their values in order, each read once; `many` says which may be repeated. */
function childValues(
  context: Context,
  signal: RuleElement,
  readers: Readonly<Record<string, ValueReader<string | number>>>,
  many: readonly string[],
): Map<string, (string | number)[]> {
  onlyAttributes(context, signal, ['type']);
  noText(context, signal);
  const found = new Map<string, (string | number)[]>();
  for (const child of signal.children) {
    const name = child.name.replace(/^IPv(?=[46])/, 'ipv');
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined) {
      const words = `${child.name.slice(0, 64)} is no element of this signal`;
      throw fail(context, 'ERR_POLICY_RULE_ELEMENT', child, words);
    }
    onlyAttributes(context, child, []);
    const [inner] = child.children;
    if (inner !== undefined) throw fail(context, 'ERR_POLICY_RULE_ELEMENT', inner, `${name} holds text only`);
    const list = found.get(name) ?? [];
    if (list.length > 0 && !many.includes(name)) {
      throw fail(context, 'ERR_POLICY_RULE_REPEATED', child, `${name} may stand once in a signal`);
    }
    const result = read(child.text);
    if (result === undefined) {
      const code = child.text.trim() === '' ? 'ERR_POLICY_RULE_MISSING' : 'ERR_POLICY_RULE_VALUE';
      const words = code === 'ERR_POLICY_RULE_MISSING' ? `${name} is empty` : `${name} cannot be ${shown(child.text)}`;
      throw ruleError(context.source, code, words, child.contentAt, child.path);
    }
    if (name !== child.name) note(context, `${child.name} is read as ${name}`, child.path);
    if (result.respelled !== undefined) note(context, result.respelled, child.path);
    found.set(name, [...list, result.value]);
  }
  return found;
}

const IP_READERS = {
  ipv4Prefix: values.readIpv4Prefix,
  ipv4Gateway: values.readIpv4Address,
  ipv4DhcpServer: values.readIpv4Address,
  ipv4DnsServer: values.readIpv4Address,
  ipv6Prefix: values.readIpv6Prefix,
  ipv6Gateway: values.readIpv6Address,
  ipv6DhcpServer: values.readIpv6Address,
  ipv6DnsServer: values.readIpv6Address,
  dnsSuffix: values.readDnsSuffix,
};
const IP_MANY = ['ipv4DnsServer', 'ipv6DnsServer', 'dnsSuffix'];

function ipConfig(context: Context, element: RuleElement): IpConfigCondition {
  const found = childValues(context, element, IP_READERS, IP_MANY);
  if (found.size === 0) {
    throw fail(context, 'ERR_POLICY_RULE_MISSING', element, 'an ipConfig signal has to have an element');
  }
  const fields = [...found].map(([name, list]) => [name, IP_MANY.includes(name) ? list : list[0]] as const);
  return { type: 'ipConfig', ...Object.fromEntries(fields) };
}

function wifi(context: Context, element: RuleElement): WifiCondition {
  const found = childValues(
    context,
    element,
    {
      ssid: values.readSsid,
      bssid: values.readBssid,
      security: values.readSecurity,
      trustedRootCA: values.readThumbprint,
      sig_quality: values.readQuality,
    },
    [],
  );
  const text = (name: string): string | undefined => found.get(name)?.[0]?.toString();
  const ssid = text('ssid');
  const security = values.readSecurity(text('security') ?? '')?.value;
  if (ssid === undefined) throw fail(context, 'ERR_POLICY_RULE_MISSING', element, 'a wifi signal has to have ssid');
  if (security === undefined) {
    throw fail(context, 'ERR_POLICY_RULE_MISSING', element, 'a wifi signal has to have security');
  }
  const bssid = text('bssid');
  const trustedRootCA = text('trustedRootCA');
  const quality = found.get('sig_quality')?.[0];
  return {
    type: 'wifi',
    ssid,
    ...(bssid === undefined ? {} : { bssid }),
    security,
    ...(trustedRootCA === undefined ? {} : { trustedRootCA }),
    ...(quality === undefined ? {} : { signalQuality: Number(quality) }),
  };
}

function condition(context: Context, element: RuleElement): SignalCondition {
  const type = element.attributes.get('type');
  if (type === undefined) throw fail(context, 'ERR_POLICY_RULE_MISSING', element, 'signal has to have type', 'type');
  if (type !== 'bluetooth' && type !== 'ipConfig' && type !== 'wifi') {
    throw fail(context, 'ERR_POLICY_RULE_VALUE', element, `there is no signal type ${shown(type)}`, 'type');
  }
  if (context.scenario === 'Dynamic Lock' && type !== 'bluetooth') {
    throw fail(context, 'ERR_POLICY_RULE_VALUE', element, 'dynamic lock takes bluetooth signals only', 'type');
  }
  if (type === 'bluetooth') return bluetooth(context, element);
  return type === 'ipConfig' ? ipConfig(context, element) : wifi(context, element);
}

function signals(context: Context, root: RuleElement): readonly RuleElement[] {
  noText(context, root);
  const [only, second] = root.children;
  if (only === undefined) throw fail(context, 'ERR_POLICY_RULE_MISSING', root, 'the rule has no signal');
  if (only.name !== 'signal' && only.name !== 'and') {
    const words =
      only.name === 'or'
        ? 'there is no or: alternatives are rules of their own'
        : `${only.name.slice(0, 64)} is no element of a rule`;
    throw fail(context, 'ERR_POLICY_RULE_ELEMENT', only, words);
  }
  if (second !== undefined) {
    const words = 'a rule holds one signal, or one and with all of its signals';
    throw fail(context, 'ERR_POLICY_RULE_ELEMENT', second, words);
  }
  if (only.name === 'signal') return [only];
  if (context.scenario === 'Dynamic Lock') {
    throw fail(context, 'ERR_POLICY_RULE_ELEMENT', only, 'a rule of dynamic lock holds one bluetooth signal');
  }
  onlyAttributes(context, only, []);
  noText(context, only);
  if (only.children.length === 0) throw fail(context, 'ERR_POLICY_RULE_MISSING', only, 'and has no signal');
  for (const child of only.children) {
    if (child.name !== 'signal') {
      throw fail(context, 'ERR_POLICY_RULE_ELEMENT', child, `${child.name.slice(0, 64)} may not stand inside and`);
    }
  }
  return only.children;
}

function rule(context: Context, root: RuleElement, index: number): SignalRule {
  if (root.name !== 'rule') {
    throw fail(context, 'ERR_POLICY_RULE_ELEMENT', root, `${root.name.slice(0, 64)} stands where rule is needed`);
  }
  const version = root.attributes.get('schemaVersion');
  if (version !== '1.0') {
    const words =
      version !== undefined
        ? `schemaVersion ${shown(version)} is not 1.0`
        : root.attributes.has('version')
          ? 'the attribute is called schemaVersion, not version'
          : 'schemaVersion is missing';
    throw fail(context, 'ERR_POLICY_RULE_VERSION', root, words, 'schemaVersion');
  }
  onlyAttributes(context, root, ['schemaVersion']);
  return { name: `rule-${index + 1}`, all: signals(context, root).map((element) => condition(context, element)) };
}

/**
 * Reads the signal rules of `DeviceUnlock/Plugins` or `DynamicLock/Plugins`; an empty text has none.
 * @param setting how errors and notes call the text
 * @throws {ERR_POLICY_RULE_*} with `line`, `column` (both from 1) and `element` in the detail
 */
export function readSignalRules(
  text: string,
  scenario: RuleScenario = 'Authentication',
  setting = 'DeviceUnlock/Plugins',
): { readonly rules: readonly SignalRule[]; readonly notes: readonly Note[] } {
  const notes: Note[] = [];
  const source = { text, setting };
  const rules = readRuleXml(source).map((root, index) => rule({ source, scenario, notes }, root, index));
  if (scenario === 'Dynamic Lock') {
    for (const { name, all } of rules) {
      if (all.every((c) => c.type === 'bluetooth' && (c.classOfDevice ?? 512) === 512)) continue;
      notes.push({
        code: 'not-a-phone',
        words: 'Windows supports class 512 (phone) only for dynamic lock',
        where: `${setting} (${name})`,
      });
    }
  }
  return { rules, notes };
}
