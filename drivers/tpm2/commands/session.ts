/** TPM2_StartAuthSession (Part 3 §11.1) and TPM2_FlushContext (§28.4). */
import { concat, u16, u32 } from '../../base/bytes.ts';
import { Secret } from '../../base/secret.ts';
import type { SessionUse } from '../authorization.ts';
import { kdfa } from '../kdf.ts';
import type { LoadedObject } from '../loaded-object.ts';
import { makeSalt } from '../salt.ts';
import { noSessionKey, Session, type SessionKind } from '../session.ts';
import type { Tpm } from '../tpm.ts';
import { TPM_ALG, TPM_RH, TPM_SE } from '../wire/constants.ts';
import { reader, readTpm2b, tpm2b } from '../wire/marshal.ts';
import { nameOfHandle } from '../wire/public-area.ts';

const TYPE = { hmac: TPM_SE.HMAC, policy: TPM_SE.POLICY, trial: TPM_SE.TRIAL } as const;
const NONCE_SIZE = 32;
const NOTHING = new Uint8Array(0);

export interface StartAuthSessionOptions {
  readonly kind: SessionKind;
  /** The key that the session is salted to. Its Name must have been checked against the pinned one. */
  readonly salt?: LoadedObject;
  /** Sessions that ride along; an audit session authenticates the nonceTPM of the new one. */
  readonly sessions?: readonly SessionUse[];
}

/**
 * Starts a session with SHA-256 and AES-128-CFB parameter encryption, not bound to an entity.
 * @throws {ERR_TPM_OUT_OF_MEMORY} no session slot
 */
export async function startAuthSession(tpm: Tpm, options: StartAuthSessionOptions): Promise<Session> {
  const nonceCaller = tpm.entropy.bytes(NONCE_SIZE);
  const salted = options.salt ? makeSalt(options.salt.publicArea, tpm.entropy) : { salt: NOTHING, encrypted: NOTHING };
  try {
    const response = await tpm.execute({
      command: 'StartAuthSession',
      handles: [
        options.salt ? options.salt.use() : { handle: TPM_RH.NULL, name: nameOfHandle(TPM_RH.NULL) },
        { handle: TPM_RH.NULL, name: nameOfHandle(TPM_RH.NULL) },
      ],
      parameters: concat(
        tpm2b(nonceCaller),
        tpm2b(salted.encrypted),
        Uint8Array.of(TYPE[options.kind]),
        concat(u16(TPM_ALG.AES), u16(128), u16(TPM_ALG.CFB)),
        u16(TPM_ALG.SHA256),
      ),
      sessions: options.sessions ?? [],
      responseHandles: 1,
    });
    return await tpm.adopt(response, (handle) => {
      const from = reader(response.parameters);
      const nonceTPM = readTpm2b(from, 'nonceTPM', 64);
      from.end('StartAuthSession');
      const key = options.salt
        ? Secret.take(kdfa(TPM_ALG.SHA256, salted.salt, 'ATH', nonceTPM, nonceCaller, 256))
        : noSessionKey();
      return new Session({ handle, kind: options.kind, nonceTPM, nonceCaller, key, owner: tpm });
    });
  } finally {
    salted.salt.fill(0);
  }
}

/** Flushes a transient object or session by its handle, owned or not. Owned ones are flushed by their scope. */
export async function flushContext(tpm: Tpm, handle: number): Promise<void> {
  await tpm.execute({ command: 'FlushContext', parameters: u32(handle) });
  tpm.disown(handle);
}
