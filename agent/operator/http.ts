/**
 * A machine behind HTTP that does the physical steps: a relay board, a robot. What a driver sees decides that a step was
 * done; the machine's word is enough only for what no driver can see. A request that fails is sent again under the same
 * id until the step's time is over.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { oneLine } from '../../drivers/base/printable.ts';
import { badAnswer, exchange, type Machine, type MachineRequest } from './http-request.ts';
import { type Answer, askedTask, readAnswer, TASK_PATH } from './protocol.ts';
import { type Detector, type Hands, type PerformOptions, skipped, type Task } from './task.ts';

/** Milliseconds between two looks, and between two tries; the last one stays. */
const PAUSES = [100, 200, 400, 800, 1500] as const;
const pause = (round: number) => milliseconds(PAUSES[Math.min(round, PAUSES.length - 1)] ?? 1500);
/** Without a time limit of the step: failures in a row. */
const TRIES = 8;

export interface HttpHandsOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  /** Told what is said to a person who looks on. */
  readonly tell: (words: string) => void;
}

export class HttpHands implements Hands {
  readonly kind = 'http';
  readonly tell: (words: string) => void;
  readonly #machine: Machine;
  readonly #clock: Clock;

  /** @param options the machine's token is its own from now on */
  constructor({ machine, clock, tell }: HttpHandsOptions) {
    this.#machine = machine;
    this.#clock = clock;
    this.tell = tell;
  }

  async perform(task: Task, detector: Detector | null, { signal, endsAt }: PerformOptions): Promise<void> {
    signal.throwIfAborted();
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    let blind: unknown = null;
    const seen = detector?.until({ signal: both }).then(
      () => true,
      (error: unknown) => {
        blind = error;
        return false;
      },
    );
    const within = endsAt === null ? null : Math.max(0, Math.round(endsAt - this.#clock.now()));
    const said = this.#untilSaid(task, detector !== null, within, both);
    // It is only looked at again below where the detector has not won.
    said.catch(() => undefined);
    let told = false;
    try {
      if (seen === undefined || !(await Promise.race([seen, said.then(() => false)]))) {
        await said;
        told = true;
        if (seen !== undefined && !(await seen)) {
          signal.throwIfAborted();
          throw cannotSee(task, blind);
        }
      }
    } finally {
      over.abort();
      await Promise.allSettled([seen, said]);
      if (!told) await this.#withdraw(task);
    }
  }

  /** Asks, then looks until it is done. @throws what it says instead */
  async #untilSaid(task: Task, seen: boolean, within: number | null, signal: AbortSignal): Promise<void> {
    const path = `${TASK_PATH}${encodeURIComponent(task.id)}`;
    let answer = await this.#tried(task, { method: 'PUT', path, body: askedTask(task, seen, within) }, signal);
    for (let round = 0; answer.state === 'working'; round++) {
      await this.#clock.sleep(pause(round), { signal });
      answer = await this.#tried(task, { method: 'GET', path, body: undefined }, signal);
    }
    switch (answer.state) {
      case 'skipped':
        throw skipped(task, oneLine(answer.reason));
      case 'cannot': {
        const reason = oneLine(answer.reason);
        throw new UnlockdError('ERR_OPERATOR_CANNOT', `“${task.text}”: ${reason}`, { detail: { reason } });
      }
      case 'abort':
        throw new UnlockdError('ERR_OPERATOR_ABORTED', `${this.#machine.url.host}: ${oneLine(answer.reason)}`);
    }
  }

  async #tried(task: Task, request: MachineRequest, signal: AbortSignal): Promise<Answer> {
    for (let round = 0; ; round++) {
      try {
        return await this.#once(task, request, signal);
      } catch (error) {
        if (!isUnlockdError(error, 'ERR_OPERATOR_UNREACHABLE') || round + 1 >= TRIES) throw error;
        await this.#clock.sleep(pause(round), { signal });
      }
    }
  }

  async #once(task: Task, request: MachineRequest, signal: AbortSignal): Promise<Answer> {
    const body = await exchange(this.#machine, request, { clock: this.#clock, signal });
    const answer = readAnswer(body, task.id);
    if (typeof answer === 'string') throw badAnswer(this.#machine, answer);
    return answer;
  }

  /** Nobody waits any more. One try: who does not hear it has its own time limit. */
  async #withdraw({ id }: Task): Promise<void> {
    const path = `${TASK_PATH}${encodeURIComponent(id)}`;
    const never = new AbortController().signal;
    await exchange(
      this.#machine,
      { method: 'DELETE', path, body: undefined },
      { clock: this.#clock, signal: never },
    ).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#machine.token?.dispose();
  }
}

const cannotSee = ({ text }: Task, cause: unknown): UnlockdError =>
  new UnlockdError('ERR_OPERATOR_CANNOT', `“${text}” is said to be done, and cannot be seen`, {
    detail: { reason: oneLine(cause instanceof Error ? cause.message : String(cause)) },
    cause,
  });
