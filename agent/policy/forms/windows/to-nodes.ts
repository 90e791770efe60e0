/**
 * From the policy back to the values of its nodes, in a fixed order; the forms only differ in how they carry them.
 */
import type { Inexpressible } from './inexpressible.ts';
import type { NodeValue, Scope, WindowsPolicy } from './model.ts';
import { NODE, type NodeDefinition, type NodeName, nodeOfPath } from './nodes.ts';
import { checkGroups, writeProviders } from './providers.ts';
import { writeSignalRules } from './rule-write.ts';

export interface NodeSetting {
  readonly scope: Scope;
  readonly path: string;
  readonly node: NodeDefinition | undefined;
  readonly value: NodeValue;
}

/**
 * The node values of a policy, and what of it has no words in the rule language.
 * @throws {ERR_POLICY_WINDOWS_*} the two lists break a validity rule
 */
export function nodesOfPolicy(policy: WindowsPolicy): {
  readonly settings: readonly NodeSetting[];
  readonly reasons: readonly Inexpressible[];
} {
  checkGroups(policy.groupA, policy.groupB);
  const settings: NodeSetting[] = [];
  const add = (name: NodeName, value: NodeValue | undefined): void => {
    const node = NODE[name];
    if (value !== undefined) settings.push({ scope: 'device', path: node.path, node, value });
  };
  const rules = writeSignalRules(policy.rules);
  const lock = writeSignalRules(policy.dynamicLock?.rules ?? [], 'Dynamic Lock');
  const pin = policy.pinComplexity ?? {};
  add('groupA', policy.groupA && writeProviders(policy.groupA));
  add('groupB', policy.groupB && writeProviders(policy.groupB));
  add('unlockPlugins', policy.groupA === undefined && policy.rules.length === 0 ? undefined : rules.text);
  add('dynamicLock', policy.dynamicLock?.enabled);
  add('dynamicLockPlugins', policy.dynamicLock && lock.text);
  add('minimumPINLength', pin.minimumPINLength);
  add('maximumPINLength', pin.maximumPINLength);
  add('uppercaseLetters', pin.uppercaseLetters);
  add('lowercaseLetters', pin.lowercaseLetters);
  add('specialCharacters', pin.specialCharacters);
  add('digits', pin.digits);
  add('history', pin.history);
  add('expiration', pin.expiration);
  add('pinRecovery', policy.pinRecovery);
  add('securityKeySignIn', policy.securityKeySignIn === undefined ? undefined : Number(policy.securityKeySignIn));
  add('passwordlessExperience', policy.passwordlessExperience);
  add('webSignIn', policy.webSignIn);
  add('useBiometrics', policy.biometrics?.use);
  add('enhancedAntiSpoofing', policy.biometrics?.enhancedAntiSpoofing);
  add('essWithSupportedPeripherals', policy.biometrics?.essWithSupportedPeripherals);
  for (const { scope, path, value } of policy.nodes) settings.push({ scope, path, node: nodeOfPath(path), value });
  return { settings, reasons: [...rules.reasons, ...lock.reasons] };
}
