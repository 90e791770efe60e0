/**
 * A Windows Hello for Business policy as data, whichever form it came in. Also what no part of the product acts on is
 * kept, so that what goes in comes out again. The names follow the PassportForWork CSP.
 */
import type { SignalRule } from '../../rules.ts';

export const PROVIDERS = ['pin', 'fingerprint', 'face', 'trusted-signal'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Of characters in a PIN: 0 allowed, 1 required, 2 not allowed. */
export type CharacterRule = 0 | 1 | 2;

/** A part that is left out is not configured. */
export interface PinComplexity {
  /** 4-127, below the maximum. */
  readonly minimumPINLength?: number;
  readonly maximumPINLength?: number;
  readonly uppercaseLetters?: CharacterRule;
  readonly lowercaseLetters?: CharacterRule;
  readonly specialCharacters?: CharacterRule;
  readonly digits?: CharacterRule;
  /** Earlier PINs that may not be used again, 0-50. */
  readonly history?: number;
  /** Days, 0-730; 0 is never. */
  readonly expiration?: number;
}

export interface WindowsDynamicLock {
  readonly enabled: boolean;
  /** Scenario `Dynamic Lock`; one Bluetooth condition each. */
  readonly rules: readonly SignalRule[];
}

/** A value of the registry that is neither text nor a number of 32 bits: the type's number and the octets. */
export interface RawValue {
  readonly registryType: number;
  readonly hex: string;
}
export type NodeValue = boolean | number | string | RawValue;

export type Scope = 'device' | 'user';

/** A setting that is kept and that the product does not act on. */
export interface OtherNode {
  readonly scope: Scope;
  /**
   * CSP: the OMA-URI without the scope, `Vendor/MSFT/PassportForWork/{TenantId}/Policies/UsePassportForWork`. A value of
   * Group Policy without a CSP node: `SOFTWARE\Policies\Microsoft\PassportForWork!Name`. A setting of the settings catalog
   * whose node is not known: `settings-catalog:ID`.
   */
  readonly path: string;
  readonly value: NodeValue;
}

export interface WindowsPolicy {
  /** First unlock factors, as listed; left out together with `groupB`: multi-factor unlock is not configured. */
  readonly groupA?: readonly Provider[];
  /** Second unlock factors, as listed. */
  readonly groupB?: readonly Provider[];
  /** Signal rules, alternatives, `rule-1`, `rule-2`, ... */
  readonly rules: readonly SignalRule[];
  readonly pinComplexity?: PinComplexity;
  readonly dynamicLock?: WindowsDynamicLock;
  /** EnablePinRecovery. */
  readonly pinRecovery?: boolean;
  /** UseSecurityKeyForSignin. */
  readonly securityKeySignIn?: boolean;
  /** EnablePasswordlessExperience: 0 default, 1 on, 2 off. */
  readonly passwordlessExperience?: 0 | 1 | 2;
  /** EnableWebSignIn: 0 default, 1 on, 2 off. */
  readonly webSignIn?: 0 | 1 | 2;
  readonly biometrics?: {
    readonly use?: boolean;
    readonly enhancedAntiSpoofing?: boolean;
    /** EnableESSwithSupportedPeripherals: 1 blocks peripheral sensors. */
    readonly essWithSupportedPeripherals?: 0 | 1;
  };
  /** By path, then scope. */
  readonly nodes: readonly OtherNode[];
}
