/**
 * The bytes of a bus on their way to the parser, without the messages that are too large. Every user of a machine may
 * send a signal to every connection of the system bus; a parser that gives up at a large one, as it has to, would let
 * anybody cut us off. D-Bus specification, "Message Format": 16 bytes tell how long a message is.
 */
import { Duplex } from 'node:stream';

const HEADER_BYTES = 16;
const LINE_FEED = 0x0a;
const LITTLE_ENDIAN = 0x6c;
const BIG_ENDIAN = 0x42;
const PROTOCOL_VERSION = 1;

/** What the filter reads from and writes to; a socket. */
export interface RawStream extends Duplex {}

export class FrameFilter extends Duplex {
  readonly #raw: RawStream;
  readonly #limit: number;
  /** The one line of the server before the messages begin has passed. */
  #authenticated = false;
  /** Collects the header of the next message. */
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** Bytes of the current message that are still to come, and what becomes of them. */
  #rest = 0;
  #passing = true;

  /** @param limit bytes of the largest message that passes */
  constructor(raw: RawStream, limit: number) {
    super();
    this.#raw = raw;
    this.#limit = limit;
    raw.on('data', (chunk: Buffer) => {
      if (!this.#take(chunk)) raw.pause();
    });
    raw.on('end', () => this.push(null));
    raw.on('error', (error) => this.destroy(error));
    raw.on('close', () => this.destroy());
  }

  /** @returns whether more is wanted */
  #take(chunk: Buffer): boolean {
    let more = true;
    let at = 0;
    const pass = (bytes: Uint8Array): void => {
      if (bytes.length > 0) more = this.push(Buffer.from(bytes)) && more;
    };
    while (at < chunk.length && !this.destroyed) {
      if (!this.#authenticated) {
        const end = chunk.indexOf(LINE_FEED, at);
        const to = end < 0 ? chunk.length : end + 1;
        pass(chunk.subarray(at, to));
        this.#authenticated = end >= 0;
        at = to;
      } else if (this.#rest > 0) {
        const to = Math.min(chunk.length, at + this.#rest);
        if (this.#passing) pass(chunk.subarray(at, to));
        this.#rest -= to - at;
        at = to;
      } else {
        const to = Math.min(chunk.length, at + HEADER_BYTES - this.#headerBytes);
        this.#header.set(chunk.subarray(at, to), this.#headerBytes);
        this.#headerBytes += to - at;
        at = to;
        if (this.#headerBytes === HEADER_BYTES) this.#begin(pass);
      }
    }
    return more;
  }

  #begin(pass: (bytes: Uint8Array) => void): void {
    this.#headerBytes = 0;
    const view = new DataView(this.#header.buffer);
    const little = this.#header[0] === LITTLE_ENDIAN;
    const known = little || this.#header[0] === BIG_ENDIAN;
    if (!known || this.#header[3] !== PROTOCOL_VERSION) {
      // Where the next message begins is lost for good.
      this.destroy(new Error('what the bus sends is no message of D-Bus'));
      return;
    }
    this.#rest = view.getUint32(4, little) + Math.ceil(view.getUint32(12, little) / 8) * 8;
    this.#passing = this.#rest + HEADER_BYTES <= this.#limit;
    if (this.#passing) pass(this.#header);
  }

  override _read(): void {
    this.#raw.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#raw.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#raw.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#raw.destroy();
    done(error);
  }
}
