/**
 * The typed client of the API, for the command line and for programs of the project. It loads nothing but node:http and
 * node:net; what it receives is checked, secrets go from and to `Secret`s, and the daemon's uid is checked first.
 */
import type { IncomingMessage } from 'node:http';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { DaemonRefusal } from './daemon-refusal.ts';
import { decodeEvents } from './event-stream.ts';
import type {
  AuditEvent,
  CeremonyEvent,
  CeremonyRequest,
  ConfigRow,
  PhonesView,
  PolicyExplanation,
  PolicyFacts,
  PolicyView,
  Refusal,
  SecretSlotIn,
  SecretSlotOut,
  SignalChange,
  SignalsView,
  Status,
  UserLine,
} from './ports.ts';
import type { UnlockContext } from './purpose.ts';
import {
  AUDIT,
  CONFIGURATION,
  EVENTS,
  EXPLANATION,
  FACTS,
  isRecord,
  PHONES,
  POLICY,
  REFUSAL,
  type Shape,
  SIGNAL_CHANGES,
  SIGNALS,
  STATUS,
  shaped,
  USERS,
} from './shape.ts';
import { type DaemonCheck, unixFetch } from './unix-fetch.ts';

/** The largest answer that is not a stream, bytes. */
const ANSWER_LIMIT = 4 * 1024 * 1024;
const SECRET_LIMIT = 64 * 1024;

export interface ClientOptions {
  readonly socketPath: string;
  readonly check: DaemonCheck;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface StartedCeremony {
  readonly id: string;
  /** As {@link ApiClient.events}; to be read to its end or returned. */
  readonly events: AsyncGenerator<CeremonyEvent>;
}

export interface ApiClient {
  begin(request: CeremonyRequest, options?: CallOptions): Promise<string>;
  /** Begins a ceremony and listens to it from its first event, in one request. `signal` ends both. */
  start(request: CeremonyRequest, options?: CallOptions): Promise<StartedCeremony>;
  /** Ends after `done` or `failed`. @throws {ERR_CLI_CONNECTION_LOST} when the stream ends before. */
  events(id: string, options?: CallOptions & { after?: number }): AsyncGenerator<CeremonyEvent>;
  /** Takes ownership of the secret and disposes it, whatever happens. */
  supply(id: string, slot: SecretSlotIn, secret: Secret, options?: CallOptions): Promise<void>;
  /** The caller owns the secret. */
  take(id: string, slot: SecretSlotOut, options?: CallOptions): Promise<Secret>;
  cancel(id: string, options?: CallOptions): Promise<void>;
  /** Nothing secret goes either way: the daemon's uid is not checked, which keeps it fast. */
  status(options?: CallOptions): Promise<Status>;
  users(options?: CallOptions): Promise<readonly UserLine[]>;
  configuration(options?: CallOptions): Promise<readonly ConfigRow[]>;
  lock(options?: CallOptions): Promise<{ wasUnlocked: boolean }>;
  /** The caller owns the secret. */
  purposeKey(purpose: string, options?: CallOptions & { readonly context?: UnlockContext }): Promise<Secret>;
  policy(options?: CallOptions): Promise<PolicyView>;
  /** `document`: JSON text. */
  setPolicy(document: string, options?: CallOptions): Promise<PolicyView>;
  explainPolicy(options?: CallOptions & { readonly context?: UnlockContext }): Promise<PolicyExplanation>;
  policyFacts(options?: CallOptions): Promise<PolicyFacts>;
  phones(options?: CallOptions): Promise<PhonesView>;
  /** @param uid null: the caller's own phone */
  removePhone(address: string, uid: number | null, options?: CallOptions): Promise<{ removed: true }>;
  signals(options?: CallOptions): Promise<SignalsView>;
  /** Until `signal` aborts. */
  watchSignals(options?: CallOptions): AsyncGenerator<SignalChange>;
  policyRequest(options?: CallOptions): Promise<unknown>;
  audit(options: CallOptions & { last: number; follow: boolean }): AsyncGenerator<AuditEvent>;
}

const lost = (cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_CLI_CONNECTION_LOST', 'the daemon closed the connection in the middle of its answer', {
    cause,
  });

