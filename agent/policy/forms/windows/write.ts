/**
 * The Windows forms of a policy, canonical: equal policies give equal text, and reading it gives the policy again. A
 * policy that a form cannot carry whole is refused with all reasons, as half of a policy is a weaker one.
 */
import { type Inexpressible, refuseInexpressible } from './inexpressible.ts';
import type { WindowsPolicy } from './model.ts';
import { NODE, TENANT } from './nodes.ts';
import type { WindowsStrings } from './read.ts';
import { type NodeSetting, nodesOfPolicy } from './to-nodes.ts';
import { tenantOf } from './uri.ts';

const inexpressible = (setting: NodeSetting, words: string): Inexpressible => ({
  what: `${setting.scope === 'user' ? './User/' : './Device/'}${setting.path}`,
  words,
});

/**
 * The values for Group Policy's dialogs.
 * @throws {ERR_POLICY_NOT_WINDOWS} the policy has more than the two lists, the rules and dynamic lock
 */
export function writeWindowsStrings(policy: WindowsPolicy): WindowsStrings {
  const { settings, reasons } = nodesOfPolicy(policy);
  const places: readonly string[] = [
    NODE.groupA.path,
    NODE.groupB.path,
    NODE.unlockPlugins.path,
    NODE.dynamicLock.path,
    NODE.dynamicLockPlugins.path,
  ];
  const others = settings.filter(({ path }) => !places.includes(path));
  refuseInexpressible([
    ...reasons,
    ...others.map((other) => inexpressible(other, 'the three strings have no place for it')),
  ]);
  const text = (place: string): string | undefined => {
    const value = settings.find(({ path }) => path === place)?.value;
    return typeof value === 'string' ? value : undefined;
  };
  const groupA = text(NODE.groupA.path);
  const groupB = text(NODE.groupB.path);
  const plugins = text(NODE.unlockPlugins.path);
  const lockPlugins = text(NODE.dynamicLockPlugins.path);
  return {
    ...(groupA === undefined ? {} : { groupA }),
    ...(groupB === undefined ? {} : { groupB }),
    ...(plugins === undefined ? {} : { plugins }),
    ...(policy.dynamicLock === undefined
      ? {}
      : { dynamicLock: { enabled: policy.dynamicLock.enabled, plugins: lockPlugins ?? '' } }),
  };
}

const omaType = (value: string | number | boolean): string =>
  typeof value === 'string'
    ? 'omaSettingString'
    : typeof value === 'number'
      ? 'omaSettingInteger'
      : 'omaSettingBoolean';

/** OMA-URI and value of each node, in a fixed order. @throws {ERR_POLICY_NOT_WINDOWS} */
export function writeWindowsNodes(
  policy: WindowsPolicy,
  options: { readonly tenantId?: string } = {},
): readonly { readonly uri: string; readonly value: string | number | boolean }[] {
  const { settings, reasons } = nodesOfPolicy(policy);
  const tenant = options.tenantId === undefined ? undefined : tenantOf(options.tenantId);
  const all: Inexpressible[] = [...reasons];
  const nodes: { readonly uri: string; readonly value: string | number | boolean }[] = [];
  for (const setting of settings) {
    const { scope, path, value } = setting;
    if (!path.startsWith('Vendor/')) {
      all.push(inexpressible(setting, 'there is no CSP node for it'));
    } else if (typeof value === 'object') {
      all.push(inexpressible(setting, 'binary data has no form as a CSP node'));
    } else if (path.includes(TENANT) && tenant === undefined) {
      all.push(inexpressible(setting, 'the node belongs to a tenant; give its GUID with `--tenant`'));
    } else {
      const uri = `./${scope === 'user' ? 'User' : 'Device'}/${path.replace(TENANT, () => tenant ?? '')}`;
      nodes.push({ uri, value });
    }
  }
  refuseInexpressible(all);
  return nodes;
}

/**
 * A custom profile for Intune (`windows10CustomConfiguration`), as JSON.
 * @param options.tenantId needed where the policy has nodes of a tenant (PIN complexity, PIN recovery)
 * @throws {ERR_POLICY_NOT_WINDOWS}
 */
export function writeOmaSettings(
  policy: WindowsPolicy,
  options: { readonly tenantId?: string; readonly displayName?: string } = {},
): string {
  const omaSettings = writeWindowsNodes(policy, options).map(({ uri, value }) => ({
    '@odata.type': `#microsoft.graph.${omaType(value)}`,
    displayName: uri.slice(uri.lastIndexOf('/') + 1),
    omaUri: uri,
    value,
  }));
  const profile = {
    '@odata.type': '#microsoft.graph.windows10CustomConfiguration',
    displayName: options.displayName ?? 'Windows Hello for Business',
    omaSettings,
  };
  return `${JSON.stringify(profile, null, 2)}\n`;
}
