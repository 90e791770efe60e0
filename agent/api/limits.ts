/**
 * One uid cannot starve another: everything that a caller can hold open is counted per uid. Sizes and times are here in
 * one place; those that Node's HTTP server enforces are handed to it as they are (RFC 9110 leaves them to the server).
 */
import { UnlockdError } from '../../drivers/base/errors.ts';

export interface ApiLimits {
  /** Bytes of a JSON body; a policy document is the largest. */
  readonly jsonBytes: number;
  /** Bytes of a secret. */
  readonly secretBytes: number;
  /** Bytes of the request line and all headers. */
  readonly headerBytes: number;
  /** Open connections of one uid. Event streams count. */
  readonly connectionsPerUid: number;
  /** Open connections in all, root's excepted. */
  readonly connections: number;
  /** Ceremonies of one uid that have not ended. */
  readonly ceremoniesPerUid: number;
  /** Milliseconds until the headers must be complete. */
  readonly headersMs: number;
  /** Milliseconds until the whole request must be there. */
  readonly requestMs: number;
  /** Milliseconds until an answer must begin. */
  readonly answerMs: number;
  /** Milliseconds that a connection may be idle between two requests. */
  readonly idleMs: number;
  /** Milliseconds that a ceremony goes on without a listener of who began it. */
  readonly abandonedMs: number;
}

export const DEFAULT_LIMITS: ApiLimits = {
  jsonBytes: 256 * 1024,
  secretBytes: 1024,
  headerBytes: 8 * 1024,
  connectionsPerUid: 32,
  connections: 512,
  ceremoniesPerUid: 4,
  headersMs: 5_000,
  requestMs: 15_000,
  answerMs: 120_000,
  idleMs: 5_000,
  abandonedMs: 10_000,
};

/** Counts what each uid holds; a uid that holds nothing takes no memory. */
export class PerUid {
  readonly #held = new Map<number, number>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many `uid` holds now. */
  held(uid: number): number {
    return this.#held.get(uid) ?? 0;
  }

  /** Takes one; null when `uid` has its limit. The returned function gives it back, once however often it is called. */
  take(uid: number): (() => void) | null {
    const held = this.held(uid);
    if (held >= this.#limit) return null;
    this.#held.set(uid, held + 1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      const left = this.held(uid) - 1;
      if (left > 0) this.#held.set(uid, left);
      else this.#held.delete(uid);
    };
  }
}

export const tooManyConnections = (uid: number, limit: number): UnlockdError =>
  new UnlockdError('ERR_API_TOO_MANY_CONNECTIONS', `uid ${uid} has ${limit} connections open`, { detail: { limit } });

export const tooManyCeremonies = (uid: number, limit: number): UnlockdError =>
  new UnlockdError('ERR_API_TOO_MANY_CEREMONIES', `uid ${uid} has ${limit} ceremonies open`, { detail: { limit } });
