/**
 * Runs the machine of dynamic lock: feeds it what the presence driver, the sessions and the clock tell, and carries out
 * what it wants. While it is off, nothing is opened and no phone is woken. Keys are forgotten first, then the screens are
 * locked: a desktop that does not follow must not keep a container open.
 */
import { type Milliseconds, type MonotonicMs, milliseconds, seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';
import type { PresenceHal } from '../../drivers/hal/presence.ts';
import type { SessionHal } from '../../drivers/hal/session.ts';
import type { DynamicLockPolicy } from '../policy/dynamic-lock.ts';
import { initialState, nextLook, step } from './machine.ts';
import type { DynamicLockEffect, DynamicLockEvent, DynamicLockState } from './state.ts';
import { type AuditFacts, type DynamicLockStatus, reasonFacts, statusOf } from './words.ts';

export interface DynamicLockParts {
  readonly clock: Clock;
  /** Opened when dynamic lock is switched on, closed when it is switched off; null: this host has none. */
  readonly openSessions: (() => SessionHal) | null;
  /** Null: no driver that sees phones. */
  readonly presence: PresenceHal | null;
  /** The settings in force now; null: off. */
  readonly policy: () => Promise<DynamicLockPolicy | null>;
  /** Whether the machine was suspended since this was asked last. */
  readonly slept: () => boolean;
  /** Forgets the unlocked container of a user. */
  readonly forget: (uid: number) => Promise<void>;
  readonly audit: (event: string, uid: number, detail: AuditFacts) => Promise<void>;
  /** What could not be done; told once until it changes. */
  readonly report: (what: string, error: unknown) => void;
}

/** How long a changed policy takes to be noticed, at most, where nobody says so. */
const POLICY_EVERY = seconds(30);
/** Between two looks at the sessions, however many events there are: any user can cause them. */
const LOOK_EVERY = milliseconds(1000);
/** After a look that failed. */
const LOOK_AGAIN = seconds(5);

/** What runs while dynamic lock is on. */
interface Running {
  readonly abort: AbortController;
  readonly sessions: SessionHal | null;
  readonly everyMs: number;
  readonly done: Promise<void>;
}

type Fed = DynamicLockEvent extends infer E ? (E extends DynamicLockEvent ? Omit<E, 'now'> : never) : never;

export class DynamicLockRunner implements AsyncDisposable {
  readonly #parts: DynamicLockParts;
  #state: DynamicLockState = initialState;
  #running: Running | null = null;
  #readable = false;
  #stopped = false;
  #stopTimer: () => void = () => undefined;
  #stopPolling: () => void = () => undefined;
  #lookedAt: MonotonicMs | null = null;
  #looking: Promise<void> | null = null;
  #inForce = '';
  #changing: Promise<void> = Promise.resolve();
  readonly #problems = new Map<string, string>();

  constructor(parts: DynamicLockParts) {
    this.#parts = parts;
  }

  /** Begins to follow the settings. Resolves when they were read once. */
  async start(): Promise<void> {
    await this.policyChanged();
  }

  /** The settings may have changed: they are read again. Never rejects. */
  policyChanged(): Promise<void> {
    this.#changing = this.#changing.then(() => this.#readPolicy());
    return this.#changing;
  }

  /** For a person, in words. */
  statusOf(uid: number): DynamicLockStatus {
    const { presence } = this.#parts;
    const means = {
      driver: presence?.name ?? null,
      simulated: presence?.simulated ?? false,
      sessions: this.#readable,
    };
    return statusOf(this.#state, uid, means);
  }

  async #readPolicy(): Promise<void> {
    if (this.#stopped) return;
    this.#stopPolling();
    try {
      await this.#use(await this.#parts.policy());
      this.#well('the settings of dynamic lock');
    } catch (error) {
      // A policy that cannot be read is the one that was in force.
      this.#problem('the settings of dynamic lock', error);
    }
    if (!this.#stopped) {
      this.#stopPolling = this.#parts.clock.timer(POLICY_EVERY, () => {
        void this.policyChanged();
      });
    }
  }

  async #use(policy: DynamicLockPolicy | null): Promise<void> {
    const on = policy?.enabled === true ? policy : null;
    const text = JSON.stringify(on);
    if (text === this.#inForce) return;
    this.#inForce = text;
    const everyMs = (on?.sampleEverySeconds ?? 0) * 1000;
    if (this.#running !== null && this.#running.everyMs !== everyMs) await this.#end();
    this.#feed({ type: 'policy', policy: on });
    if (on !== null && this.#running === null) this.#begin(everyMs);
  }

  #begin(everyMs: number): void {
    const abort = new AbortController();
    const sessions = this.#parts.openSessions?.() ?? null;
    const { presence } = this.#parts;
    const loops = [
      presence === null ? this.#withoutDriver() : this.#followPresence(presence, everyMs, abort.signal),
      sessions === null ? Promise.resolve() : this.#followSessions(sessions, abort.signal),
    ];
    const done = Promise.all(loops).then(async () => {
      await sessions?.[Symbol.asyncDispose]();
    });
    this.#running = { abort, sessions, everyMs, done };
  }

  async #end(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    this.#readable = false;
    this.#stopTimer();
    running?.abort.abort();
    await this.#looking;
    await running?.sessions?.[Symbol.asyncDispose]();
    await running?.done;
  }

  async #withoutDriver(): Promise<void> {
    this.#feed({
      type: 'presence',
      presence: { type: 'unavailable', at: this.#parts.clock.now(), reason: 'no-driver' },
    });
  }

  async #followPresence(presence: PresenceHal, everyMs: number, signal: AbortSignal): Promise<void> {
    try {
      for await (const seen of presence.watch({ everyMs, signal })) this.#feed({ type: 'presence', presence: seen });
    } catch (error) {
      this.#problem('the presence driver', error);
    }
    if (signal.aborted) return;
    this.#feed({ type: 'presence', presence: { type: 'unavailable', at: this.#parts.clock.now(), reason: 'failed' } });
  }

  async #followSessions(sessions: SessionHal, signal: AbortSignal): Promise<void> {
    try {
      for await (const event of sessions.watch({ signal })) {
        if (event.type === 'sleep') {
          if (event.about) this.#feed({ type: 'suspended' });
        } else if (event.type === 'unavailable') {
          this.#readable = false;
          this.#feed({ type: 'sessions-unknown' });
        } else this.#lookSoon();
      }
    } catch (error) {
      this.#problem('the events of the sessions', error);
      // Their changes are not told any more; the times at which something can be due still are.
      this.#lookSoon();
    }
  }

  #feed(event: Fed): void {
    const { clock, slept } = this.#parts;
    if (slept()) this.#step({ type: 'suspended', now: clock.now() });
    this.#step({ ...event, now: clock.now() } as DynamicLockEvent);
    this.#arm();
  }

  #step(event: DynamicLockEvent): void {
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: DynamicLockEffect): void {
    if (effect.type === 'probe') this.#parts.presence?.probe(effect.address);
    else void this.#lock(effect);
  }

  /** Sets the timer of the next look, when something can be due. */
  #arm(): void {
    this.#stopTimer();
    const due = nextLook(this.#state);
    if (due !== null && this.#running !== null) this.#lookIn(milliseconds(Math.max(0, due - this.#parts.clock.now())));
  }

  #lookIn(span: Milliseconds): void {
    this.#stopTimer();
    this.#stopTimer = this.#parts.clock.timer(span, () => this.#look());
  }

  #lookSoon(): void {
    const since = this.#lookedAt === null ? LOOK_EVERY : this.#parts.clock.now() - this.#lookedAt;
    if (since >= LOOK_EVERY) this.#look();
    else this.#lookIn(milliseconds(LOOK_EVERY - since));
  }

  #look(): void {
    const sessions = this.#running?.sessions ?? null;
    if (sessions === null) return;
    if (this.#looking !== null) {
      this.#lookIn(LOOK_EVERY);
      return;
    }
    this.#lookedAt = this.#parts.clock.now();
    this.#looking = this.#readSessions(sessions).finally(() => {
      this.#looking = null;
    });
  }

  async #readSessions(sessions: SessionHal): Promise<void> {
    const signal = this.#running?.abort.signal;
    if (signal === undefined) return;
    try {
      const list = await sessions.list({ signal });
      if (signal.aborted) return;
      this.#readable = true;
      this.#well('the sessions');
      this.#feed({ type: 'sessions', sessions: list });
    } catch (error) {
      if (signal.aborted) return;
      this.#readable = false;
      this.#problem('the sessions', error);
      this.#feed({ type: 'sessions-unknown' });
      this.#lookIn(LOOK_AGAIN);
    }
  }

  async #lock({ uid, sessions, reason }: Extract<DynamicLockEffect, { type: 'lock' }>): Promise<void> {
    const { forget, audit, presence } = this.#parts;
    const running = this.#running;
    let refused = 0;
    try {
      await forget(uid);
    } catch (error) {
      this.#problem('forgetting the keys', error);
    }
    for (const id of sessions) {
      try {
        if (running?.sessions) await running.sessions.lock(id, { signal: running.abort.signal });
      } catch (error) {
        // A session that ended meanwhile needs no lock.
        if (isUnlockdError(error, 'ERR_HAL_NOT_FOUND') && this.#readable) continue;
        refused++;
        this.#problem('locking a session', error);
      }
    }
    const facts = {
      ...reasonFacts(reason),
      sessions: sessions.length,
      refused,
      simulated: presence?.simulated ?? false,
    };
    try {
      await audit('dynamic-lock', uid, facts);
    } catch (error) {
      this.#problem('the audit log', error);
    }
    if (refused > 0 && !this.#stopped) this.#feed({ type: 'lock-failed', uid });
  }

  #problem(what: string, error: unknown): void {
    const text = isUnlockdError(error) ? error.code : String(error);
    if (this.#problems.get(what) === text) return;
    this.#problems.set(what, text);
    this.#parts.report(what, error);
  }

  #well(what: string): void {
    this.#problems.delete(what);
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopPolling();
    await this.#changing;
    this.#stopPolling();
    await this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