/** The chunks of a body. Breaking off is a typed error; the caller's own abort stays what it is. */
async function* chunksOf(answer: IncomingMessage, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of answer) yield chunk as Uint8Array;
  } catch (cause) {
    signal?.throwIfAborted();
    throw lost(cause);
  }
}

/** Reads a body of at most `limit` bytes into one buffer and zeroes the chunks. */
async function bodyOf(answer: IncomingMessage, limit: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of chunksOf(answer, signal)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > limit) throw new UnlockdError('ERR_CLI_ANSWER_INVALID', `the answer has more than ${limit} bytes`);
    }
    const body = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      body.set(chunk, at);
      at += chunk.length;
    }
    return body;
  } finally {
    for (const chunk of chunks) chunk.fill(0);
    answer.destroy();
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    throw new UnlockdError('ERR_CLI_ANSWER_INVALID', 'the answer is not JSON', { cause });
  }
}

/** What one event of a ceremony's stream says. @throws {ERR_CLI_ANSWER_INVALID} @throws {DaemonRefusal} */
function ceremonyEvent(type: string, data: unknown): CeremonyEvent {
  if (type === 'error') throw new DaemonRefusal(shaped<Refusal>(data, REFUSAL, 'error'));
  const shape = Object.hasOwn(EVENTS, type) ? EVENTS[type] : undefined;
  if (shape === undefined || !isRecord(data) || data.type !== type) {
    throw new UnlockdError('ERR_CLI_ANSWER_INVALID', 'an event of an unknown type');
  }
  return shaped<CeremonyEvent>(data, shape, type);
}

