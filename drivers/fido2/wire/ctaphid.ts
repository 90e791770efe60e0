/**
 * CTAPHID framing (CTAP 2.1 §11.2.4): messages in packets of one HID report each, and back. No time, no I/O: both the
 * client and the virtual authenticator are built on these.
 */
import { UnlockdError } from '../../base/errors.ts';

/** §11.2.9: commands, without the bit that marks an initialization packet. */
export const CTAPHID = {
  PING: 0x01,
  MSG: 0x03,
  LOCK: 0x04,
  INIT: 0x06,
  WINK: 0x08,
  CBOR: 0x10,
  CANCEL: 0x11,
  KEEPALIVE: 0x3b,
  ERROR: 0x3f,
} as const;

/** §11.2.9.1.6: the byte of a CTAPHID_ERROR. */
export const CTAPHID_ERR = {
  INVALID_CMD: 0x01,
  INVALID_PAR: 0x02,
  INVALID_LEN: 0x03,
  INVALID_SEQ: 0x04,
  MSG_TIMEOUT: 0x05,
  CHANNEL_BUSY: 0x06,
  LOCK_REQUIRED: 0x0a,
  INVALID_CHANNEL: 0x0b,
  OTHER: 0x7f,
} as const;

/** §11.2.9.1.7: the byte of a CTAPHID_KEEPALIVE. */
export const KEEPALIVE = { PROCESSING: 0x01, UPNEEDED: 0x02 } as const;

/** §11.2.9.1.3: capability bits in the answer to CTAPHID_INIT. NMSG set means: no CTAPHID_MSG (no U2F). */
export const CAPABILITY = { WINK: 0x01, CBOR: 0x04, NMSG: 0x08 } as const;

export const BROADCAST_CID = 0xffffffff;
/** Reserved, never allocated. */
export const RESERVED_CID = 0x00000000;
export const CTAPHID_PROTOCOL_VERSION = 2;
export const INIT_NONCE_LENGTH = 8;
export const INIT_RESPONSE_LENGTH = 17;
/** The usual report size; others exist (62 in the wild, larger at high speed). */
export const DEFAULT_REPORT_SIZE = 64;
/** Shorter reports could not carry an answer to CTAPHID_INIT's head. */
export const MIN_REPORT_SIZE = 8;

const INIT_HEADER = 7;
const CONT_HEADER = 5;
const TYPE_INIT = 0x80;
const MAX_SEQUENCE = 0x7f;

/** §11.2.4: one initialization packet and 128 continuation packets; 7609 bytes for reports of 64. */
export const maxPayload = (reportSize: number): number =>
  Math.min(0xffff, reportSize - INIT_HEADER + (MAX_SEQUENCE + 1) * (reportSize - CONT_HEADER));

export interface CtapHidMessage {
  readonly cid: number;
  /** One of {@link CTAPHID}, or what the other side invented. */
  readonly command: number;
  readonly payload: Uint8Array;
}

const packet = (reportSize: number, header: readonly number[], data: Uint8Array): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(reportSize);
  out.set(header, 0);
  out.set(data, header.length);
  return out;
};

/**
 * Splits a message into reports, zero-padded.
 * @param cid 32-bit channel id
 * @param reportSize bytes of a report without report id
 * @throws {ERR_CTAP_REQUEST_TOO_LARGE}
 */
export function fragment(
  cid: number,
  command: number,
  payload: Uint8Array,
  reportSize: number = DEFAULT_REPORT_SIZE,
): Uint8Array<ArrayBuffer>[] {
  if (reportSize < MIN_REPORT_SIZE) throw new TypeError(`reports of ${reportSize} bytes cannot carry CTAPHID`);
  const limit = maxPayload(reportSize);
  if (payload.length > limit) {
    throw new UnlockdError('ERR_CTAP_REQUEST_TOO_LARGE', `a message of ${payload.length} bytes; ${limit} fit`, {
      detail: { length: payload.length, limit },
    });
  }
  const channel = [cid >>> 24, (cid >>> 16) & 0xff, (cid >>> 8) & 0xff, cid & 0xff];
  const first = payload.subarray(0, reportSize - INIT_HEADER);
  const head = [...channel, TYPE_INIT | command, payload.length >> 8, payload.length & 0xff];
  const out = [packet(reportSize, head, first)];
  for (let at = first.length, sequence = 0; at < payload.length; sequence++) {
    const part = payload.subarray(at, at + reportSize - CONT_HEADER);
    out.push(packet(reportSize, [...channel, sequence], part));
    at += part.length;
  }
  return out;
}

