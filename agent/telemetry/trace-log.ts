/**
 * Wire traffic in the log, at the level `trace`: seam, direction, the name of the command and its length. Payload is
 * never shown, encrypted or not; a TPM frame without a name shows the public code in its header (TPM 2.0 Part 1,
 * "Command and response structure").
 */
import type { TraceFrame, TraceSink } from '../../drivers/base/trace.ts';
import type { Log } from './log.ts';

const HEADER_BYTES = 10;

function labelOf({ seam, direction, bytes, label }: TraceFrame): string {
  if (label !== undefined) return label;
  if (seam !== 'tpm' || bytes.length < HEADER_BYTES) return 'frame';
  const code = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(6);
  return `${direction === 'out' ? 'command' : 'response'} 0x${code.toString(16)}`;
}

/** A trace sink that writes to `log`; nothing is put together while the level is off. */
export function traceToLog(log: Log): TraceSink {
  return (frame) => {
    if (!log.enabled('trace')) return;
    const { seam, direction, bytes } = frame;
    log.trace('wire', { seam, direction, label: labelOf(frame), bytes: bytes.length });
  };
}
