/**
 * How a relay board or a robot is asked over HTTP (docs/guides/run-on-hardware.md describes it for its builder): JSON, one
 * resource for each task, named by the task's id, so that a request that is sent twice does nothing twice.
 */
import * as z from 'zod';
import type { Doing, Task } from './task.ts';

/** `PUT` asks for it, `GET` looks, `DELETE` says that nobody waits for it any more. */
export const TASK_PATH = '/v1/tasks/';

/** What is sent with `PUT`. */
export interface AskedTask {
  readonly id: string;
  readonly doing: Doing;
  readonly text: string;
  /** Whether a driver sees when it was done; then what the machine says of it is only the first half. */
  readonly seen: boolean;
  /** Milliseconds after which nobody waits for it any more; null: nobody knows. */
  readonly within: number | null;
}

export const askedTask = ({ id, doing, text }: Task, seen: boolean, within: number | null): AskedTask => {
  return { id, doing, text, seen, within };
};

const WORDS = 500;

const answer = z.discriminatedUnion('state', [
  z.object({ id: z.string(), state: z.enum(['working', 'done']) }),
  z.object({ id: z.string(), state: z.enum(['skipped', 'cannot', 'abort']), reason: z.string().min(1).max(WORDS) }),
]);

/** What every request is answered with, status 200. Elements that are not known are no fault. */
export type Answer = z.output<typeof answer>;

/** Bytes of an answer. */
export const ANSWER_BYTES = 16_384;

/** @returns the answer, or what is wrong with it, in words of ours */
export function readAnswer(body: Uint8Array, id: string): Answer | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return 'it is no JSON in UTF-8';
  }
  const { data, success } = answer.safeParse(value);
  if (!success) return 'it has not the form that the protocol gives it';
  return data.id === id ? data : 'it is about another task';
}
