/** What every step of a probe needs: a socket's event within the time, and the end of a probe that proved nothing. */
import type { Clock } from '../../base/clock.ts';
import type { ProbeFailure } from '../../hal/bluetooth.ts';
import { failureOfErrno, type Stage } from './radio-errno.ts';
import type { Answer, RadioSocket } from './radio-sockets.ts';

export interface Wait {
  readonly clock: Clock;
  /** On that clock. */
  readonly until: number;
  readonly signal: AbortSignal;
}

/** Ends a probe with an outcome; nobody outside it sees this error. */
export class NotProved extends Error {
  readonly reason: ProbeFailure;

  /** @param detail for the reason tree, in words */
  constructor(reason: ProbeFailure, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** The value of an answer. @throws NotProved as its errno says */
export function must<T>(answer: Answer<T>, stage: Stage, what: string): T {
  if (answer.ok) return answer.value;
  throw new NotProved(failureOfErrno(answer.errno, stage), `${what}: ${answer.errno}`);
}

/** How long a waiting probe may not notice that it was cancelled. Milliseconds. */
const SLICE = 50;

/** Waits for one of the events. @returns whether one came in time @throws the signal's reason */
export async function eventCame(socket: RadioSocket, events: number, { clock, until, signal }: Wait): Promise<boolean> {
  for (;;) {
    signal.throwIfAborted();
    const left = until - clock.now();
    if (left <= 0) return false;
    const came = await socket.ready(events, Math.ceil(Math.min(SLICE, left)));
    signal.throwIfAborted();
    if (came !== 0) return true;
  }
}

/** The same where nothing goes on without one. @throws the signal's reason @throws NotProved when the time is over */
export async function awaitEvent(socket: RadioSocket, events: number, wait: Wait): Promise<void> {
  if (!(await eventCame(socket, events, wait))) throw new NotProved('unreachable', 'no answer in time');
}
