/**
 * One request to a machine that does physical steps. It is hostile until checked: bounded answer, no redirect followed, a
 * time limit on the whole exchange, and every failure is told apart by whether it is worth another try.
 */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { startDeadline } from '../../drivers/base/deadline.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import { ANSWER_BYTES } from './protocol.ts';

/** Of one exchange. */
const WITHIN = seconds(10);

export interface Machine {
  readonly url: URL;
  /** Null: none is sent. */
  readonly token: Secret | null;
}

export interface MachineRequest {
  readonly method: 'PUT' | 'GET' | 'DELETE';
  readonly path: string;
  readonly body: unknown;
}

const unreachable = ({ url }: Machine, why: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_OPERATOR_UNREACHABLE', `${url.host}: ${why}`, { detail: { host: url.host }, cause });

export const badAnswer = ({ url }: Machine, why: string): UnlockdError =>
  new UnlockdError('ERR_OPERATOR_ANSWER', `${url.host}: ${why}`, { detail: { host: url.host } });

function send(machine: Machine, { method, path, body }: MachineRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { url, token } = machine;
  const payload = body === undefined ? null : new TextEncoder().encode(JSON.stringify(body));
  const target = new URL(`${url.pathname.replace(/\/$/, '')}${path}`, url);
  return new Promise((resolve, reject) => {
    const outgoing = (url.protocol === 'https:' ? requestHttps : requestHttp)(target, {
      method,
      signal,
      agent: false,
      headers: {
        accept: 'application/json',
        ...(payload === null ? {} : { 'content-type': 'application/json', 'content-length': payload.length }),
        ...(token === null ? {} : { authorization: `Bearer ${new TextDecoder().decode(token.expose())}` }),
      },
    });
    outgoing.once('response', resolve);
    outgoing.on('error', (cause: NodeJS.ErrnoException) =>
      reject(signal.aborted ? signal.reason : unreachable(machine, cause.code ?? 'the connection failed', cause)),
    );
    outgoing.end(payload ?? undefined);
  });
}

async function bounded(machine: Machine, incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > ANSWER_BYTES) throw badAnswer(machine, `its answer is longer than ${ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * @returns the body of an answer with status 200
 * @throws {ERR_OPERATOR_UNREACHABLE} worth another try: no connection, no answer in time, status 429 or 5xx
 * @throws {ERR_OPERATOR_ANSWER} anything else; and the signal's reason
 */
export async function exchange(
  machine: Machine,
  request: MachineRequest,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  signal.throwIfAborted();
  using deadline = startDeadline(clock, WITHIN, { what: machine.url.host, signal });
  let incoming: IncomingMessage | null = null;
  try {
    incoming = await send(machine, request, deadline.signal);
    const { statusCode: status = 0 } = incoming;
    if (status >= 500 || status === 429) throw unreachable(machine, `it answers with status ${status}`);
    if (status === 401 || status === 403) throw badAnswer(machine, `it refuses the token (status ${status})`);
    if (status !== 200) throw badAnswer(machine, `it answers with status ${status}`);
    return await deadline.race(bounded(machine, incoming));
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.signal.aborted) throw unreachable(machine, 'no whole answer in time', error);
    throw error instanceof UnlockdError ? error : unreachable(machine, 'the connection was lost', error);
  } finally {
    incoming?.destroy();
  }
}
