/** What a signal says of its factor, in words: a program reads the ids, a person should not have to. */
import type { UnavailableReason, UnsatisfiedReason } from '../../drivers/signal.ts';

export const UNSATISFIED_WORDS: Readonly<Record<UnsatisfiedReason, string>> = {
  'not-presented': 'not presented',
  wrong: 'wrong',
  'not-enrolled': 'not enrolled for this user',
  'wrong-device': 'another device than the enrolled one',
  'not-verified': 'user not verified by the device',
  cancelled: 'cancelled',
  'timed-out': 'not presented in time',
  expired: 'expired',
};

export const UNAVAILABLE_WORDS: Readonly<Record<UnavailableReason, string>> = {
  'no-device': 'no device',
  'no-permission': 'the device may not be opened',
  'no-driver': 'no driver for it',
  'locked-out': 'locked out after too many wrong tries',
  unsupported: 'not supported here',
  failed: 'the device failed',
};

const wordOf = (words: Readonly<Record<string, string>>, id: string): string | null =>
  Object.hasOwn(words, id) ? (words[id] ?? null) : null;

/** Of a reason in either list; one that is in none stands as it is. */
export const reasonWords = (reason: string): string =>
  wordOf(UNAVAILABLE_WORDS, reason) ?? wordOf(UNSATISFIED_WORDS, reason) ?? reason;

/**
 * `observed`, `right`, `unavailable: no device`, `not presented in time`.
 * @param state and `reason`: of a signal, or of what calls itself one
 */
export function stateWords({ state, reason }: { readonly state: string; readonly reason?: string }): string {
  if (state === 'satisfied') return 'right';
  if (reason === undefined || (state !== 'unavailable' && state !== 'unsatisfied')) return state;
  return state === 'unavailable' ? `unavailable: ${reasonWords(reason)}` : reasonWords(reason);
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  pin: 'PIN',
  securityKey: 'security key',
  fingerprint: 'fingerprint',
  face: 'face',
  bluetooth: 'phones',
  ipConfig: 'addresses',
  wifi: 'Wi-Fi',
};

/** What a kind of signal is about. */
export const kindWords = (kind: string): string => wordOf(KIND_WORDS, kind) ?? kind;
