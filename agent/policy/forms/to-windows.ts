/**
 * The native document as a Windows policy, whole or not at all: what Windows has no words for is refused with every
 * reason, and where Windows reads the same words more loosely a note says so.
 */
import { isUnlockdError, type UnlockdError } from '../../../drivers/base/errors.ts';
import { branchesOf } from '../branches.ts';
import { type ContextPolicy, contextsOf, DEFAULT_DOCUMENT, type PolicyDocument } from '../model.ts';
import type { Requirement } from '../requirement.ts';
import type { ConversionNote } from './conversion-notes.ts';
import { buildPolicy } from './windows/build.ts';
import { type Inexpressible, refuseInexpressible } from './windows/inexpressible.ts';
import type { Provider, WindowsPolicy } from './windows/model.ts';
import { NODE, nodeOfPath } from './windows/nodes.ts';
import { addSetting, emptyReadings } from './windows/settings.ts';
import { nodesOfPolicy } from './windows/to-nodes.ts';
import { looserInWindows } from './windows-looser.ts';
import { complexityOf, lockOf, pinOf, windowsLockOf } from './windows-sections.ts';
import { type KeptNode, keptNodes, keyOfNode } from './windows-settings.ts';

const PROVIDER_OF: Readonly<Record<string, Provider>> = {
  pin: 'pin',
  fingerprint: 'fingerprint',
  face: 'face',
  trustedSignal: 'trusted-signal',
};

const reason = (what: string, words: string): Inexpressible => ({ what, words });

function nameReason(name: string, element: string): Inexpressible {
  if (name === 'securityKey') return reason(element, 'Windows does not take a security key as an unlock factor');
  if (name.startsWith('rule:')) return reason(element, 'Windows asks for any of the rules, never for a certain one');
  return reason(element, `Windows has the phone and the network only together: write trustedSignal, not ${name}`);
}

interface Lists {
  readonly groups: readonly (readonly Provider[])[];
  readonly reasons: readonly Inexpressible[];
}

function listOf(part: Requirement, element: string): { list: readonly Provider[]; reasons: readonly Inexpressible[] } {
  const names = typeof part === 'string' ? [part] : 'any' in part ? part.any : null;
  if (names === null) {
    const words =
      typeof part === 'object' && 'during' in part
        ? 'Windows has no time windows'
        : typeof part === 'object' && 'atLeast' in part
          ? 'Windows has no "so many of"'
          : 'Windows has two lists of alternatives and nothing nested in them';
    return { list: [], reasons: [reason(element, words)] };
  }
  const reasons: Inexpressible[] = [];
  const list: Provider[] = [];
  for (const [i, name] of names.entries()) {
    const at = typeof part === 'string' ? element : `${element}.any[${i}]`;
    const provider = typeof name === 'string' ? PROVIDER_OF[name] : undefined;
    if (provider !== undefined) list.push(provider);
    else if (typeof name === 'string') reasons.push(nameReason(name, at));
    else reasons.push(...listOf(name, at).reasons, reason(at, 'Windows has nothing nested in a list'));
  }
  return { list, reasons };
}

function listsOf(require: Requirement): Lists {
  const element = 'contexts.unlock.require';
  if (typeof require === 'string' || !('all' in require) || require.all.length !== 2) {
    const inner = typeof require === 'object' && 'all' in require ? require.all : [require];
    const at = (i: number) => (inner.length === 1 ? element : `${element}.all[${i}]`);
    const reasons = inner.flatMap((part, i) => listOf(part, at(i)).reasons);
    return {
      groups: [],
      reasons: [...reasons, reason(element, 'Windows has exactly two lists, of which one factor each')],
    };
  }
  const lists = require.all.map((part, i) => listOf(part, `${element}.all[${i}]`));
  return { groups: lists.map(({ list }) => list), reasons: lists.flatMap(({ reasons }) => reasons) };
}

const isSame = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => isSame(left[key], right[key]));
};

/** Whether the policy accepts asserted pairs exactly where it has some. */
export const needsAsserted = (document: PolicyDocument, require: Requirement): boolean =>
  branchesOf({ require, rules: document.rules }, { pinIsBound: true }).some(({ strength }) => strength === 'asserted');

