/**
 * The settings of Windows Hello for Business: their node in the CSP, their value of Group Policy, their type and range
 * (PassportForWork DDF, Policy CSP Authentication, the ADMX files). A specification table.
 */
import type { Scope } from './model.ts';

export type NodeType =
  | { readonly kind: 'bool' }
  | { readonly kind: 'text' }
  | { readonly kind: 'int'; readonly min: number; readonly max: number };

export interface NodeDefinition {
  /** OMA-URI without the scope. */
  readonly path: string;
  readonly type: NodeType;
  /** Nodes of one setting win and lose together. */
  readonly setting: string;
  readonly scopes: readonly Scope[];
  /** Under HKLM (device) or HKU (user). */
  readonly groupPolicy?: { readonly key: string; readonly name: string };
}

export const TENANT = '{TenantId}';
export const PASSPORT_PATH = 'Vendor/MSFT/PassportForWork';
export const AUTHENTICATION_PATH = 'Vendor/MSFT/Policy/Config/Authentication';
export const PASSPORT_POLICY_KEY = 'SOFTWARE\\Policies\\Microsoft\\PassportForWork';

const TENANT_POLICIES = `${PASSPORT_PATH}/${TENANT}/Policies`;
const BOOL: NodeType = { kind: 'bool' };
const TEXT: NodeType = { kind: 'text' };
const int = (min: number, max: number): NodeType => ({ kind: 'int', min, max });

const device: readonly Scope[] = ['device'];
const both: readonly Scope[] = ['device', 'user'];

const row = (
  path: string,
  type: NodeType,
  scopes: readonly Scope[],
  groupPolicy?: readonly [key: string, name: string],
  setting = path,
): NodeDefinition => ({
  path,
  type,
  setting,
  scopes,
  ...(groupPolicy === undefined ? {} : { groupPolicy: { key: groupPolicy[0], name: groupPolicy[1] } }),
});

const gpo = (name: string, below = ''): readonly [string, string] => [`${PASSPORT_POLICY_KEY}${below}`, name];
const tenant = (name: string, type: NodeType, scopes: readonly Scope[], value?: readonly [string, string]) =>
  row(`${TENANT_POLICIES}/${name}`, type, scopes, value);
const pin = (name: string, min: number, max: number) =>
  tenant(`PINComplexity/${name}`, int(min, max), both, gpo(name, '\\PINComplexity'));
const unlock = (name: string) =>
  row(`${PASSPORT_PATH}/DeviceUnlock/${name}`, TEXT, device, gpo(name, '\\DeviceUnlock'), 'DeviceUnlock');
const lock = (name: string, type: NodeType) =>
  row(`${PASSPORT_PATH}/DynamicLock/${name}`, type, device, gpo(name, '\\DynamicLock'), 'DynamicLock');

/** The nodes that have a place of their own in the model. */
export const NODE = {
  groupA: unlock('GroupA'),
  groupB: unlock('GroupB'),
  unlockPlugins: unlock('Plugins'),
  dynamicLock: lock('DynamicLock', BOOL),
  dynamicLockPlugins: lock('Plugins', TEXT),
  minimumPINLength: pin('MinimumPINLength', 4, 127),
  maximumPINLength: pin('MaximumPINLength', 4, 127),
  uppercaseLetters: pin('UppercaseLetters', 0, 2),
  lowercaseLetters: pin('LowercaseLetters', 0, 2),
  specialCharacters: pin('SpecialCharacters', 0, 2),
  digits: pin('Digits', 0, 2),
  history: pin('History', 0, 50),
  expiration: pin('Expiration', 0, 730),
  pinRecovery: tenant('EnablePinRecovery', BOOL, both, gpo('EnablePinRecovery')),
  securityKeySignIn: row(`${PASSPORT_PATH}/SecurityKey/UseSecurityKeyForSignin`, int(0, 1), device, [
    'SOFTWARE\\Policies\\Microsoft\\FIDO',
    'EnableFIDODeviceLogon',
  ]),
  passwordlessExperience: row(`${AUTHENTICATION_PATH}/EnablePasswordlessExperience`, int(0, 2), device),
  webSignIn: row(`${AUTHENTICATION_PATH}/EnableWebSignIn`, int(0, 2), device),
  useBiometrics: row(`${PASSPORT_PATH}/Biometrics/UseBiometrics`, BOOL, device, gpo('Enabled', '\\Biometrics')),
  enhancedAntiSpoofing: row(`${PASSPORT_PATH}/Biometrics/FacialFeaturesUseEnhancedAntiSpoofing`, BOOL, device, [
    'SOFTWARE\\Policies\\Microsoft\\Biometrics\\FacialFeatures',
    'EnhancedAntiSpoofing',
  ]),
  essWithSupportedPeripherals: row(`${PASSPORT_PATH}/Biometrics/EnableESSwithSupportedPeripherals`, int(0, 1), device),
} as const satisfies Record<string, NodeDefinition>;
export type NodeName = keyof typeof NODE;

