/**
 * TPMT_PUBLIC (Part 2 §12.2.4), the public area of an object, for the three types that matter here: keyed hash (sealed
 * data and factor objects), ECC and RSA keys. The Name of an object is computed from these bytes, always by us.
 */
import { type ByteReader, bytesEqual, concat, u16, u32 } from '../../base/bytes.ts';
import { TPM_ALG, TPM_ECC } from './constants.ts';
import { hash } from './hash.ts';
import { malformed, reader, readTpm2b, tpm2b } from './marshal.ts';

/** TPMT_SYM_DEF_OBJECT: null or AES in CFB mode. */
export type SymmetricObject = { readonly keyBits: number } | null;

/** TPMT_ECC_SCHEME / TPMT_RSA_SCHEME; `hash` is absent for RSAES and null. */
export interface AsymmetricScheme {
  readonly scheme: number;
  readonly hash?: number;
}

interface PublicBase {
  readonly nameAlg: number;
  /** TPMA_OBJECT bits. */
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
}

export interface KeyedHashPublic extends PublicBase {
  readonly type: 'keyedhash';
  readonly unique: Uint8Array;
}

export interface EccPublic extends PublicBase {
  readonly type: 'ecc';
  readonly symmetric: SymmetricObject;
  readonly scheme: AsymmetricScheme | null;
  readonly curve: number;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

export interface RsaPublic extends PublicBase {
  readonly type: 'rsa';
  readonly symmetric: SymmetricObject;
  readonly scheme: AsymmetricScheme | null;
  readonly keyBits: number;
  /** 0 stands for 65537. */
  readonly exponent: number;
  readonly modulus: Uint8Array;
}

export type PublicArea = KeyedHashPublic | EccPublic | RsaPublic;

const TYPE = { keyedhash: TPM_ALG.KEYEDHASH, ecc: TPM_ALG.ECC, rsa: TPM_ALG.RSA } as const;

function encodeSymmetric(symmetric: SymmetricObject): Uint8Array {
  return symmetric === null ? u16(TPM_ALG.NULL) : concat(u16(TPM_ALG.AES), u16(symmetric.keyBits), u16(TPM_ALG.CFB));
}

function encodeScheme(scheme: AsymmetricScheme | null): Uint8Array {
  if (scheme === null) return u16(TPM_ALG.NULL);
  return scheme.hash === undefined ? u16(scheme.scheme) : concat(u16(scheme.scheme), u16(scheme.hash));
}

/** TPMT_PUBLIC as bytes, without the size of a TPM2B_PUBLIC. */
export function encodePublicArea(area: PublicArea): Uint8Array<ArrayBuffer> {
  const head = concat(u16(TYPE[area.type]), u16(area.nameAlg), u32(area.attributes >>> 0), tpm2b(area.authPolicy));
  switch (area.type) {
    case 'keyedhash':
      return concat(head, u16(TPM_ALG.NULL), tpm2b(area.unique));
    case 'ecc':
      return concat(
        head,
        encodeSymmetric(area.symmetric),
        encodeScheme(area.scheme),
        u16(area.curve),
        u16(TPM_ALG.NULL),
        tpm2b(area.x),
        tpm2b(area.y),
      );
    case 'rsa':
      return concat(
        head,
        encodeSymmetric(area.symmetric),
        encodeScheme(area.scheme),
        u16(area.keyBits),
        u32(area.exponent),
        tpm2b(area.modulus),
      );
  }
}

function readSymmetric(from: ByteReader): SymmetricObject {
  const algorithm = from.u16('symmetric');
  if (algorithm === TPM_ALG.NULL) return null;
  if (algorithm !== TPM_ALG.AES) throw malformed(`symmetric algorithm 0x${algorithm.toString(16)}`);
  const keyBits = from.u16('keyBits');
  const mode = from.u16('mode');
  if (mode !== TPM_ALG.CFB) throw malformed(`symmetric mode 0x${mode.toString(16)}`);
  return { keyBits };
}

function readScheme(from: ByteReader): AsymmetricScheme | null {
  const scheme = from.u16('scheme');
  if (scheme === TPM_ALG.NULL) return null;
  if (scheme === TPM_ALG.RSAES) return { scheme };
  return { scheme, hash: from.u16('scheme.hash') };
}

/**
 * Reads a TPMT_PUBLIC and nothing behind it. What cannot be re-encoded to the same bytes is refused: a Name must never
 * be computed over something else than what was understood.
 * @throws {ERR_TPM_MALFORMED_RESPONSE}
 */
export function decodePublicArea(bytes: Uint8Array): PublicArea {
  const from = reader(bytes);
  const type = from.u16('type');
  const base = {
    nameAlg: from.u16('nameAlg'),
    attributes: from.u32('attributes'),
    authPolicy: readTpm2b(from, 'authPolicy', 64),
  };
  let area: PublicArea;
  if (type === TPM_ALG.KEYEDHASH) {
    if (from.u16('keyedHash.scheme') !== TPM_ALG.NULL) throw malformed('keyed hash objects with a scheme are not used');
    area = { type: 'keyedhash', ...base, unique: readTpm2b(from, 'unique', 64) };
  } else if (type === TPM_ALG.ECC) {
    const symmetric = readSymmetric(from);
    const scheme = readScheme(from);
    const curve = from.u16('curve');
    if (from.u16('kdf') !== TPM_ALG.NULL) throw malformed('ECC objects with a KDF are not used');
    area = { type: 'ecc', ...base, symmetric, scheme, curve, x: readTpm2b(from, 'x', 66), y: readTpm2b(from, 'y', 66) };
  } else if (type === TPM_ALG.RSA) {
    const symmetric = readSymmetric(from);
    const scheme = readScheme(from);
    const keyBits = from.u16('keyBits');
    const exponent = from.u32('exponent');
    area = { type: 'rsa', ...base, symmetric, scheme, keyBits, exponent, modulus: readTpm2b(from, 'modulus', 512) };
  } else {
    throw malformed(`object type 0x${type.toString(16)}`);
  }
  from.end('TPMT_PUBLIC');
  if (!bytesEqual(encodePublicArea(area), bytes)) throw malformed('TPMT_PUBLIC is not in its only form');
  return area;
}

/** Name = nameAlg ‖ H(TPMT_PUBLIC), Part 1 §16. */
export function nameOf(area: PublicArea): Uint8Array<ArrayBuffer> {
  return concat(u16(area.nameAlg), hash(area.nameAlg, encodePublicArea(area)));
}

/** The Name of everything that has no public area (sessions, hierarchies, PCRs): its handle, Part 1 §16. */
export const nameOfHandle = (handle: number): Uint8Array<ArrayBuffer> => u32(handle >>> 0);

/** Bytes of one coordinate on a curve. @throws {ERR_TPM_MALFORMED_RESPONSE} an unknown curve */
export function coordinateSize(curve: number): number {
  if (curve === TPM_ECC.NIST_P256) return 32;
  if (curve === TPM_ECC.NIST_P384) return 48;
  throw malformed(`ECC curve 0x${curve.toString(16)} is not supported`);
}
