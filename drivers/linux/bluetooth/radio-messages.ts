/**
 * What the daemon and the radio process say to each other over two pipes: frames of a 16-bit big-endian length and that
 * many bytes of JSON. Either side takes the other for hostile: a frame that is not exactly one of these is the end of
 * the conversation, and no length makes anybody keep more than one frame.
 */
import { milliseconds } from '../../base/brand.ts';
import type { Bearer, Probe, ProbeFailure } from '../../hal/bluetooth.ts';
import type { RadioProbe } from './radio-prober.ts';
import { isAddress } from './radio-structs.ts';

export type ProbeRequest = Omit<RadioProbe, 'signal'>;

export type ToRadio =
  | { readonly type: 'probe'; readonly id: number; readonly probe: ProbeRequest }
  /** What is being connected is given up; its outcome comes all the same, so that it is known when all is closed. */
  | { readonly type: 'cancel'; readonly id: number };

export type FromRadio =
  /** Once, first: the process has given up everything that it does not need. */
  { readonly type: 'confined' } | { readonly type: 'outcome'; readonly id: number; readonly outcome: Probe['outcome'] };

/** Bytes of JSON; the longest honest frame has a third of it. */
const LARGEST = 1024;
export const LONGEST_PROBE = milliseconds(60_000);
/** At once; more is no honest daemon. */
export const MOST_PROBES = 8;
/** Exit statuses of the radio process that say why. */
export const EXIT = { outOfTurn: 2, noModule: 3, notConfined: 4 } as const;
const MOST_ADAPTERS = 0xffff;

const REASONS: readonly ProbeFailure[] = [
  ...(['unreachable', 'refused', 'weak-link', 'not-bonded'] as const),
  ...(['radio-off', 'no-permission', 'unsupported', 'failed'] as const),
];

export function frame(message: ToRadio | FromRadio): Buffer {
  const json = Buffer.from(JSON.stringify(message), 'utf8');
  const bytes = Buffer.alloc(2 + json.length);
  bytes.writeUInt16BE(json.length, 0);
  json.copy(bytes, 2);
  return bytes;
}

type Fields = Readonly<Record<string, unknown>>;

/** An object with these fields and no other. */
function fields(value: unknown, ...names: readonly string[]): Fields | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const own = Object.keys(value);
  return own.length === names.length && names.every((name) => own.includes(name)) ? (value as Fields) : null;
}

const oneOf = <T>(value: unknown, ...allowed: readonly T[]): value is T => allowed.includes(value as T);
const whole = (value: unknown, least: number, most: number): value is number =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
const isId = (value: unknown): value is number => whole(value, 1, Number.MAX_SAFE_INTEGER);

function probeRequest(value: unknown): ProbeRequest | null {
  const read = fields(value, 'adapter', 'address', 'addressType', 'bearer', 'minLevel', 'within');
  if (read === null) return null;
  const { adapter, address, addressType, bearer, minLevel, within } = read;
  if (!whole(adapter, 0, MOST_ADAPTERS) || typeof address !== 'string' || !isAddress(address)) return null;
  if (!oneOf(addressType, 'public' as const, 'random' as const) || !oneOf(bearer, 'BR/EDR' as const, 'LE' as const))
    return null;
  if (!oneOf(minLevel, 'medium' as const, 'high' as const) || !whole(within, 1, LONGEST_PROBE)) return null;
  return { adapter, address, addressType, bearer, minLevel, within: milliseconds(within) };
}

/** @returns null for everything that is no message to the radio process */
export function toRadio(value: unknown): ToRadio | null {
  const cancel = fields(value, 'type', 'id');
  if (cancel !== null) return cancel.type === 'cancel' && isId(cancel.id) ? { type: 'cancel', id: cancel.id } : null;
  const asked = fields(value, 'type', 'id', 'probe');
  const probe = probeRequest(asked?.probe);
  return asked?.type === 'probe' && isId(asked.id) && probe !== null ? { type: 'probe', id: asked.id, probe } : null;
}

/** Visible ASCII: it ends up on screens. */
const isDetail = (value: unknown): value is string => typeof value === 'string' && /^[ -~]{0,200}$/.test(value);

function readOutcome(value: unknown, bearer: Bearer): Probe['outcome'] | null {
  const not = fields(value, 'proved', 'reason', 'detail');
  if (not !== null) {
    const { proved, reason, detail } = not;
    if (proved !== false || !oneOf(reason, ...REASONS) || (detail !== null && !isDetail(detail))) return null;
    return { proved, reason, detail };
  }
  const read = fields(value, 'proved', 'encrypted', 'authenticated', 'keySize', 'rssi');
  if (read === null || read.proved !== true || read.encrypted !== true) return null;
  const { authenticated, keySize } = read;
  if (typeof authenticated !== 'boolean' || !whole(keySize, 16, 16)) return null;
  const proved = { proved: true, encrypted: true, authenticated, keySize } as const;
  if (read.rssi === null) return { ...proved, rssi: null };
  const rssi = fields(read.rssi, 'scale', 'value');
  if (!whole(rssi?.value, -128, 126) || rssi?.scale !== (bearer === 'LE' ? 'dBm' : 'relative')) return null;
  return {
    ...proved,
    rssi: bearer === 'LE' ? { scale: 'dBm', value: rssi.value } : { scale: 'relative', value: rssi.value },
  };
}

/**
 * @param bearerOf what was asked under an id; null: nothing
 * @returns null for everything that is no message of the radio process, or answers what nobody asked
 */
export function fromRadio(value: unknown, bearerOf: (id: number) => Bearer | null): FromRadio | null {
  if (fields(value, 'type')?.type === 'confined') return { type: 'confined' };
  const answer = fields(value, 'type', 'id', 'outcome');
  if (answer?.type !== 'outcome' || !isId(answer.id)) return null;
  const bearer = bearerOf(answer.id);
  const outcome = bearer === null ? null : readOutcome(answer.outcome, bearer);
  return outcome === null ? null : { type: 'outcome', id: answer.id, outcome };
}

/** Cuts a stream of bytes into frames. Keeps at most one frame. */
export class FrameReader {
  #kept: Buffer = Buffer.alloc(0);

  /**
   * Takes the next bytes.
   * @returns the values of the frames that are whole now; null: the stream is none of frames, and no further use
   */
  push(bytes: Buffer): readonly unknown[] | null {
    const values: unknown[] = [];
    let rest = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    while (rest.length >= 2) {
      const length = rest.readUInt16BE(0);
      if (length === 0 || length > LARGEST) return null;
      if (rest.length < 2 + length) break;
      try {
        values.push(JSON.parse(rest.toString('utf8', 2, 2 + length)));
      } catch {
        return null;
      }
      rest = rest.subarray(2 + length);
    }
    this.#kept = Buffer.from(rest);
    return values;
  }
}
