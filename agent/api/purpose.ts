/**
 * The name of a derived key, `--purpose` on the command line: one rule for the command line, the API and the service.
 * Printable ASCII without blanks, so that two names that look the same are the same.
 */
export const PURPOSE = /^[\x21-\x7e]{1,128}$/;
/** What a container may be unlocked for; each that the policy names has a key of its own, the others have that of `unlock`. */
export const UNLOCK_CONTEXTS = ['unlock', 'login', 'sudo', 'ssh', 'wallet'] as const;
export type UnlockContext = (typeof UNLOCK_CONTEXTS)[number];

/** The rule in words. */
export const PURPOSE_WORDS = 'a purpose has 1 to 128 printable ASCII characters and no blanks';
