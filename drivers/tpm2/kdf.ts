/**
 * KDFa and KDFe (Part 1 §11.4.10) and AES-CFB parameter encryption (Part 1 §21.3). All lengths in bits where the spec
 * has bits. Outputs are fresh buffers that the caller zeroes.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { concat, u32, utf8 } from '../base/bytes.ts';
import { hash, hashInfo } from './wire/hash.ts';

/** KDFa(hashAlg, key, label, contextU, contextV, bits): SP 800-108 counter mode with HMAC. */
export function kdfa(
  hashAlg: number,
  key: Uint8Array,
  label: string,
  contextU: Uint8Array,
  contextV: Uint8Array,
  bits: number,
): Uint8Array<ArrayBuffer> {
  const bytes = Math.ceil(bits / 8);
  const fixed = concat(utf8(`${label}\0`), contextU, contextV, u32(bits));
  const out = new Uint8Array(bytes);
  const { node, size } = hashInfo(hashAlg);
  for (let counter = 1, at = 0; at < bytes; counter++, at += size) {
    const block = createHmac(node, key).update(u32(counter)).update(fixed).digest();
    out.set(block.subarray(0, bytes - at), at);
    block.fill(0);
  }
  return out;
}

/** KDFe(hashAlg, Z, label, partyU, partyV, bits): SP 800-56A concatenation KDF. */
export function kdfe(
  hashAlg: number,
  z: Uint8Array,
  label: string,
  partyU: Uint8Array,
  partyV: Uint8Array,
  bits: number,
): Uint8Array<ArrayBuffer> {
  const bytes = Math.ceil(bits / 8);
  const out = new Uint8Array(bytes);
  const { size } = hashInfo(hashAlg);
  for (let counter = 1, at = 0; at < bytes; counter++, at += size) {
    const block = hash(hashAlg, u32(counter), z, utf8(`${label}\0`), partyU, partyV);
    out.set(block.subarray(0, bytes - at), at);
    block.fill(0);
  }
  return out;
}

/** Encrypts or decrypts the content of a first TPM2B parameter: AES-128-CFB under KDFa(sessionValue, "CFB", newer, older). */
export function cryptParameter(
  direction: 'encrypt' | 'decrypt',
  sessionValue: Uint8Array,
  nonceNewer: Uint8Array,
  nonceOlder: Uint8Array,
  authHash: number,
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const keyAndIv = kdfa(authHash, sessionValue, 'CFB', nonceNewer, nonceOlder, 256);
  const make = direction === 'encrypt' ? createCipheriv : createDecipheriv;
  const cipher = make('aes-128-cfb', keyAndIv.subarray(0, 16), keyAndIv.subarray(16, 32));
  const out = new Uint8Array(data.length);
  out.set(cipher.update(data));
  cipher.final();
  keyAndIv.fill(0);
  return out;
}
