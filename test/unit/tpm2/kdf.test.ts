/** KDFa, KDFe and parameter encryption against vectors that another implementation made. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../drivers/base/bytes.ts';
import { cryptParameter, kdfa, kdfe } from '../../../drivers/tpm2/kdf.ts';
import { TPM_ALG } from '../../../drivers/tpm2/wire/constants.ts';

interface Vectors {
  kdfa: { alg: number; key: string; label: string; u: string; v: string; bits: number; out: string }[];
  kdfe: { alg: number; z: string; label: string; u: string; v: string; bits: number; out: string }[];
  cfb: { value: string; newer: string; older: string; data: string; out: string }[];
}
const vectors = JSON.parse(readFileSync(new URL('../../vectors/tpm2/kdf.json', import.meta.url), 'utf8')) as Vectors;

describe('KDFa', () => {
  it.each(vectors.kdfa.map((vector) => [`0x${vector.alg.toString(16)}`, vector.label, vector.bits, vector] as const))(
    'with hash %s and label %s gives %i bits as HMAC in counter mode does',
    (_, __, ___, { alg, key, label, u, v, bits, out }) => {
      expect(toHex(kdfa(alg, fromHex(key), label, fromHex(u), fromHex(v), bits))).toBe(out);
    },
  );
});

describe('KDFe', () => {
  it.each(vectors.kdfe.map((vector) => [`0x${vector.alg.toString(16)}`, vector.bits, vector] as const))(
    'with hash %s gives %i bits as the concatenation KDF does',
    (_, __, { alg, z, label, u, v, bits, out }) => {
      expect(toHex(kdfe(alg, fromHex(z), label, fromHex(u), fromHex(v), bits))).toBe(out);
    },
  );
});

describe('parameter encryption', () => {
  it.each(vectors.cfb.map((vector) => [vector.data.length / 2, vector] as const))(
    'of %i bytes is AES-128-CFB under KDFa("CFB"), and its own inverse',
    (_, { value, newer, older, data, out }) => {
      const crypt = (direction: 'encrypt' | 'decrypt', input: string) =>
        toHex(
          cryptParameter(direction, fromHex(value), fromHex(newer), fromHex(older), TPM_ALG.SHA256, fromHex(input)),
        );
      expect(crypt('encrypt', data)).toBe(out);
      expect(crypt('decrypt', out)).toBe(data);
    },
  );

  it('of nothing is nothing', () => {
    const nothing = new Uint8Array(0);
    expect(cryptParameter('encrypt', nothing, nothing, nothing, TPM_ALG.SHA256, nothing)).toEqual(nothing);
  });
});
