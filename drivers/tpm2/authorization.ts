/** How a command proves that it may use a handle (Part 1 §19), and which other sessions ride along. */
import type { Secret } from '../base/secret.ts';
import type { Session } from './session.ts';

export interface SessionFlags {
  /** Encrypt the first command parameter under this session. */
  readonly decrypt?: boolean;
  /** Have the TPM encrypt the first response parameter under this session. */
  readonly encrypt?: boolean;
  /** Audit: the session's HMAC covers a command that needs no authorization. */
  readonly audit?: boolean;
  /** False: the TPM frees the session when the command succeeds. Default true. */
  readonly continueSession?: boolean;
}

export type Authorization =
  /** The value crosses in clear: only for empty values and for what is public anyway. */
  | { readonly type: 'password'; readonly value: Uint8Array }
  | { readonly type: 'session'; readonly session: Session; readonly value?: Secret; readonly flags?: SessionFlags };

export interface SessionUse {
  readonly session: Session;
  readonly flags: SessionFlags;
}

/** The empty authValue: owner on most machines, the storage root key, a counter that only its policy moves. */
export const emptyAuth: Authorization = { type: 'password', value: new Uint8Array(0) };

export const passwordAuth = (value: Uint8Array): Authorization => ({ type: 'password', value });

export const sessionAuth = (session: Session, value?: Secret, flags?: SessionFlags): Authorization => ({
  type: 'session',
  session,
  ...(value === undefined ? {} : { value }),
  ...(flags === undefined ? {} : { flags }),
});