function unlockReasons(document: PolicyDocument, { require, acceptAsserted }: ContextPolicy): readonly Inexpressible[] {
  const needed = needsAsserted(document, require);
  if (needed === acceptAsserted) return [];
  const element = 'contexts.unlock.acceptAsserted';
  return [
    needed
      ? reason(element, 'Windows would accept the pairs that the TPM does not enforce, and this document does not')
      : reason(element, 'Windows has no such setting, and no pair of the lists needs it'),
  ];
}

/** Everything outside the lists that Windows has no setting for. */
function otherReasons(document: PolicyDocument): readonly Inexpressible[] {
  const reasons = contextsOf(document)
    .filter((name) => name !== 'unlock')
    .map((name) => reason(`contexts.${name}`, 'Windows has a policy for unlocking and for nothing else'));
  for (const name of Object.keys(document.windows)) {
    reasons.push(reason(`windows.${name}`, 'Windows has no time windows'));
  }
  for (const kind of Object.keys(document.freshnessSeconds)) {
    reasons.push(reason(`freshnessSeconds.${kind}`, 'Windows has no age of a signal'));
  }
  if (!isSame(document.securityKey, DEFAULT_DOCUMENT.securityKey)) {
    reasons.push(reason('securityKey.userVerification', 'Windows has no such setting'));
  }
  if (!document.pin.refuseSimple) reasons.push(reason('pin.refuseSimple', 'Windows always refuses simple PINs'));
  return reasons;
}

/** Path of the node whose empty value says that Windows names no unlock factors. */
export const UNCONFIGURED: KeptNode = { scope: 'device', path: NODE.groupA.path, value: '' };

const pathsOf = (names: readonly (keyof typeof NODE)[]): ReadonlySet<string> =>
  new Set(names.map((name) => NODE[name].path));
const PIN_FIELDS = [
  'minimumPINLength',
  'maximumPINLength',
  'uppercaseLetters',
  'lowercaseLetters',
  'specialCharacters',
  'digits',
  'history',
  'expiration',
] as const;
const PIN_PATHS = pathsOf(PIN_FIELDS);
const LOCK_PATHS = pathsOf(['dynamicLock', 'dynamicLockPlugins']);
const UNLOCK_PATHS = pathsOf(['groupA', 'groupB', 'unlockPlugins']);

/** The sections of the document alone, without what is kept beside them. */
function plainPolicy(
  document: PolicyDocument,
  configured: boolean,
): {
  readonly policy: WindowsPolicy;
  readonly reasons: readonly Inexpressible[];
} {
  const { unlock } = document.contexts;
  const { groups, reasons } = configured ? listsOf(unlock.require) : { groups: [], reasons: [] };
  const lock = document.dynamicLock === undefined ? null : windowsLockOf(document.dynamicLock);
  const [groupA, groupB] = groups;
  const pinComplexity = complexityOf(document.pin);
  return {
    policy: {
      ...(groupA === undefined || groupB === undefined || reasons.length > 0 ? {} : { groupA, groupB }),
      rules: document.rules.map(({ all }, i) => ({ name: `rule-${i + 1}`, all })),
      ...(pinComplexity === undefined ? {} : { pinComplexity }),
      ...(lock === null ? {} : { dynamicLock: lock.lock }),
      nodes: [],
    },
    reasons: [...reasons, ...(configured ? unlockReasons(document, unlock) : []), ...(lock?.reasons ?? [])],
  };
}

/** Builds a policy from nodes, checked as if they came from a file. @throws {ERR_POLICY_WINDOWS_* | ERR_POLICY_RULE_*} */
function policyOfNodes(nodes: readonly KeptNode[]): WindowsPolicy {
  const readings = emptyReadings();
  for (const node of nodes) {
    const source = node.scope === 'user' ? 'user-csp' : 'device-csp';
    addSetting(readings, source, nodeOfPath(node.path) ?? node.path, node.value, keyOfNode(node));
  }
  return buildPolicy(readings.settings).policy;
}

