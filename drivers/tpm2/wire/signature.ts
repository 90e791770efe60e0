/** TPMT_SIGNATURE (Part 2 §11.3.4) for ECDSA and RSASSA, and the tickets (§10.7). */
import { type ByteReader, concat, u16, u32 } from '../../base/bytes.ts';
import { TPM_ALG, TPM_RH } from './constants.ts';
import { malformed, readTpm2b, tpm2b } from './marshal.ts';

export type Signature =
  | { readonly scheme: 'ecdsa'; readonly hash: number; readonly r: Uint8Array; readonly s: Uint8Array }
  | { readonly scheme: 'rsassa'; readonly hash: number; readonly sig: Uint8Array };

export const encodeSignature = (signature: Signature): Uint8Array<ArrayBuffer> =>
  signature.scheme === 'ecdsa'
    ? concat(u16(TPM_ALG.ECDSA), u16(signature.hash), tpm2b(signature.r), tpm2b(signature.s))
    : concat(u16(TPM_ALG.RSASSA), u16(signature.hash), tpm2b(signature.sig));

/** @throws {ERR_TPM_MALFORMED_RESPONSE} */
export function readSignature(from: ByteReader): Signature {
  const scheme = from.u16('sigAlg');
  if (scheme === TPM_ALG.ECDSA) {
    return { scheme: 'ecdsa', hash: from.u16('hash'), r: readTpm2b(from, 'r', 66), s: readTpm2b(from, 's', 66) };
  }
  if (scheme === TPM_ALG.RSASSA) return { scheme: 'rsassa', hash: from.u16('hash'), sig: readTpm2b(from, 'sig', 512) };
  throw malformed(`signature scheme 0x${scheme.toString(16)}`);
}

/** TPMT_TK_*: proof that this TPM did something before. Opaque but for its tag. */
export interface Ticket {
  readonly tag: number;
  readonly hierarchy: number;
  readonly digest: Uint8Array;
}

export const encodeTicket = (ticket: Ticket): Uint8Array<ArrayBuffer> =>
  concat(u16(ticket.tag), u32(ticket.hierarchy), tpm2b(ticket.digest));

/** @throws {ERR_TPM_MALFORMED_RESPONSE} */
export const readTicket = (from: ByteReader): Ticket => ({
  tag: from.u16('ticket.tag'),
  hierarchy: from.u32('ticket.hierarchy'),
  digest: readTpm2b(from, 'ticket.digest', 64),
});

/** The NULL ticket of a kind: "no ticket", Part 2 §10.7.2. */
export const nullTicket = (tag: number): Ticket => ({ tag, hierarchy: TPM_RH.NULL, digest: new Uint8Array(0) });
