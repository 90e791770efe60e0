/**
 * Hostile requests over the real socket: whatever bytes come, the answer is HTTP with the one shape of errors, or the
 * connection closes; the API lives on, calls nothing unexpected, and never answers for another peer. The number of
 * cases is UNLOCKD_FUZZ_CASES (default: a short run).
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeEvents, encodeEvent } from '../../../agent/api/event-stream.ts';
import { isRecord, STATUS, shaped } from '../../../agent/api/shape.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { type ApiOnSocket, apiOnSocket, peerOfUid } from '../../support/api/api-on-socket.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { httpCall, rawExchange } from '../../support/api/raw-http.ts';

const CASES = Number(process.env.UNLOCKD_FUZZ_CASES ?? 400);
const runs = { numRuns: CASES };

const WELL_FORMED = [
  'GET /v1/status HTTP/1.1\r\nhost: unlockd\r\nconnection: close\r\n\r\n',
  'POST /v1/ceremonies HTTP/1.1\r\nhost: unlockd\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{"kind":"unlock"}',
  'PUT /v1/ceremonies/abc/secrets/pin HTTP/1.1\r\nhost: unlockd\r\nconnection: close\r\ncontent-type: application/octet-stream\r\ncontent-length: 6\r\n\r\n271828',
  'POST /v1/lock HTTP/1.1\r\nhost: unlockd\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'GET /v1/events?last=3&follow=false HTTP/1.1\r\nhost: unlockd\r\nconnection: close\r\nlast-event-id: 2\r\n\r\n',
];

/** A well-formed request with some bytes changed, taken out or put in. */
const mutated = fc
  .tuple(
    fc.constantFrom(...WELL_FORMED),
    fc.array(fc.record({ at: fc.nat(400), take: fc.nat(3), put: fc.uint8Array({ maxLength: 4 }) }), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([text, edits]) =>
    edits.reduce<Buffer>(
      (bytes, { at, take, put }) => {
        const from = at % (bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + take)]);
      },
      Buffer.from(text, 'latin1'),
    ),
  );

const SHAPE = ['code', 'message', 'cure', 'detail'];

/** Every answer in what came back; an error answer has the one shape. */
function checkAnswers(text: string): void {
  if (text === '') return;
  expect(text).toMatch(/^HTTP\/1\.1 \d{3} /);
  const status = Number(text.slice(9, 12));
  // 100 (Continue) is the server's own word before the answer.
  if (status < 400) return;
  const head = text.slice(0, text.indexOf('\r\n\r\n'));
  if (!/content-type: application\/json/i.test(head)) throw new Error(`an error of another shape: ${text}`);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
  const body = text.slice(head.length + 4);
  // The answer to HEAD has no body.
  if (body === '') return;
  const refusal: unknown = JSON.parse(
    Number.isNaN(length) ? body.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, '') : body.slice(0, length),
  );
  expect(isRecord(refusal) ? Object.keys(refusal) : null).toEqual(SHAPE);
}

describe('the API under hostile input', () => {
  let service: FakeService;
  let api: ApiOnSocket;
  beforeAll(async () => {
    service = new FakeService();
    service.addUser(1000);
    api = await apiOnSocket(service, {
      limits: { headersMs: 500, requestMs: 1000, idleMs: 100, abandonedMs: 5, ceremoniesPerUid: 1000 },
    });
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
  });

  it('answers changed requests in the one shape or closes, and lives on', async () => {
    await fc.assert(
      fc.asyncProperty(mutated, async (bytes) => checkAnswers(await rawExchange(api.socketPath, bytes))),
      runs,
    );
    expect((await httpCall(api.socketPath, 'GET', '/v1/status')).status).toBe(200);
    expect(api.unexpected).toEqual([]);
    expect(service.calls.every(({ peer }) => peer.uid === peerOfUid(1000).uid)).toBe(true);
  });

  it('answers any bytes at all so', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) =>
        checkAnswers(await rawExchange(api.socketPath, bytes)),
      ),
      { numRuns: Math.ceil(CASES / 4) },
    );
    expect((await httpCall(api.socketPath, 'GET', '/v1/status')).status).toBe(200);
    expect(api.unexpected).toEqual([]);
  });

  it('answers any JSON where a ceremony is begun so', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.json(),
          fc.json().map((inner) => `{"kind":"unlock","purpose":${inner}}`),
        ),
        async (body) => {
          const answer = await httpCall(api.socketPath, 'POST', '/v1/ceremonies', {
            headers: { 'content-type': 'application/json' },
            body,
          });
          expect([201, 400, 413]).toContain(answer.status);
          if (answer.status !== 201) expect(Object.keys(JSON.parse(answer.body.toString()))).toEqual(SHAPE);
        },
      ),
      runs,
    );
    expect(api.unexpected).toEqual([]);
  });
});

describe('the client under hostile answers', () => {
  const typed = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof UnlockdError) || error.code !== 'ERR_CLI_ANSWER_INVALID') throw error;
    }
  };
  async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }

  it('reads events back as they were written, however the stream is cut', async () => {
    const event = fc.record({ type: fc.constantFrom('touch', 'done', 'prompt'), data: fc.jsonValue() });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), async (events, size) => {
        const text = events.map(({ type, data }, i) => encodeEvent(i + 1, type, data)).join('');
        const read: unknown[] = [];
        for await (const each of decodeEvents(pieces(Buffer.from(text), size))) read.push(each);
        const expected = events.map(({ type, data }, i) => ({
          id: String(i + 1),
          type,
          data: JSON.parse(JSON.stringify(data)),
        }));
        expect(read).toEqual(expected);
      }),
      runs,
    );
  });

  it('makes of any event stream events or a typed error', async () => {
    const stream = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .string({
          unit: fc.constantFrom('data:', 'event:', 'id:', '{', '}', '"', '\n', '\r', ' ', '1', ':'),
          maxLength: 40,
        })
        .map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(stream, fc.integer({ min: 1, max: 20 }), (bytes, size) =>
        typed(async () => {
          for await (const _ of decodeEvents(pieces(bytes, size)));
        }),
      ),
      runs,
    );
  });

  it('refuses an event that never ends', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.alloc(65_536, 'x');
    }
    await expect(decodeEvents(endless()).next()).rejects.toMatchObject({ code: 'ERR_CLI_ANSWER_INVALID' });
  });

  it('makes of any JSON a status or a typed error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), (value) => typed(async () => shaped(value, STATUS, 'status'))),
      runs,
    );
  });
});
