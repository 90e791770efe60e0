/**
 * The way into the TPM: the storage root key, checked against the Name that was pinned at set-up before anything else
 * is sent, and a session salted to it. Everything secret travels under that session.
 */
import { bytesEqual } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import {
  isTpmResponse,
  type LoadedObject,
  readPublic,
  type Session,
  startAuthSession,
  type Tpm,
} from '../../drivers/tpm2/index.ts';

export interface RootPin {
  /** The persistent handle of the storage root key. */
  readonly handle: number;
  readonly name: Uint8Array;
}

export interface RootSession extends AsyncDisposable {
  readonly tpm: Tpm;
  readonly srk: LoadedObject;
  /** HMAC session salted to the storage root key. */
  readonly session: Session;
}

const TPM_RC_HANDLE = 0x18b;

/**
 * @throws {ERR_TPM_OTHER_DEVICE} before anything secret was sent
 */
export async function openRoot(tpm: Tpm, pin: RootPin): Promise<RootSession> {
  const srk = await readPublic(tpm, pin.handle).catch((error: unknown) => {
    if (!isTpmResponse(error, TPM_RC_HANDLE)) throw error;
    throw otherDevice('it has no key at the handle of the storage root key', error);
  });
  if (!bytesEqual(srk.name, pin.name)) throw otherDevice('its storage root key has another Name');
  const session = await startAuthSession(tpm, { kind: 'hmac', salt: srk });
  return { tpm, srk, session, [Symbol.asyncDispose]: () => session.close() };
}

const otherDevice = (reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_TPM_OTHER_DEVICE', `not the TPM that this machine was set up with: ${reason}`, { cause });
