/** Signatures made and checked by the TPM: Part 3 §18.2, §20.1 and §20.2. */
import { concat, u16 } from '../../base/bytes.ts';
import type { Authorization, SessionUse } from '../authorization.ts';
import type { LoadedObject } from '../loaded-object.ts';
import type { Tpm } from '../tpm.ts';
import { TPM_ALG, TPM_ST } from '../wire/constants.ts';
import { reader, readTpm2b, tpm2b } from '../wire/marshal.ts';
import {
  encodeSignature,
  encodeTicket,
  nullTicket,
  readSignature,
  readTicket,
  type Signature,
  type Ticket,
} from '../wire/signature.ts';

const DEFAULT_SCHEME = u16(TPM_ALG.NULL);

/** TPM2_Sign (§20.2) of a digest under the key's own scheme; the key must not be restricted. */
export async function sign(
  tpm: Tpm,
  key: LoadedObject,
  digest: Uint8Array,
  auth: Authorization,
  sessions: readonly SessionUse[] = [],
): Promise<Signature> {
  const response = await tpm.execute({
    command: 'Sign',
    handles: [key.use(auth)],
    parameters: concat(tpm2b(digest), DEFAULT_SCHEME, encodeTicket(nullTicket(TPM_ST.HASHCHECK))),
    sessions,
  });
  const from = reader(response.parameters);
  const signature = readSignature(from);
  from.end('Sign');
  return signature;
}

/** TPM2_VerifySignature (§20.1): the ticket is what PolicyAuthorize wants. @throws {ERR_TPM_RESPONSE} 0x2DB: not by this key */
export async function verifySignature(
  tpm: Tpm,
  key: LoadedObject,
  digest: Uint8Array,
  signature: Signature,
): Promise<Ticket> {
  const response = await tpm.execute({
    command: 'VerifySignature',
    handles: [key.use()],
    parameters: concat(tpm2b(digest), encodeSignature(signature)),
  });
  const from = reader(response.parameters);
  const ticket = readTicket(from);
  from.end('VerifySignature');
  return ticket;
}

export interface Attestation {
  /** TPMS_ATTEST: what was signed. */
  readonly certifyInfo: Uint8Array;
  readonly signature: Signature;
}

/** TPM2_Certify (§18.2): `key` says that `object` is loaded in this TPM, under this Name. */
export async function certify(
  tpm: Tpm,
  object: LoadedObject,
  objectAuth: Authorization,
  key: LoadedObject,
  keyAuth: Authorization,
  qualifyingData: Uint8Array,
  sessions: readonly SessionUse[] = [],
): Promise<Attestation> {
  const response = await tpm.execute({
    command: 'Certify',
    handles: [object.use(objectAuth), key.use(keyAuth)],
    parameters: concat(tpm2b(qualifyingData), DEFAULT_SCHEME),
    sessions,
  });
  const from = reader(response.parameters);
  const certifyInfo = readTpm2b(from, 'certifyInfo');
  const signature = readSignature(from);
  from.end('Certify');
  return { certifyInfo, signature };
}