/** The events of a ceremony's stream, to its last one. */
async function* ceremonyEvents(
  answer: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<CeremonyEvent> {
  try {
    // A stream that was destroyed before anybody read it says nothing any more.
    signal?.throwIfAborted();
    for await (const { type, data } of decodeEvents(chunksOf(answer, signal))) {
      const event = ceremonyEvent(type, data);
      yield event;
      if (event.type === 'done' || event.type === 'failed') return;
    }
    signal?.throwIfAborted();
    throw lost();
  } finally {
    answer.destroy();
  }
}

/** @throws {ERR_CLI_ANSWER_INVALID} */
function startedId(answer: IncomingMessage): string {
  const [, id] = /^\/v1\/ceremonies\/([\w-]{1,64})$/.exec(answer.headers.location ?? '') ?? [];
  if (id !== undefined) return id;
  answer.destroy();
  throw new UnlockdError('ERR_CLI_ANSWER_INVALID', 'the answer does not name the ceremony');
}

/** @returns a client; it holds no connection open between calls */
export function createClient(options: ClientOptions): ApiClient {
  const send = async (
    method: string,
    path: string,
    call: CallOptions & {
      json?: string;
      secret?: Uint8Array;
      headers?: Record<string, string>;
      unchecked?: boolean;
    } = {},
  ): Promise<IncomingMessage> => {
    const answer = await unixFetch({
      socketPath: options.socketPath,
      method,
      path,
      headers: {
        ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(call.secret === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        ...call.headers,
      },
      body: call.secret ?? (call.json === undefined ? null : new TextEncoder().encode(call.json)),
      signal: call.signal,
      check: call.unchecked === true ? null : options.check,
    });
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const refusal = parse(await bodyOf(answer, ANSWER_LIMIT, call.signal));
    throw new DaemonRefusal(shaped<Refusal>(refusal, REFUSAL, 'refusal'));
  };

  const json = async <T>(
    method: string,
    path: string,
    shape: Shape,
    call: CallOptions & { json?: string; unchecked?: boolean } = {},
  ): Promise<T> => {
    const answer = await send(method, path, call);
    return shaped<T>(parse(await bodyOf(answer, ANSWER_LIMIT, call.signal)), shape, path);
  };

  const secret = async (method: string, path: string, call: CallOptions & { json?: string }): Promise<Secret> => {
    const answer = await send(method, path, call);
    return Secret.take(await bodyOf(answer, SECRET_LIMIT, call.signal));
  };

  const drop = async (answer: IncomingMessage, signal: AbortSignal | undefined): Promise<void> => {
    await bodyOf(answer, ANSWER_LIMIT, signal);
  };

  return {
    begin: async (request, call = {}) => {
      const { id } = await json<{ id: string }>(
        'POST',
        '/v1/ceremonies',
        { id: 'string' },
        {
          ...call,
          json: JSON.stringify(request),
        },
      );
      return id;
    },
    start: async (request, call = {}) => {
      const headers = { accept: 'text/event-stream' };
      const answer = await send('POST', '/v1/ceremonies', { ...call, headers, json: JSON.stringify(request) });
      return { id: startedId(answer), events: ceremonyEvents(answer, call.signal) };
    },
    events: async function* (id, call = {}) {
      const headers: Record<string, string> = call.after === undefined ? {} : { 'last-event-id': String(call.after) };
      const answer = await send('GET', `${ceremonyPath(id)}/events`, { signal: call.signal, headers });
      yield* ceremonyEvents(answer, call.signal);
    },
    supply: async (id, slot, given, call = {}) => {
      try {
        const path = `${ceremonyPath(id)}/secrets/${slot}`;
        await drop(await send('PUT', path, { ...call, secret: given.expose() }), call.signal);
      } finally {
        given.dispose();
      }
    },
    take: (id, slot, call = {}) => secret('GET', `${ceremonyPath(id)}/secrets/${slot}`, call),
    cancel: async (id, call = {}) => drop(await send('DELETE', ceremonyPath(id), call), call.signal),
    status: (call = {}) => json('GET', '/v1/status', STATUS, { ...call, unchecked: true }),
    users: (call = {}) => json('GET', '/v1/users', USERS, call),
    configuration: (call = {}) => json('GET', '/v1/configuration', CONFIGURATION, call),
    lock: (call = {}) => json('POST', '/v1/lock', { wasUnlocked: 'boolean' }, call),
    purposeKey: (purpose, { context, ...call } = {}) =>
      secret('POST', '/v1/purpose-key', { ...call, json: JSON.stringify({ purpose, context }) }),
    policy: (call = {}) => json('GET', '/v1/policy', POLICY, call),
    setPolicy: (document, call = {}) => json('PUT', '/v1/policy', POLICY, { ...call, json: document }),
    explainPolicy: ({ context = 'unlock', ...call } = {}) =>
      json('GET', `/v1/policy/explain?context=${context}`, EXPLANATION, call),
    policyFacts: (call = {}) => json('GET', '/v1/policy/facts', FACTS, call),
    phones: (call = {}) => json('GET', '/v1/phones', PHONES, call),
    removePhone: (address, uid, call = {}) => {
      const whose = uid === null ? '' : `?uid=${uid}`;
      return json('DELETE', `/v1/phones/${encodeURIComponent(address)}${whose}`, { removed: 'boolean' }, call);
    },
    signals: (call = {}) => json('GET', '/v1/signals', SIGNALS, call),
    watchSignals: async function* ({ signal } = {}) {
      const answer = await send('GET', '/v1/signals', { signal, headers: { accept: 'text/event-stream' } });
      try {
        for await (const { type, data } of decodeEvents(chunksOf(answer, signal))) {
          if (type === 'error') throw new DaemonRefusal(shaped<Refusal>(data, REFUSAL, 'error'));
          const shape = Object.hasOwn(SIGNAL_CHANGES, type) ? SIGNAL_CHANGES[type] : undefined;
          if (shape === undefined || !isRecord(data) || data.type !== type) {
            throw new UnlockdError('ERR_CLI_ANSWER_INVALID', 'an event of an unknown type');
          }
          yield shaped<SignalChange>(data, shape, type);
        }
      } finally {
        answer.destroy();
      }
    },
    policyRequest: (call = {}) => json('GET', '/v1/policy/request', 'unknown', call),
    audit: async function* ({ last, follow, signal }) {
      const answer = await send('GET', `/v1/events?last=${last}&follow=${follow}`, { signal });
      try {
        for await (const { type, data } of decodeEvents(chunksOf(answer, signal))) {
          if (type === 'error') throw new DaemonRefusal(shaped<Refusal>(data, REFUSAL, 'error'));
          yield shaped<AuditEvent>(data, AUDIT, 'event');
        }
      } finally {
        answer.destroy();
      }
    },
  };
}

const ceremonyPath = (id: string): string => `/v1/ceremonies/${encodeURIComponent(id)}`;