const valuesAt = (nodes: readonly KeptNode[], paths: ReadonlySet<string>) =>
  nodes.filter(({ path }) => paths.has(path));

/** The nodes of `own` with those of `kept` in their place. */
const overlaid = (own: readonly KeptNode[], kept: readonly KeptNode[]): readonly KeptNode[] => [
  ...own.filter((node) => !kept.some((other) => other.path === node.path && other.scope === node.scope)),
  ...kept,
];

const attempt = <T>(read: () => T): T | UnlockdError => {
  try {
    return read();
  } catch (error) {
    if (isUnlockdError(error)) return error;
    throw error;
  }
};

/** Kept values count where the section that they become is the one in the document. */
function consistent(
  own: readonly KeptNode[],
  kept: readonly KeptNode[],
  section: (policy: WindowsPolicy) => unknown,
  wanted: unknown,
): boolean {
  const policy = attempt(() => policyOfNodes(overlaid(own, kept)));
  return !(policy instanceof Error) && isSame(section(policy), wanted);
}

const wins = (nodes: readonly KeptNode[], section: string): readonly ConversionNote[] =>
  nodes.map((node) => ({
    code: 'section-wins',
    words: `what is kept here of Windows is not what ${section} says; ${section} is what is written`,
    where: `windowsSettings ${keyOfNode(node)}`,
  }));

const withoutLists = (document: PolicyDocument, nodes: readonly KeptNode[]): boolean =>
  nodes.some((node) => isSame(node, UNCONFIGURED)) && isSame(document.contexts, DEFAULT_DOCUMENT.contexts);

/**
 * The nodes that the sections of a document become without its `windowsSettings`.
 * @param configured false: Windows names no unlock factors, and the document has the default ones
 */
export const plainNodes = (document: PolicyDocument, configured: boolean): readonly KeptNode[] =>
  nodesOfPolicy(plainPolicy(document, configured).policy).settings;

/**
 * @throws {ERR_POLICY_NOT_WINDOWS} an `InexpressibleError` with every reason
 */
export function toWindows(document: PolicyDocument): {
  readonly policy: WindowsPolicy;
  readonly notes: readonly ConversionNote[];
} {
  const { nodes: kept, strangers } = keptNodes(document.windowsSettings);
  const configured = !withoutLists(document, kept);
  const { policy, reasons } = plainPolicy(document, configured);
  const all: Inexpressible[] = [...reasons, ...otherReasons(document)];
  all.push(...strangers.map((key) => reason(`windowsSettings ${key}`, 'is no node of Windows')));
  const own = attempt(() => nodesOfPolicy(policy));
  if (own instanceof Error) all.push(reason('contexts.unlock', own.message));
  else all.push(...own.reasons);
  refuseInexpressible(all);
  const settings: readonly KeptNode[] = own instanceof Error ? [] : own.settings;

  const pin = valuesAt(kept, PIN_PATHS);
  const lock = valuesAt(kept, LOCK_PATHS);
  const pinFits = consistent(settings, pin, (whole) => pinOf(whole.pinComplexity), document.pin);
  const lockFits = consistent(settings, lock, (whole) => lockOf(whole.dynamicLock), document.dynamicLock);
  const unlockNodes = valuesAt(kept, UNLOCK_PATHS).filter((node) => configured || !isSame(node, UNCONFIGURED));
  const named = new Set([...PIN_PATHS, ...LOCK_PATHS, ...UNLOCK_PATHS]);
  const others = kept.filter(({ path }) => !named.has(path));
  const nodes = overlaid(settings, [...(pinFits ? pin : []), ...(lockFits ? lock : []), ...others]);
  const whole = attempt(() => policyOfNodes(nodes));
  if (whole instanceof Error) refuseInexpressible([reason('windowsSettings', whole.message)]);
  return {
    policy: whole instanceof Error ? policy : whole,
    notes: [
      ...wins(unlockNodes, 'contexts'),
      ...(pinFits ? [] : wins(pin, 'pin')),
      ...(lockFits ? [] : wins(lock, 'dynamicLock')),
      ...looserInWindows(document),
    ],
  };
}
