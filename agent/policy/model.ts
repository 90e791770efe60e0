/**
 * The unlock policy as data: list A (`first`) and list B (`then`) of Windows Hello multi-factor unlock, of which one
 * factor each has to be satisfied by two different factors, and beyond Windows the security key. Nothing here reads or
 * checks a document; `forms/` does.
 */
import type { FactorKind } from '../../drivers/signal.ts';

/** What a class of characters in a PIN may be (Windows: 0 allow, 1 require, 2 forbid). */
export type CharacterRule = 'allowed' | 'required' | 'disallowed';

/** PIN rules, after the nodes of the Windows PINComplexity policy. */
export interface PinRules {
  /** Characters (code points), 4-127, below `maxLength`. */
  readonly minLength: number;
  /** Characters, 4-127. */
  readonly maxLength: number;
  readonly digits: CharacterRule;
  readonly lowercase: CharacterRule;
  readonly uppercase: CharacterRule;
  readonly special: CharacterRule;
  /** Refuse PINs of digits whose step from each digit to the next, modulo 10, is constant. */
  readonly refuseSimple: boolean;
  /** Number of PINs, the current one included, that may not come again; 0-50. */
  readonly history: number;
  /** Days after which the PIN has to be changed; 0-730, 0: never. */
  readonly expiryDays: number;
}

export type UserVerification = 'required' | 'preferred' | 'discouraged';

export interface UnlockPolicy {
  readonly version: 1;
  /** List A: one of these. */
  readonly first: readonly FactorKind[];
  /** List B: and one of these, which has to be another factor. */
  readonly then: readonly FactorKind[];
  /** True: pairs of which neither factor is bound by the TPM are accepted. */
  readonly acceptAsserted: boolean;
  /** Upper bound on the age of a factor's signal, in seconds; a signal's own `validFor` holds where it is shorter. */
  readonly freshnessSeconds: Readonly<Partial<Record<FactorKind, number>>>;
  readonly securityKey: { readonly userVerification: UserVerification };
  readonly pin: PinRules;
}

export const DEFAULT_PIN_RULES: PinRules = Object.freeze({
  minLength: 6,
  maxLength: 127,
  digits: 'allowed',
  lowercase: 'allowed',
  uppercase: 'allowed',
  special: 'allowed',
  refuseSimple: true,
  history: 0,
  expiryDays: 0,
});

/** First the PIN, then the security key: the one pair of which the TPM enforces both. */
export const DEFAULT_POLICY: UnlockPolicy = Object.freeze({
  version: 1,
  first: Object.freeze(['pin'] as const),
  // biome-ignore lint/suspicious/noThenProperty: list B; an array, which nothing can mistake for a promise
  then: Object.freeze(['securityKey'] as const),
  acceptAsserted: false,
  freshnessSeconds: Object.freeze({}),
  securityKey: Object.freeze({ userVerification: 'discouraged' } as const),
  pin: DEFAULT_PIN_RULES,
});

/**
 * The phone and the network are one factor, Windows' Trusted Signal, so the two of them are never a pair
 * (Windows rules V2 and V3).
 */
export type FactorFamily = Exclude<FactorKind, 'phone' | 'network'> | 'trustedSignal';

export const familyOf = (factor: FactorKind): FactorFamily =>
  factor === 'phone' || factor === 'network' ? 'trustedSignal' : factor;
