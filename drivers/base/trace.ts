/**
 * Wire traces. Drivers do not log; they hand every frame to a `TraceSink`, and programs decide what becomes of it.
 * A trace may contain encrypted secrets, never clear ones: what would be clear is marked by the driver as redacted.
 */
export interface TraceFrame {
  readonly seam: 'hid' | 'tpm' | 'api';
  readonly direction: 'out' | 'in';
  readonly bytes: Uint8Array;
  /** What the frame is, in the words of its spec (`TPM2_Unseal`, `CTAPHID_CBOR`). */
  readonly label?: string;
}

export type TraceSink = (frame: TraceFrame) => void;

export const noTrace: TraceSink = () => undefined;
