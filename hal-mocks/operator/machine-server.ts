/**
 * A machine that does physical steps, as docs/guides/run-on-hardware.md describes the protocol to its builder: one
 * resource for each task. What it does with a task is handed in; a task that is asked for again is not done again.
 */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the machine is asked for: `doing` is what it switches on. */
export interface MachineTask {
  readonly id: string;
  readonly doing: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** What came of it; nothing: done. */
export type MachineEnd = { readonly state: 'skipped' | 'cannot' | 'abort'; readonly reason: string } | undefined;

/** Does it. @param signal aborts when nobody waits for it any more */
export type Does = (task: MachineTask, options: { signal: AbortSignal }) => Promise<MachineEnd>;

interface Kept {
  readonly task: MachineTask;
  readonly stop: AbortController;
  state: 'working' | 'done' | 'skipped' | 'cannot' | 'abort';
  reason: string | null;
}

const BODY_BYTES = 65_536;
const PATH = /^\/v1\/tasks\/([A-Za-z0-9._~%-]{1,200})$/;
/** Tasks that are kept for whoever asks again. */
const KEPT = 100;

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > BODY_BYTES) return null;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return null;
  }
}

const isTask = (value: unknown, id: string): value is MachineTask =>
  typeof value === 'object' &&
  value !== null &&
  (value as Partial<MachineTask>).id === id &&
  typeof (value as Partial<MachineTask>).text === 'string' &&
  typeof (value as Partial<MachineTask>).doing === 'object';

function equal(a: string, b: string): boolean {
  const [left, right] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

export class MachineServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #does: Does;
  readonly #token: string | null;
  readonly #tasks = new Map<string, Kept>();

  private constructor(does: Does, token: string | null) {
    this.#does = does;
    this.#token = token;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** Listens on a free port of 127.0.0.1. @param token null: whoever asks is answered */
  static async start(does: Does, { token = null, port = 0 }: { token?: string | null; port?: number } = {}) {
    const machine = new MachineServer(does, token);
    await new Promise<void>((resolve, reject) => {
      machine.#server.once('error', reject);
      machine.#server.listen(port, '127.0.0.1', resolve);
    });
    return machine;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (status: number, body: Readonly<Record<string, unknown>>) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (this.#token !== null && !equal(request.headers.authorization ?? '', `Bearer ${this.#token}`)) {
      return say(401, { error: 'the token is missing or wrong' });
    }
    const id = decodeURIComponent(PATH.exec(request.url ?? '')?.[1] ?? '');
    if (id === '') return say(404, { error: 'there is nothing here' });
    const known = this.#tasks.get(id);
    if (request.method === 'PUT') {
      const task = await bodyOf(request);
      if (!isTask(task, id)) return say(400, { error: 'this is no task' });
      return say(200, this.#view(known ?? this.#begin(task)));
    }
    if (known === undefined) return say(404, { error: 'this task was never asked for' });
    if (request.method === 'DELETE') known.stop.abort();
    else if (request.method !== 'GET') return say(405, { error: 'PUT, GET or DELETE' });
    return say(200, this.#view(known));
  }

  #view({ task, state, reason }: Kept): Readonly<Record<string, unknown>> {
    return reason === null ? { id: task.id, state } : { id: task.id, state, reason };
  }

  #begin(task: MachineTask): Kept {
    const kept: Kept = { task, stop: new AbortController(), state: 'working', reason: null };
    const [oldest] = this.#tasks.keys();
    if (this.#tasks.size >= KEPT && oldest !== undefined) this.#tasks.delete(oldest);
    this.#tasks.set(task.id, kept);
    this.#does(task, { signal: kept.stop.signal }).then(
      (end) => {
        kept.state = end?.state ?? 'done';
        kept.reason = end?.reason ?? null;
      },
      (error: unknown) => {
        kept.state = 'cannot';
        kept.reason = error instanceof Error ? error.message : String(error);
      },
    );
    return kept;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stop } of this.#tasks.values()) stop.abort();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
