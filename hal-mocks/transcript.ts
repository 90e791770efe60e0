/**
 * Transcripts: what went over the seams, as a sequence of CBOR items in a file, to be looked at, replayed and mutated by
 * tests. Written with cbor-x, in its build without native add-on and without code made from strings; what a device sends
 * stays a byte string inside and is never decoded
 * with it (docs/adr/0004). Reading back takes nothing on trust all the same.
 */
import { Decoder, Encoder } from 'cbor-x/index-no-eval';
import { UnlockdError } from '../drivers/base/errors.ts';
import type { TraceFrame, TraceSink } from '../drivers/base/trace.ts';

/** One frame as it stands in a transcript: `[seam, direction, label, bytes]`. */
export interface RecordedFrame {
  readonly seam: TraceFrame['seam'];
  readonly direction: TraceFrame['direction'];
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** The most frames and bytes that are read back. */
const MAX_FRAMES = 100_000;
const MAX_BYTES = 64 * 1024 * 1024;
const SEAMS: readonly string[] = ['hid', 'tpm', 'api'] satisfies readonly TraceFrame['seam'][];

const options = { useRecords: false, mapsAsObjects: false, tagUint8Array: false, variableMapSize: true } as const;

/** Collects frames; `bytes()` is the transcript so far. */
export class TranscriptRecorder {
  readonly #encoder = new Encoder(options);
  readonly #items: Uint8Array[] = [];

  /** Where a driver puts its frames. */
  readonly sink: TraceSink = ({ seam, direction, label = '', bytes }) => {
    // A copy: the encoder's output shares a pool, and the frame is the driver's.
    this.#items.push(new Uint8Array(this.#encoder.encode([seam, direction, label, new Uint8Array(bytes)])));
  };

  get length(): number {
    return this.#items.length;
  }

  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#items));
  }
}

const unreadable = (reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_HAL_IO', `this is not a transcript: ${reason}`, { cause });

function frameOf(item: unknown): RecordedFrame {
  if (!Array.isArray(item) || item.length !== 4) throw unreadable('an entry is not [seam, direction, label, bytes]');
  const [seam, direction, label, bytes] = item as readonly unknown[];
  if (typeof seam !== 'string' || !SEAMS.includes(seam)) throw unreadable('an unknown seam');
  if (direction !== 'out' && direction !== 'in') throw unreadable('an unknown direction');
  if (typeof label !== 'string' || !(bytes instanceof Uint8Array)) throw unreadable('a label or bytes of another kind');
  return { seam: seam as RecordedFrame['seam'], direction, label, bytes: new Uint8Array(bytes) };
}

/** @throws {ERR_HAL_IO} for anything that {@link TranscriptRecorder} does not write */
export function readTranscript(transcript: Uint8Array): readonly RecordedFrame[] {
  if (transcript.length > MAX_BYTES) throw unreadable(`larger than ${MAX_BYTES} bytes`);
  const items: unknown[] = [];
  try {
    new Decoder(options).decodeMultiple(new Uint8Array(transcript), (item: unknown) => {
      items.push(item);
      if (items.length > MAX_FRAMES) throw new RangeError(`more than ${MAX_FRAMES} frames`);
    });
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : 'not CBOR', error);
  }
  return items.map(frameOf);
}
