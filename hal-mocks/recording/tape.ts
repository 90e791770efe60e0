/**
 * What a recording is made of: what went over the seams of a run, in one order. Outputs are what this program did to a device
 * or asked of the operator, inputs what came of it. The tape stands in a transcript (../transcript.ts); the first entry
 * says what was recorded, the last one how it ended, so that a file that was cut off is none.
 */
import * as bytesOf from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { readTranscript, TranscriptRecorder } from '../transcript.ts';

export interface TapeEntry {
  readonly seam: 'hid' | 'tpm' | 'api';
  readonly direction: 'out' | 'in';
  /** One connection, or the operator: `tpm 0`, `hid virtual:fido2:0 2`, `operator`. */
  readonly channel: string;
  /** `command`, `response`, `report`, `failed`, … */
  readonly kind: string;
  readonly bytes: Uint8Array;
}

export interface TapeHead {
  readonly recording: 1;
  /** SHA-256 of the file of the walkthrough. */
  readonly walkthrough: string;
  readonly lane: string;
  /** By which the seed is known. */
  readonly seed: string;
}

export interface Tape {
  readonly head: TapeHead;
  readonly entries: readonly TapeEntry[];
  /** Outcomes of the steps. */
  readonly end: readonly string[];
}

const HEAD = 'recording';
const END = 'end';
const BETWEEN = '\t';

const invalid = (message: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_RECORDING_INVALID', `this is no recording: ${message}`, { cause });

export const jsonBytes = (value: unknown): Uint8Array => bytesOf.utf8(JSON.stringify(value));

/** @throws {ERR_RECORDING_INVALID} */
export function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid('an entry is no JSON', cause);
  }
}

export class TapeRecorder {
  readonly #transcript = new TranscriptRecorder();

  constructor(head: TapeHead) {
    this.#transcript.sink({ seam: 'api', direction: 'out', label: HEAD, bytes: jsonBytes(head) });
  }

  note(entry: TapeEntry): void {
    const { seam, direction, channel, kind, bytes } = entry;
    this.#transcript.sink({ seam, direction, label: `${channel}${BETWEEN}${kind}`, bytes });
  }

  /** The whole tape. Nothing may be noted afterwards. */
  finish(outcomes: readonly string[]): Uint8Array {
    this.#transcript.sink({ seam: 'api', direction: 'in', label: END, bytes: jsonBytes(outcomes) });
    return this.#transcript.bytes();
  }
}

function headOf(bytes: Uint8Array): TapeHead {
  const value = jsonIn(bytes);
  if (typeof value !== 'object' || value === null) throw invalid('its first entry says nothing');
  const { recording, walkthrough, lane, seed } = value as Readonly<Record<string, unknown>>;
  if (recording !== 1) throw invalid('it is of another version');
  if (typeof walkthrough !== 'string' || typeof lane !== 'string' || typeof seed !== 'string') {
    throw invalid('its first entry lacks something');
  }
  return { recording, walkthrough, lane, seed };
}

/** @throws {ERR_RECORDING_INVALID} for anything that {@link TapeRecorder} does not write */
export function readTape(file: Uint8Array): Tape {
  let frames: ReturnType<typeof readTranscript>;
  try {
    frames = readTranscript(file);
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : 'it cannot be read', cause);
  }
  const [first, ...rest] = frames;
  const last = rest.pop();
  if (first?.label !== HEAD) throw invalid('its first entry is missing');
  if (last?.label !== END) throw invalid('it was cut off: its end is missing');
  const end = jsonIn(last.bytes);
  if (!Array.isArray(end) || !end.every((each) => typeof each === 'string')) throw invalid('its end says nothing');
  const entries = rest.map(({ seam, direction, label, bytes }) => {
    const [channel = '', kind = '', ...more] = label.split(BETWEEN);
    if (channel === '' || kind === '' || more.length > 0) throw invalid(`an entry is called ${JSON.stringify(label)}`);
    return { seam, direction, channel, kind, bytes };
  });
  return { head: headOf(first.bytes), entries, end };
}
