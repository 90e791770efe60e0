/**
 * The stage of the virtual lab, asked over its UNIX socket: who plugs in, touches, takes phones away and switches access
 * points there. One connection carries one request and its answer, each one line of JSON; closing it early withdraws the
 * request. The stage belongs to the guest (test/lab/guest) and exists nowhere else.
 */
import { createConnection } from 'node:net';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { PhysicalStep } from '../../drivers/hal/operator.ts';
import type { LaneDevice, SystemDaemon } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';

export type StageRequest =
  /** Sets up what is given, and starts the daemon. */
  | { readonly do: 'open'; readonly given: Walkthrough['given'] }
  | { readonly do: 'insert' | 'remove'; readonly key: string }
  | { readonly do: 'touch' | 'hands-off' }
  | { readonly do: 'perform'; readonly step: PhysicalStep }
  | { readonly do: 'daemon'; readonly what: 'kill' | 'start' | 'restart' }
  | { readonly do: 'restart'; readonly what: SystemDaemon }
  | { readonly do: 'devices' };

/** What the things that are given have here: addresses of phones, thumbprints (SHA-256) of roots, by their names. */
export interface StageNames {
  readonly phones: Readonly<Record<string, string>>;
  readonly roots: Readonly<Record<string, string>>;
}

export type StageAnswer =
  | {
      readonly ok: true;
      /** It cannot be done here; null: it is done. */
      readonly why: string | null;
      readonly names?: StageNames;
      readonly devices?: readonly LaneDevice[];
    }
  | { readonly ok: false; readonly message: string };

/** An answer is short; whatever is longer is none. */
const MAX_ANSWER = 1 << 20;

const broken = (message: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_LANE_BROKEN', message, { detail: { lane: 'lab' }, cause });

function answerOf(text: string): StageAnswer {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === 'object' && answer !== null && 'ok' in answer) return answer as StageAnswer;
  } catch {
    // Falls through.
  }
  throw broken('the stage of the lab broke off its answer');
}

/** @throws {ERR_LANE_BROKEN} the stage is not there, or could not do it; and the signal's reason */
export async function askStage(
  socketPath: string,
  request: StageRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<Extract<StageAnswer, { ok: true }>> {
  signal.throwIfAborted();
  const text = await new Promise<string>((resolve, reject) => {
    const socket = createConnection(socketPath).setEncoding('utf8');
    let received = '';
    const onAbort = () => socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('given up'));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (received.length > MAX_ANSWER) socket.destroy(broken('the stage of the lab says too much'));
    });
    socket.once('error', (error) => reject(signal.aborted ? signal.reason : broken(error.message, error)));
    socket.once('end', () => resolve(received));
    socket.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      reject(broken('the stage of the lab has gone'));
    });
    socket.write(`${JSON.stringify(request)}\n`);
  });
  const answer = answerOf(text);
  if (!answer.ok) throw broken(answer.message);
  return answer;
}
