/**
 * The unlock policy as data. A document says for each context (unlock, login, sudo, ...) what it asks for; the signal
 * rules, the time windows and how they are read are shared by all of them. Nothing here reads or checks a document;
 * `forms/` does.
 */
import { INTERFACE_KINDS, type InterfaceKind } from '../../drivers/observation.ts';
import type { SignalKind } from '../../drivers/signal.ts';
import type { DynamicLockPolicy } from './dynamic-lock.ts';
import type { Requirement } from './requirement.ts';
import type { SignalRule } from './rules.ts';
import type { TimeWindow } from './time-window.ts';

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

/** What a policy may be asked for. A context that a document does not name has the policy of `unlock`. */
export const CONTEXT_NAMES = ['unlock', 'login', 'sudo', 'ssh', 'wallet'] as const;
export type ContextName = (typeof CONTEXT_NAMES)[number];

/**
 * How rules are held against what is observed. Each default is the safe reading; the other value is the loose one that
 * Windows has or may have (ADR 13).
 */
export interface Matching {
  /** `labels`: whole labels from the right; `substring`: any part. */
  readonly dnsSuffix: 'labels' | 'substring';
  /** `same`: every element of a signal on one interface; `mixed`: each on any. */
  readonly adapters: 'same' | 'mixed';
  /** Of an element that is written several times: `all` have to match, or `any`. */
  readonly repeated: 'all' | 'any';
  /** `enrolled`: only phones that were enrolled for this user; `any-paired`: every bonded one. Both are proved. */
  readonly phones: 'enrolled' | 'any-paired';
  /** Kinds of interfaces that count. */
  readonly interfaceKinds: readonly InterfaceKind[];
}

/** What one context asks for, with everything that is needed to decide it. */
export interface UnlockPolicy {
  readonly require: Requirement;
  /** True: pairs of which neither factor is bound by the TPM are accepted. */
  readonly acceptAsserted: boolean;
  readonly rules: readonly SignalRule[];
  readonly windows: Readonly<Record<string, TimeWindow>>;
  readonly matching: Matching;
  /** Upper bound on the age of a signal, in seconds; a signal's own `validFor` holds where it is shorter. */
  readonly freshnessSeconds: Readonly<Partial<Record<SignalKind, number>>>;
  readonly securityKey: { readonly userVerification: UserVerification };
  readonly pin: PinRules;
}

export interface ContextPolicy {
  readonly require: Requirement;
  readonly acceptAsserted: boolean;
}

/** The whole document. */
export interface PolicyDocument extends Omit<UnlockPolicy, 'require' | 'acceptAsserted'> {
  readonly version: 2;
  /** `unlock` is always there. */
  readonly contexts: Readonly<Partial<Record<ContextName, ContextPolicy>>> & { readonly unlock: ContextPolicy };
  /** When the session is locked because its person has gone; left out: as the machine is configured. */
  readonly dynamicLock?: DynamicLockPolicy;
  /**
   * What a Windows policy says and the sections above do not, by node (`./Device/Vendor/MSFT/...`); kept so that an export
   * gives it back.
   */
  readonly windowsSettings: Readonly<Record<string, string | number | boolean>>;
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

export const DEFAULT_MATCHING: Matching = Object.freeze({
  dnsSuffix: 'labels',
  adapters: 'same',
  repeated: 'all',
  phones: 'enrolled',
  // What somebody else's software makes up (VPN, bridges) says nothing of where the machine is.
  interfaceKinds: Object.freeze(INTERFACE_KINDS.filter((kind) => kind === 'ethernet' || kind === 'wifi')),
});

/** First the PIN, then the security key: the one pair of which the TPM enforces both. */
export const DEFAULT_DOCUMENT: PolicyDocument = Object.freeze({
  version: 2,
  contexts: Object.freeze({
    unlock: Object.freeze({
      require: Object.freeze({ all: Object.freeze(['pin', 'securityKey'] as const) }),
      acceptAsserted: false,
    }),
  }),
  rules: Object.freeze([]),
  windows: Object.freeze({}),
  matching: DEFAULT_MATCHING,
  freshnessSeconds: Object.freeze({}),
  securityKey: Object.freeze({ userVerification: 'discouraged' } as const),
  pin: DEFAULT_PIN_RULES,
  windowsSettings: Object.freeze({}),
});

/** The policy of one context: its own, or that of `unlock`. */
export function policyFor(document: PolicyDocument, context: ContextName): UnlockPolicy {
  const { require, acceptAsserted } = document.contexts[context] ?? document.contexts.unlock;
  const { rules, windows, matching, freshnessSeconds, securityKey, pin } = document;
  return Object.freeze({ require, acceptAsserted, rules, windows, matching, freshnessSeconds, securityKey, pin });
}

/** Contexts with a policy of their own, and so with a sealed object of their own; `unlock` first. */
export const contextsOf = (document: PolicyDocument): readonly ContextName[] =>
  CONTEXT_NAMES.filter((name) => document.contexts[name] !== undefined);

export const DEFAULT_POLICY: UnlockPolicy = policyFor(DEFAULT_DOCUMENT, 'unlock');
