/** Whatever the pieces are in which the bytes of a bus arrive, the same messages come out. */
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameFilter } from '../../../drivers/linux/dbus/frame-filter.ts';

const LIMIT = 200;

/** A message whose header says how long it is, and nothing else that makes sense. */
function message(little: boolean, fields: number, body: number, fill: number): Buffer {
  const padded = Math.ceil(fields / 8) * 8;
  const out = Buffer.alloc(16 + padded + body, fill);
  out[0] = little ? 0x6c : 0x42;
  out[3] = 1;
  if (little) {
    out.writeUInt32LE(body, 4);
    out.writeUInt32LE(fields, 12);
  } else {
    out.writeUInt32BE(body, 4);
    out.writeUInt32BE(fields, 12);
  }
  return out;
}

const anyMessage = fc
  .record({ little: fc.boolean(), fields: fc.nat(120), body: fc.nat(400), fill: fc.nat(255) })
  .map(({ little, fields, body, fill }) => message(little, fields, body, fill));

/** Everything that comes out, when `bytes` go in in pieces of these lengths; null: it gave up. */
async function through(bytes: Buffer, lengths: readonly number[]): Promise<Buffer | null> {
  const raw = new PassThrough();
  const filter = new FrameFilter(raw, LIMIT);
  const out: Buffer[] = [];
  filter.on('data', (chunk: Buffer) => out.push(chunk));
  const ended = new Promise<boolean>((resolve) => {
    filter.once('end', () => resolve(true));
    filter.once('error', () => resolve(false));
  });
  let at = 0;
  for (let n = 0; at < bytes.length; n++) {
    const length = lengths[n % lengths.length] ?? 1;
    raw.write(bytes.subarray(at, at + length));
    at += length;
  }
  raw.end();
  return (await ended) ? Buffer.concat(out) : null;
}

const HANDSHAKE = Buffer.from('OK 0123456789abcdef\r\n', 'ascii');
const pieces = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });

describe('the bytes of a bus', () => {
  it('pass in messages as they are, without those that are too large', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyMessage, { maxLength: 12 }), pieces, async (messages, lengths) => {
        const kept = messages.filter(({ length }) => length <= LIMIT);
        const out = await through(Buffer.concat([HANDSHAKE, ...messages]), lengths);
        expect(out?.equals(Buffer.concat([HANDSHAKE, ...kept]))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('are given up when they are no messages', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage, fc.constantFrom(0, 3), pieces, async (sound, at, lengths) => {
        const broken = Buffer.from(sound);
        broken[at] = 0x41;
        expect(await through(Buffer.concat([HANDSHAKE, broken]), lengths)).toBeNull();
      }),
      { numRuns: 100 },
    );
  });

  it('anything at all ends, in pieces or an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), pieces, async (bytes, lengths) => {
        await through(Buffer.from(bytes), lengths);
      }),
      { numRuns: 300 },
    );
  });
});
