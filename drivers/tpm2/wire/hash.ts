/** Digests by TPM_ALG_ID. The product makes SHA-256 objects; others are understood where a foreign root key has them. */
import { createHash } from 'node:crypto';
import { TPM_ALG } from './constants.ts';
import { malformed } from './marshal.ts';

const HASHES = new Map<number, { readonly node: string; readonly size: number }>([
  [TPM_ALG.SHA1, { node: 'sha1', size: 20 }],
  [TPM_ALG.SHA256, { node: 'sha256', size: 32 }],
  [TPM_ALG.SHA384, { node: 'sha384', size: 48 }],
  [TPM_ALG.SHA512, { node: 'sha512', size: 64 }],
]);

/** @throws {ERR_TPM_MALFORMED_RESPONSE} an algorithm that is not a hash, or none of ours */
export function hashInfo(algorithm: number): { readonly node: string; readonly size: number } {
  const info = HASHES.get(algorithm);
  if (info === undefined) throw malformed(`hash algorithm 0x${algorithm.toString(16)} is not supported`);
  return info;
}

export function hash(algorithm: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const digest = createHash(hashInfo(algorithm).node);
  for (const part of parts) digest.update(part);
  return new Uint8Array(digest.digest());
}

export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => hash(TPM_ALG.SHA256, ...parts);
