/**
 * From the settings that won to the policy: lists and rules are read, the validity rules checked, and what has no place
 * of its own in the model is kept by its path.
 */
import { isUnlockdError, UnlockdError } from '../../../../drivers/base/errors.ts';
import type { SignalRule } from '../../rules.ts';
import type { CharacterRule, OtherNode, PinComplexity, WindowsPolicy } from './model.ts';
import { NODE, type NodeName } from './nodes.ts';
import type { Note } from './notes.ts';
import { checkGroups, readProviders } from './providers.ts';
import { type RuleScenario, readSignalRules } from './rule-schema.ts';
import type { Setting } from './settings.ts';
import { settle } from './settle.ts';

/** Windows' defaults (DDF), for judging a pair of which one is not configured. */
const PIN_LENGTHS = { min: 4, max: 127 };

const NAMED = new Set<string>(Object.values(NODE).map(({ path }) => path.toLowerCase()));

/** Keys whose value is undefined are left out. */
const present = <T extends object>(value: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;

const freeze = <T extends object>(value: T): T => {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freeze(inner);
  return Object.freeze(value);
};

type Winners = ReadonlyMap<string, Setting>;

// The readers have held each value against the type and range of its node.
const winning = (winners: Winners, name: NodeName) => winners.get(NODE[name].path.toLowerCase())?.value;
const textOf = (winners: Winners, name: NodeName): string | undefined => {
  const value = winning(winners, name);
  return typeof value === 'string' ? value : undefined;
};
const boolOf = (winners: Winners, name: NodeName): boolean | undefined => {
  const value = winning(winners, name);
  return typeof value === 'boolean' ? value : undefined;
};
const intOf = <T extends number = number>(winners: Winners, name: NodeName): T | undefined => {
  const value = winning(winners, name);
  return typeof value === 'number' ? (value as T) : undefined;
};

function pinComplexity(winners: Winners, notes: Note[]): PinComplexity | undefined {
  let min = intOf(winners, 'minimumPINLength');
  let max = intOf(winners, 'maximumPINLength');
  if ((min ?? PIN_LENGTHS.min) >= (max ?? PIN_LENGTHS.max)) {
    const words = `a minimum of ${min ?? 'default'} and a maximum of ${max ?? 'default'} contradict each other: both have their defaults`;
    notes.push({ code: 'pin-lengths-inconsistent', words, where: 'PINComplexity' });
    min = undefined;
    max = undefined;
  }
  const rules = present<PinComplexity>({
    minimumPINLength: min,
    maximumPINLength: max,
    uppercaseLetters: intOf<CharacterRule>(winners, 'uppercaseLetters'),
    lowercaseLetters: intOf<CharacterRule>(winners, 'lowercaseLetters'),
    specialCharacters: intOf<CharacterRule>(winners, 'specialCharacters'),
    digits: intOf<CharacterRule>(winners, 'digits'),
    history: intOf(winners, 'history'),
    expiration: intOf(winners, 'expiration'),
  });
  return Object.keys(rules).length === 0 ? undefined : rules;
}

/** What is wrong with the value of a node, with the file that it comes from in front. */
function inItsFile<T>(winners: Winners, name: NodeName, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const where = winners.get(NODE[name].path.toLowerCase())?.where;
    if (!isUnlockdError(error) || !where) throw error;
    throw new UnlockdError(error.code, `${where}: ${error.message}`, { detail: error.detail, cause: error });
  }
}

function rulesOf(winners: Winners, name: NodeName, scenario: RuleScenario, notes: Note[]): readonly SignalRule[] {
  const text = textOf(winners, name);
  if (text === undefined) return [];
  const read = inItsFile(winners, name, () =>
    readSignalRules(text, scenario, NODE[name].path.split('/').slice(-2).join('/')),
  );
  notes.push(...read.notes);
  return read.rules;
}

function providersOf(winners: Winners, name: 'groupA' | 'groupB', notes: Note[]) {
  const text = textOf(winners, name);
  if (text === undefined) return undefined;
  const read = inItsFile(winners, name, () =>
    readProviders(text, name === 'groupA' ? 'DeviceUnlock/GroupA' : 'DeviceUnlock/GroupB'),
  );
  notes.push(...read.notes);
  return read.providers;
}

function otherNodes(winners: Winners): readonly OtherNode[] {
  const nodes = [...winners.values()].filter(({ path }) => !NAMED.has(path.toLowerCase()));
  return nodes
    .map(
      ({ source, path, value }): OtherNode => ({ scope: source.startsWith('user') ? 'user' : 'device', path, value }),
    )
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/**
 * Decides who wins, reads what the values say and checks the validity rules.
 * @throws {ERR_POLICY_WINDOWS_*} @throws {ERR_POLICY_RULE_*}
 */
export function buildPolicy(settings: readonly Setting[]): {
  readonly policy: WindowsPolicy;
  readonly notes: readonly Note[];
} {
  const { winners, notes: lost } = settle(settings);
  const notes: Note[] = [...lost];
  const groupA = providersOf(winners, 'groupA', notes);
  const groupB = providersOf(winners, 'groupB', notes);
  checkGroups(groupA, groupB);
  const rules = rulesOf(winners, 'unlockPlugins', 'Authentication', notes);
  const usesSignal = groupB?.includes('trusted-signal') ?? false;
  if (usesSignal && rules.length === 0) {
    const words = 'trusted signal is listed and there is no rule: it will never be true';
    notes.push({ code: 'signal-without-rules', words, where: 'DeviceUnlock/Plugins' });
  } else if (!usesSignal && rules.length > 0) {
    const words = 'there are rules and GroupB does not list trusted signal: nothing asks them';
    notes.push({ code: 'rules-without-signal', words, where: 'DeviceUnlock/Plugins' });
  }
  const lockRules = rulesOf(winners, 'dynamicLockPlugins', 'Dynamic Lock', notes);
  const lockEnabled = boolOf(winners, 'dynamicLock');
  const hasLock = lockEnabled !== undefined || lockRules.length > 0;
  const biometrics = present<NonNullable<WindowsPolicy['biometrics']>>({
    use: boolOf(winners, 'useBiometrics'),
    enhancedAntiSpoofing: boolOf(winners, 'enhancedAntiSpoofing'),
    essWithSupportedPeripherals: intOf<0 | 1>(winners, 'essWithSupportedPeripherals'),
  });
  const keySignIn = intOf(winners, 'securityKeySignIn');
  const policy = present<WindowsPolicy>({
    groupA,
    groupB,
    rules,
    pinComplexity: pinComplexity(winners, notes),
    dynamicLock: hasLock ? { enabled: lockEnabled ?? false, rules: lockRules } : undefined,
    pinRecovery: boolOf(winners, 'pinRecovery'),
    securityKeySignIn: keySignIn === undefined ? undefined : keySignIn === 1,
    passwordlessExperience: intOf<0 | 1 | 2>(winners, 'passwordlessExperience'),
    webSignIn: intOf<0 | 1 | 2>(winners, 'webSignIn'),
    biometrics: Object.keys(biometrics).length === 0 ? undefined : biometrics,
    nodes: otherNodes(winners),
  });
  return { policy: freeze(policy), notes };
}
