/**
 * Sessions that exist only in memory, behind the same seam as logind and Windows: a test or a scenario logs people in,
 * lets them fall idle, and sees what was locked. The mock locks as a desktop that follows does.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Session, SessionEvent, SessionHal } from '../../drivers/hal/session.ts';
import { Watchers } from '../watchers.ts';

export class MockSessions implements SessionHal {
  readonly name = 'mock';
  readonly #sessions = new Map<string, Session>();
  readonly #watchers = new Watchers<SessionEvent>();
  readonly #locks: string[] = [];
  #available = true;
  #closed = false;
  /** Set false: locks are asked for and the desktop does not follow. */
  followsLocks = true;

  /** Ids in the order in which their lock was asked for. */
  get locks(): readonly string[] {
    return this.#locks;
  }

  logIn(session: Pick<Session, 'id' | 'uid'> & Partial<Session>): void {
    this.#put({
      active: true,
      type: 'mock',
      person: true,
      remote: false,
      locked: false,
      idle: { idleSinceMs: null, source: 'mock' },
      ...session,
    });
  }

  logOut(id: string): void {
    if (this.#sessions.delete(id)) this.#tell({ type: 'removed', id });
  }

  /** @param since null: somebody is at the keyboard */
  setIdle(id: string, since: MonotonicMs | null): void {
    this.#put({ ...this.#get(id), idle: { idleSinceMs: since, source: 'mock' } });
  }

  setLocked(id: string, locked: boolean | null): void {
    this.#put({ ...this.#get(id), locked });
  }

  setActive(id: string, active: boolean): void {
    this.#put({ ...this.#get(id), active });
  }

  /** The person, or a program of theirs, asks for the lock. */
  requestLock(id: string): void {
    this.#tell({ type: 'lock-requested', id });
  }

  sleep(about: boolean): void {
    this.#tell({ type: 'sleep', about });
  }

  /** The service behind it goes away, or comes back and knows what it knew. */
  setAvailable(available: boolean): void {
    if (available === this.#available) return;
    this.#available = available;
    this.#tell({ type: available ? 'available' : 'unavailable' });
  }

  async list({ signal }: { signal: AbortSignal }): Promise<readonly Session[]> {
    signal.throwIfAborted();
    this.#requireAvailable();
    return [...this.#sessions.values()];
  }

  async lock(id: string, { signal }: { signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    this.#requireAvailable();
    const session = this.#get(id);
    this.#locks.push(id);
    this.#tell({ type: 'lock-requested', id });
    if (this.followsLocks) this.#put({ ...session, locked: true });
  }

  watch({ signal }: { signal: AbortSignal }): AsyncGenerator<SessionEvent, void, undefined> {
    return this.#watchers.watch({ type: this.#available ? 'available' : 'unavailable' }, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireAvailable(): void {
    if (this.#closed) throw new UnlockdError('ERR_HAL_CLOSED', 'the sessions were closed');
    if (!this.#available) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'the mock of the session service is not there');
  }

  #get(id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'there is no such session');
    return session;
  }

  #put(session: Session): void {
    this.#sessions.set(session.id, session);
    this.#tell({ type: 'changed', session });
  }

  #tell(event: SessionEvent): void {
    this.#watchers.tell(event);
  }
}