/** The nodes whose type is known and that are kept as they are. */
const KEPT: readonly NodeDefinition[] = [
  tenant('UsePassportForWork', BOOL, both, gpo('Enabled')),
  tenant('RequireSecurityDevice', BOOL, both, gpo('RequireSecurityDevice')),
  tenant('ExcludeSecurityDevices/TPM12', BOOL, device, gpo('TPM12', '\\ExcludeSecurityDevices')),
  tenant('UseCertificateForOnPremAuth', BOOL, device, gpo('UseCertificateForOnPremAuth')),
  tenant('UseCloudTrustForOnPremAuth', BOOL, device, gpo('UseCloudTrustForOnPremAuth')),
  tenant('EnableWindowsHelloProvisioningForSecurityKeys', BOOL, device),
  tenant('DisablePostLogonProvisioning', BOOL, device, gpo('DisablePostLogonProvisioning')),
  tenant(
    'UseHelloCertificatesAsSmartCardCertificates',
    BOOL,
    device,
    gpo('UseHelloCertificatesAsSmartCardCertificates'),
  ),
  tenant('Remote/UseRemotePassport', BOOL, device, gpo('Enabled', '\\Remote')),
  row(`${PASSPORT_PATH}/UseBiometrics`, BOOL, device),
  row(`${AUTHENTICATION_PATH}/AllowFidoDeviceSignon`, int(0, 1), device),
  row(`${AUTHENTICATION_PATH}/ConfigureWebSignInAllowedUrls`, TEXT, device),
  row(`${AUTHENTICATION_PATH}/ConfigureWebcamAccessDomainNames`, TEXT, device),
  row(`${AUTHENTICATION_PATH}/PreferredAadTenantDomainName`, TEXT, device),
  row('Vendor/MSFT/Policy/Config/ADMX_CredentialProviders/ExcludedCredentialProviders', TEXT, device),
];

export const NODES: readonly NodeDefinition[] = [...Object.values(NODE), ...KEPT];

const byPath = new Map(NODES.map((node) => [node.path.toLowerCase(), node]));
const byValue = new Map(
  NODES.flatMap((node) =>
    node.groupPolicy === undefined
      ? []
      : [[`${node.groupPolicy.key}!${node.groupPolicy.name}`.toLowerCase(), node] as const],
  ),
);
const byCatalogId = new Map(
  NODES.flatMap((node) => {
    const id = node.path.toLowerCase().replaceAll('/', '_');
    return [[id, node] as const, [id.replace('{tenantid}', 'tenantid'), node] as const];
  }),
);

/** @param path with `{TenantId}` in the place of the tenant; case does not count */
export const nodeOfPath = (path: string): NodeDefinition | undefined => byPath.get(path.toLowerCase());

export const nodeOfGroupPolicy = (key: string, name: string): NodeDefinition | undefined =>
  byValue.get(`${key}!${name}`.toLowerCase());

/** @param id of a setting definition without its scope: `vendor_msft_passportforwork_...` */
export const nodeOfCatalogId = (id: string): NodeDefinition | undefined => byCatalogId.get(id.toLowerCase());
