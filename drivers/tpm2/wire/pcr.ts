/** TPML_PCR_SELECTION (Part 2 §10.9.7). */
import { concat, u16, u32 } from '../../base/bytes.ts';

export interface PcrSelection {
  /** TPM_ALG_ID of the bank. */
  readonly hash: number;
  /** PCR numbers, 0–23. */
  readonly pcrs: readonly number[];
}

export function encodePcrSelections(selections: readonly PcrSelection[]): Uint8Array<ArrayBuffer> {
  const encoded = selections.map(({ hash, pcrs }) => {
    const bits = new Uint8Array(3);
    for (const pcr of pcrs) {
      if (!Number.isInteger(pcr) || pcr < 0 || pcr > 23) throw new RangeError(`no PCR ${pcr}`);
      bits[pcr >> 3] = (bits[pcr >> 3] ?? 0) | (1 << (pcr & 7));
    }
    return concat(u16(hash), Uint8Array.of(3), bits);
  });
  return concat(u32(selections.length), ...encoded);
}
