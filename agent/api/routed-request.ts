/**
 * A request as the routes read it: the part of the Fetch standard's `Request` that they use, over what Node has parsed
 * and read already. A whole `Request` would wrap a body that is at hand into a stream and an abort signal, and take it
 * out again; on a cold path that is the largest part of a small request.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { UnlockdError } from '../../drivers/base/errors.ts';

/** The authority is ours: a Host header decides nothing. */
const ORIGIN = 'http://unlockd';

export interface RequestHead {
  readonly method: string;
  /** Origin form, RFC 9112 §3.2.1: path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

function headersOf(incoming: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming)) if (typeof value === 'string') headers.set(name, value);
  return headers;
}

/**
 * What is not UTF-8 is refused and not repaired as the Fetch standard does: JSON is UTF-8 (RFC 8259 §8.1), and a name that
 * reads otherwise here than where it was written is another name.
 * @throws {ERR_API_REQUEST_INVALID}
 */
function textOf(body: Uint8Array | null): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body ?? undefined);
  } catch (cause) {
    throw new UnlockdError('ERR_API_REQUEST_INVALID', 'the body is not valid UTF-8', { cause });
  }
}

/**
 * @param body null: the request has none, or a route reads it by itself
 * @returns url, method, headers, body, bodyUsed, text, json and arrayBuffer of a `Request`, and nothing else of it; the
 *   bytes can be had any number of times; `text` and `json` reject with ERR_API_REQUEST_INVALID for what is not UTF-8
 * @throws {ERR_API_REQUEST_INVALID} the target or a header is not valid
 */
export function routedRequest({ method, target, headers: incoming }: RequestHead, body: Uint8Array | null): Request {
  if (!target.startsWith('/')) throw new UnlockdError('ERR_API_REQUEST_INVALID', 'the request target is not a path');
  const text = async () => textOf(body);
  try {
    const members = {
      url: new URL(ORIGIN + target).href,
      method,
      headers: headersOf(incoming),
      text,
      json: async () => JSON.parse(await text()),
      arrayBuffer: async () => new Uint8Array(body ?? []).buffer,
      // Whoever wants to know whether there is a body looks at these two, and then asks for its bytes.
      get body() {
        return body === null ? null : new Response(new Uint8Array(body)).body;
      },
      bodyUsed: body !== null,
    };
    return Object.create(Request.prototype, Object.getOwnPropertyDescriptors(members));
  } catch (cause) {
    throw new UnlockdError('ERR_API_REQUEST_INVALID', 'the request line or a header is not valid', { cause });
  }
}
