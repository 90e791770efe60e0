/** TPMS_NV_PUBLIC (Part 2 §13.5): what an NV index is. Its Name covers this and neither content nor authValue. */
import { concat, u16, u32 } from '../../base/bytes.ts';
import { hash } from './hash.ts';
import { reader, readTpm2b, tpm2b } from './marshal.ts';

export interface NvPublic {
  readonly index: number;
  readonly nameAlg: number;
  /** TPMA_NV bits. */
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
  /** Bytes. */
  readonly dataSize: number;
}

export const encodeNvPublic = (nv: NvPublic): Uint8Array<ArrayBuffer> =>
  concat(u32(nv.index), u16(nv.nameAlg), u32(nv.attributes >>> 0), tpm2b(nv.authPolicy), u16(nv.dataSize));

/** @throws {ERR_TPM_MALFORMED_RESPONSE} */
export function decodeNvPublic(bytes: Uint8Array): NvPublic {
  const from = reader(bytes);
  const nv: NvPublic = {
    index: from.u32('nvIndex'),
    nameAlg: from.u16('nameAlg'),
    attributes: from.u32('attributes'),
    authPolicy: readTpm2b(from, 'authPolicy', 64),
    dataSize: from.u16('dataSize'),
  };
  from.end('TPMS_NV_PUBLIC');
  return nv;
}

export const nvNameOf = (nv: NvPublic): Uint8Array<ArrayBuffer> =>
  concat(u16(nv.nameAlg), hash(nv.nameAlg, encodeNvPublic(nv)));
