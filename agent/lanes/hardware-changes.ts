/**
 * What a run has changed on a machine that goes on being used, and how it was before. Everything is put back in reverse
 * order, however the run ended; what could not be put back is said, with what to do about it.
 */
import { seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { startDeadline } from '../../drivers/base/deadline.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';

/** For each change. */
const WITHIN = seconds(60);

interface Change {
  /** What is put back: `the policy of this machine`. */
  readonly what: string;
  /** @returns words for what was done; null: there was nothing to be done */
  readonly putBack: (options: { signal: AbortSignal }) => Promise<string | null>;
  /** What a person does about it where that fails. */
  readonly cure: string;
}

export class Changes {
  readonly #clock: Clock;
  readonly #tell: (words: string, isDone: boolean) => void;
  readonly #changes: Change[] = [];
  readonly #stays: string[] = [];

  /** @param tell `isDone`: it was put back */
  constructor(clock: Clock, tell: (words: string, isDone: boolean) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** To be told before the change is made: one that is half done is put back too. */
  add(change: Change): void {
    this.#changes.push(change);
  }

  /** What nobody puts back, as was agreed to before it was done; it is said at the end. */
  stays(words: string): void {
    this.#stays.push(words);
  }

  /** Idempotent. @throws {ERR_LANE_NOT_RESTORED} naming all that could not be put back, after all was tried */
  async putBack(): Promise<void> {
    const failed: string[] = [];
    for (let next = this.#changes.pop(); next !== undefined; next = this.#changes.pop()) {
      using deadline = startDeadline(this.#clock, WITHIN, { what: next.what });
      try {
        const done = await deadline.race(next.putBack({ signal: deadline.signal }));
        if (done !== null) this.#tell(`put back: ${done}`, true);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const code = isUnlockdError(error) ? ` (${error.code})` : '';
        this.#tell(`NOT put back: ${next.what}: ${why}${code}. ${next.cure}`, false);
        failed.push(`${next.what}: ${why}${code}. ${next.cure}`);
      }
    }
    for (const words of this.#stays.splice(0)) this.#tell(`stays as it is: ${words}`, false);
    if (failed.length === 0) return;
    throw new UnlockdError('ERR_LANE_NOT_RESTORED', `not put back: ${failed.join(' ')}`, {
      detail: { count: failed.length },
    });
  }
}
