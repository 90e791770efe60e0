/** What a look at a policy finds: how bad, where, in words. Codes are for programs and stay the same. */

export const LINT_CODES = {
  'no-way-in': 'Nothing satisfies the context with two different factors.',
  'asserted-refused':
    'A pair of which the TPM checks nothing, and the policy does not accept that: it cannot be put in force.',
  'never-open': 'No time window of the context is ever open.',
  'rule-never-true': 'A rule that nothing can satisfy.',
  'user-locked-out': 'A user has no way in with what is enrolled.',
  'asserted-pair': 'A pair of which the TPM checks nothing: it opens with this machine alone.',
  'weaker-than-unlock': 'A context that opens with less than `unlock` does.',
  'single-factor': 'An alternative of one factor, which is dropped: an unlock takes two.',
  'pin-only-depends': 'Whoever has a PIN and nothing else gets in only while a signal is there.',
  'single-point': 'One thing outside of which some users have no way in.',
  'signal-without-rules': 'The phone or the network is asked for and no rule says when it counts (Windows rule V5).',
  'closed-hours': 'At some times of the week nobody can unlock.',
  'pair-never-open': 'An alternative whose time windows are never open together.',
  'rule-unproved': 'A rule without any proof: whoever sets up such a network satisfies it.',
  'rule-subsumed': 'A rule that adds nothing, as another one holds whenever it does.',
  'two-adapters': 'A rule that wants two networks at a time.',
  'prefix-too-wide': 'A prefix that a large part of the Internet lies in.',
  'home-network': 'A condition of nothing but a prefix that home networks use.',
  'suffix-too-wide': 'A DNS suffix of one label.',
  'repeat-loosens': 'A value that is listed beside others of which any is enough: it tightens nothing.',
  'suffix-by-substring': 'DNS suffixes match by any part of the name.',
  'adapters-mixed': 'The elements of one condition may be of different interfaces.',
  'phones-of-anybody': 'A phone that is paired with the machine counts for every user.',
  'interfaces-made-up': 'VPN or virtual interfaces count, which software can make up.',
  'pin-not-bound': 'The TPM does not limit tries at the PIN, so the PIN is no bound factor.',
  'rule-unused': 'A rule that no context asks for.',
  'window-unused': 'A time window that no context asks for.',
  'listed-twice': 'The same value twice.',
  'not-compared': 'Too many rules to compare each with each.',
} as const;

export type LintCode = keyof typeof LINT_CODES;
export type Severity = 'error' | 'risk' | 'note';

export interface LintFinding {
  readonly code: LintCode;
  /** `error`: it cannot be meant. `risk`: to be known and perhaps accepted. `note`: harmless. */
  readonly severity: Severity;
  /** `contexts.unlock.require`, `rules[3].all[0].ipv4Prefix`. */
  readonly element: string;
  readonly message: string;
}

const ERRORS: ReadonlySet<LintCode> = new Set([
  'no-way-in',
  'asserted-refused',
  'never-open',
  'rule-never-true',
  'user-locked-out',
]);
const NOTES: ReadonlySet<LintCode> = new Set(['rule-unused', 'window-unused', 'listed-twice', 'not-compared']);

export const severityOf = (code: LintCode): Severity =>
  ERRORS.has(code) ? 'error' : NOTES.has(code) ? 'note' : 'risk';

export const finding = (code: LintCode, element: string, message: string): LintFinding => ({
  code,
  severity: severityOf(code),
  element,
  message,
});
