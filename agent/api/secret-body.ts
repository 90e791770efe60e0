/**
 * Secrets in and out of HTTP bodies without a copy that outlives them: a body is read chunk by chunk into one buffer
 * that becomes the `Secret`, every chunk is zeroed, and an answer is zeroed once the operating system has it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { Secret } from '../../drivers/base/secret.ts';

/**
 * Reads a raw body.
 * @param limit bytes; the body may have 1 to `limit`
 * @throws {ERR_API_BODY_TOO_LARGE} as soon as the limit is passed
 * @throws {ERR_API_REQUEST_INVALID} on an empty body, or one that breaks off
 */
export async function readSecretBody(incoming: IncomingMessage, limit: number): Promise<Secret> {
  const buffer = new Uint8Array(limit);
  let length = 0;
  try {
    for await (const chunk of incoming) {
      const bytes: unknown = chunk;
      if (!(bytes instanceof Uint8Array)) throw new TypeError('a body chunk is not bytes');
      const fits = length + bytes.length <= limit;
      if (fits) buffer.set(bytes, length);
      length += bytes.length;
      bytes.fill(0);
      if (!fits) {
        throw new UnlockdError('ERR_API_BODY_TOO_LARGE', `a secret has at most ${limit} bytes`, { detail: { limit } });
      }
    }
    if (length === 0) throw new UnlockdError('ERR_API_REQUEST_INVALID', 'the body is empty');
    return Secret.copyOf(buffer.subarray(0, length));
  } catch (error) {
    if (error instanceof UnlockdError) throw error;
    throw new UnlockdError('ERR_API_REQUEST_INVALID', 'the body broke off', { cause: error });
  } finally {
    buffer.fill(0);
  }
}

/** Sends `secret` as the whole raw body and disposes it, also when the peer is gone. The head has been set before. */
export function sendSecretBody(response: ServerResponse, secret: Secret): void {
  const bytes = secret.expose();
  const dispose = () => secret.dispose();
  response.once('finish', dispose);
  response.once('close', dispose);
  response.end(bytes);
}

/**
 * Zeroes what a connection has read, after the HTTP parser took its copies. Call it after the HTTP server's own
 * `connection` listener ran: with a reader of its own on the socket, Node parses in these buffers, not in one of its
 * own that keeps the last request for ever.
 */
export function wipeReadBuffers(socket: Socket): void {
  socket.on('data', (chunk: Buffer) => chunk.fill(0));
}
