/**
 * Between Node's HTTP server and the routes, which speak the Fetch standard's `Request` and `Response`. What a Fetch
 * body would copy or buffer goes past it: raw secrets in and out, and event streams. Whatever happens, one answer in
 * one of the API's shapes leaves, or the connection is closed.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { ApiLimits } from './limits.ts';
import type { Peer } from './ports.ts';
import { type HttpStatus, httpStatusOf, toRefusal } from './refusal.ts';
import { routedRequest } from './routed-request.ts';
import { sendSecretBody } from './secret-body.ts';

/** What every route gets beside the request. */
export interface Exchange {
  readonly peer: Peer;
  readonly incoming: IncomingMessage;
  /** Aborts when the connection is gone. */
  readonly gone: AbortSignal;
  /** A raw answer: the route sets it, the adapter sends and disposes it. */
  secret: Secret | null;
  /** A streamed answer: text in pieces, written as the peer reads. */
  stream: AsyncIterable<string> | null;
}

export type Routes = (request: Request, exchange: Exchange) => Response | Promise<Response>;

export interface AdapterOptions {
  readonly clock: Clock;
  readonly limits: ApiLimits;
  /** For the log: an error that is none of the product's own. */
  readonly unexpected: (error: unknown) => void;
}

/** Answers with an error, where no route could. */
export function answerRefusal(response: ServerResponse, error: unknown, status?: HttpStatus): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const refusal = toRefusal(error);
  const code = status ?? (error instanceof UnlockdError ? httpStatusOf(error.code) : 500);
  const body = JSON.stringify(refusal);
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(body);
}

const carriesJson = (incoming: IncomingMessage): boolean =>
  /^application\/json\s*(;|$)/i.test(incoming.headers['content-type'] ?? '');

/** @throws {ERR_API_BODY_TOO_LARGE} @throws {ERR_API_REQUEST_INVALID} when the body breaks off */
async function readJsonBody(incoming: IncomingMessage, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of incoming) {
      const bytes = chunk as Uint8Array;
      length += bytes.length;
      if (length > limit) break;
      chunks.push(bytes);
    }
  } catch (cause) {
    throw new UnlockdError('ERR_API_REQUEST_INVALID', 'the body broke off', { cause });
  }
  if (length > limit) {
    throw new UnlockdError('ERR_API_BODY_TOO_LARGE', `a body has at most ${limit} bytes here`, { detail: { limit } });
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

async function requestOf(incoming: IncomingMessage, limits: ApiLimits): Promise<Request> {
  const { method = 'GET', url = '', headers } = incoming;
  const body =
    method !== 'GET' && method !== 'HEAD' && carriesJson(incoming)
      ? await readJsonBody(incoming, limits.jsonBytes)
      : null;
  return routedRequest({ method, target: url, headers }, body);
}

/** Writes the pieces as fast as the peer takes them, and stops when it is gone. The head is out: errors are an event. */
async function writeStream(
  response: ServerResponse,
  pieces: AsyncIterable<string>,
  gone: AbortSignal,
  unexpected: (error: unknown) => void,
): Promise<void> {
  try {
    for await (const piece of pieces) {
      if (gone.aborted) return;
      if (!response.write(piece)) await once(response, 'drain', { signal: gone });
    }
  } catch (error) {
    if (gone.aborted) return;
    if (!(error instanceof UnlockdError)) unexpected(error);
    response.write(`event: error\ndata: ${JSON.stringify(toRefusal(error))}\n\n`);
  }
}

async function send(
  response: ServerResponse,
  answer: Response,
  exchange: Exchange,
  unexpected: (error: unknown) => void,
): Promise<void> {
  if (response.destroyed) {
    exchange.secret?.dispose();
    return;
  }
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers) response.setHeader(name, value);
  response.setHeader('cache-control', 'no-store');
  // What was not read of the request will not be: the next request could not be told from its rest.
  if (!exchange.incoming.complete) response.setHeader('connection', 'close');
  if (exchange.secret !== null) {
    response.setHeader('content-length', exchange.secret.length);
    sendSecretBody(response, exchange.secret);
  } else if (exchange.stream !== null) {
    response.flushHeaders();
    await writeStream(response, exchange.stream, exchange.gone, unexpected);
    response.end();
  } else if (answer.body === null) {
    response.end();
  } else {
    response.end(new Uint8Array(await answer.arrayBuffer()));
  }
}

/** Rejects with ERR_API_TIMEOUT when `work` has not settled after `spanMs`. */
function within<T>(clock: Clock, spanMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = clock.timer(milliseconds(spanMs), () =>
      reject(new UnlockdError('ERR_API_TIMEOUT', 'the answer was not ready in time')),
    );
    work.then(resolve, reject).finally(stop);
  });
}

/**
 * Answers one request of `peer`. Never rejects.
 * @param routes the router
 */
export async function serveRequest(
  routes: Routes,
  incoming: IncomingMessage,
  response: ServerResponse,
  peer: Peer,
  options: AdapterOptions,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const exchange: Exchange = { peer, incoming, gone: gone.signal, secret: null, stream: null };
  try {
    const request = await requestOf(incoming, options.limits);
    const work = Promise.resolve(routes(request, exchange));
    const answer = await within(options.clock, options.limits.answerMs, work).catch((error: unknown) => {
      // An answer that comes too late is nobody's: a secret in it must not stay.
      void work.then(
        () => exchange.secret?.dispose(),
        () => undefined,
      );
      throw error;
    });
    await send(response, answer, exchange, options.unexpected);
  } catch (error) {
    if (gone.signal.aborted) exchange.secret?.dispose();
    else {
      if (!(error instanceof UnlockdError)) options.unexpected(error);
      answerRefusal(response, error);
    }
  }
}
