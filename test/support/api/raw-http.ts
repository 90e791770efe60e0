/** Requests as bytes, and answers as they come: for what a well-behaved client would never send. */
import { request } from 'node:http';
import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** One request through node:http, unchecked and unshaped. */
export function httpCall(
  socketPath: string,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, headers: { connection: 'close', ...options.headers } });
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
      );
    });
    outgoing.end(options.body);
  });
}

export const jsonCall = (socketPath: string, method: string, path: string, body: unknown): Promise<RawAnswer> =>
  httpCall(socketPath, method, path, {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Writes `bytes`, ends its side, and resolves with everything that came back until the other side closed. */
export function rawExchange(socketPath: string, bytes: Uint8Array | string): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(socketPath);
    const settle = () => resolve(Buffer.concat(chunks).toString('latin1'));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('error', settle);
    socket.once('close', settle);
    socket.end(bytes);
  });
}