export function cidOf(report: Uint8Array): number | null {
  const [a = 0, b = 0, c = 0, d = 0] = [report[0], report[1], report[2], report[3]];
  return report.length < CONT_HEADER ? null : ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

export type Reassembled =
  | { readonly kind: 'message'; readonly message: CtapHidMessage }
  /** More packets are needed. */
  | { readonly kind: 'pending' }
  /** Nothing to do with a message: a stray continuation packet, or one of a channel this side does not listen to. */
  | { readonly kind: 'ignored' }
  /** The other side broke the protocol. `error` is what a device answers on channel `cid` (§11.2.9.1.6). */
  | { readonly kind: 'violation'; readonly cid: number; readonly error: number; readonly reason: string };

interface Assembly {
  readonly cid: number;
  readonly command: number;
  readonly length: number;
  /** Of `length` bytes, which {@link maxPayload} bounds. */
  readonly payload: Uint8Array<ArrayBuffer>;
  received: number;
  sequence: number;
}

/**
 * Puts one message at a time together, and holds at most one message of at most {@link maxPayload} bytes.
 *
 * `role: 'device'` follows §11.2.5: another channel in the middle of a message is answered with CHANNEL_BUSY and
 * disturbs nothing; CTAPHID_INIT on the own channel starts over; any other initialization packet there is INVALID_SEQ.
 * `role: 'host'` listens to `channel` alone, and an initialization packet (an error, a keep-alive) always starts over.
 */
export class Reassembler {
  readonly #reportSize: number;
  readonly #channel: number | null;
  readonly #limit: number;
  #assembly: Assembly | null = null;

  constructor(
    options: { role: 'device'; reportSize?: number } | { role: 'host'; channel: number; reportSize?: number },
  ) {
    this.#reportSize = options.reportSize ?? DEFAULT_REPORT_SIZE;
    this.#channel = options.role === 'host' ? options.channel : null;
    this.#limit = maxPayload(this.#reportSize);
  }

  /** The message that is being put together, for timeouts. */
  get pending(): { readonly cid: number; readonly command: number; readonly received: number } | null {
    return this.#assembly;
  }

  reset(): void {
    this.#assembly = null;
  }

  /** Takes one report. Never throws; keeps no reference to `report`. */
  push(report: Uint8Array): Reassembled {
    const cid = cidOf(report);
    if (cid === null) return { kind: 'ignored' };
    if (this.#channel !== null && cid !== this.#channel) return { kind: 'ignored' };
    const isInit = ((report[4] ?? 0) & TYPE_INIT) !== 0;
    if (report.length !== this.#reportSize) {
      if (this.#assembly?.cid === cid) this.#assembly = null;
      return { kind: 'violation', cid, error: CTAPHID_ERR.INVALID_LEN, reason: `a report of ${report.length} bytes` };
    }
    return isInit ? this.#initialization(cid, report) : this.#continuation(cid, report);
  }

  #initialization(cid: number, report: Uint8Array): Reassembled {
    const command = (report[4] ?? 0) & ~TYPE_INIT;
    const length = ((report[5] ?? 0) << 8) | (report[6] ?? 0);
    if (this.#channel === null && this.#assembly !== null) {
      if (this.#assembly.cid !== cid) {
        return { kind: 'violation', cid, error: CTAPHID_ERR.CHANNEL_BUSY, reason: 'another channel is in mid-message' };
      }
      this.#assembly = null;
      if (command !== CTAPHID.INIT) {
        return { kind: 'violation', cid, error: CTAPHID_ERR.INVALID_SEQ, reason: 'a message inside another' };
      }
    }
    this.#assembly = null;
    if (length > this.#limit) {
      return { kind: 'violation', cid, error: CTAPHID_ERR.INVALID_LEN, reason: `a message of ${length} bytes` };
    }
    const assembly = { cid, command, length, payload: new Uint8Array(length), received: 0, sequence: 0 };
    return this.#progress(assembly, report.subarray(INIT_HEADER, INIT_HEADER + length));
  }

  #continuation(cid: number, report: Uint8Array): Reassembled {
    const assembly = this.#assembly;
    // §11.2.5.4: spurious continuation packets are ignored; the packet that began a foreign message was answered.
    if (assembly === null || assembly.cid !== cid) return { kind: 'ignored' };
    if (report[4] !== assembly.sequence) {
      this.#assembly = null;
      const reason = `continuation packet ${report[4]}, expected ${assembly.sequence}`;
      return { kind: 'violation', cid, error: CTAPHID_ERR.INVALID_SEQ, reason };
    }
    assembly.sequence++;
    return this.#progress(assembly, report.subarray(CONT_HEADER, CONT_HEADER + assembly.length - assembly.received));
  }

  #progress(assembly: Assembly, part: Uint8Array): Reassembled {
    assembly.payload.set(part, assembly.received);
    assembly.received += part.length;
    if (assembly.received < assembly.length) {
      this.#assembly = assembly;
      return { kind: 'pending' };
    }
    this.#assembly = null;
    const { cid, command, payload } = assembly;
    return { kind: 'message', message: { cid, command, payload } };
  }
}
