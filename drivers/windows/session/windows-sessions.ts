/**
 * Sessions of a Windows host. Its own notices of sessions (WTSRegisterSessionNotification) need a window with a message
 * loop, which would hold the one thread of the process: the list is read at an interval instead, while somebody watches.
 * A suspend is not announced here; it shows afterwards by the clocks.
 */
import { type Milliseconds, monotonicMs, seconds } from '../../base/brand.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { UnlockdError } from '../../base/errors.ts';
import type { IdleState, Session, SessionEvent, SessionHal } from '../../hal/session.ts';
import { ERROR_ACCESS_DENIED, type Failed } from '../native-library.ts';
import { loadSessionLibrary, type SessionLibrary } from './library.ts';
import { decodeInfo, decodeSessions, type WtsInfo } from './wts-info.ts';

export interface WindowsSessionsOptions {
  /** The agent's number for an account; null: an account that it does not know, whose sessions are left out. */
  readonly uidOf: (account: { readonly domain: string; readonly user: string }) => number | null;
  readonly clock?: Clock;
  /** How often the sessions are read while somebody watches. */
  readonly every?: Milliseconds;
  readonly load?: () => SessionLibrary;
}

type Waiting = { readonly signal: AbortSignal };

const ERROR_FILE_NOT_FOUND = 2;
const ERROR_CTX_WINSTATION_NOT_FOUND = 7022;
const TICKS = 2 ** 32;
const MAX_SESSIONS = 256;
const EVERY = seconds(2);

function refused(what: string, { failed }: Failed): UnlockdError {
  const options = { detail: { error: failed } };
  if (failed === ERROR_ACCESS_DENIED) return new UnlockdError('ERR_HAL_PERMISSION', `${what}: not allowed`, options);
  if (failed === ERROR_FILE_NOT_FOUND || failed === ERROR_CTX_WINSTATION_NOT_FOUND) {
    return new UnlockdError('ERR_HAL_NOT_FOUND', `${what}: no such session`, options);
  }
  return new UnlockdError('ERR_HAL_IO', `${what}: error ${failed}`, options);
}

class WindowsSessions implements SessionHal {
  readonly name = 'Windows';
  readonly #options: WindowsSessionsOptions;
  readonly #clock: Clock;
  #library: SessionLibrary | null = null;
  #closed = false;

  constructor(options: WindowsSessionsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  #use({ signal }: Waiting): SessionLibrary {
    signal.throwIfAborted();
    if (this.#closed) throw new UnlockdError('ERR_HAL_CLOSED', 'the sessions were closed');
    this.#library ??= (this.#options.load ?? loadSessionLibrary)();
    return this.#library;
  }

  async list(options: Waiting): Promise<readonly Session[]> {
    const library = this.#use(options);
    const found = library.enumerate();
    if ('failed' in found) throw refused('WTSEnumerateSessions', found);
    const sessions: Session[] = [];
    for (const { sessionId } of decodeSessions(found.bytes, found.count).slice(0, MAX_SESSIONS)) {
      const info = library.query(sessionId);
      // One that ended while the list was read.
      if ('failed' in info) continue;
      const session = this.#session(decodeInfo(info), library);
      if (session !== null) sessions.push(session);
    }
    return sessions;
  }

  #session(info: WtsInfo, library: SessionLibrary): Session | null {
    if (info.user === '') return null;
    const uid = this.#options.uidOf({ domain: info.domain, user: info.user });
    if (uid === null) return null;
    return {
      id: String(info.sessionId),
      uid,
      active: info.active,
      type: 'windows',
      person: info.station !== 'Services',
      remote: !/^(Console)?$/i.test(info.station),
      locked: info.locked,
      idle: this.#idle(info, library),
    };
  }

  #idle(info: WtsInfo, library: SessionLibrary): IdleState {
    const own = library.ownSession() === info.sessionId;
    const last = own ? library.lastInputTick() : null;
    const idleMs = last === null ? info.idleMs : (library.tickCount() - last + TICKS) % TICKS;
    if (idleMs === null) return { idleSinceMs: null, source: null };
    return { idleSinceMs: monotonicMs(this.#clock.now() - idleMs), source: 'last-input' };
  }

  async lock(id: string, options: Waiting): Promise<void> {
    const known = (await this.list(options)).some((session) => session.id === id);
    if (!known) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'Windows has no such session');
    const library = this.#use(options);
    const own = library.ownSession() === Number(id);
    const failed = own ? library.lockWorkStation() : library.disconnect(Number(id));
    if (failed !== null) throw refused(own ? 'LockWorkStation' : 'WTSDisconnectSession', failed);
  }

  async *watch(options: Waiting): AsyncGenerator<SessionEvent, void, undefined> {
    const { signal } = options;
    let known: ReadonlyMap<string, Session> | null = null;
    let told: boolean | null = null;
    while (!signal.aborted) {
      const list = await this.list(options).catch(() => null);
      if (signal.aborted) return;
      if ((list !== null) !== told) yield { type: list === null ? 'unavailable' : 'available' };
      told = list !== null;
      if (list === null) known = null;
      else {
        const next = new Map(list.map((session) => [session.id, session]));
        if (known !== null) yield* differences(known, next);
        known = next;
      }
      await this.#clock.sleep(this.#options.every ?? EVERY, { signal }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Since when a session is idle is told once: the two clocks do not tick alike to the millisecond. */
const telling = ({ idle, ...rest }: Session): string => JSON.stringify({ ...rest, idle: idle.idleSinceMs !== null });

function* differences(
  known: ReadonlyMap<string, Session>,
  next: ReadonlyMap<string, Session>,
): Generator<SessionEvent, void, undefined> {
  for (const id of known.keys()) if (!next.has(id)) yield { type: 'removed', id };
  for (const [id, session] of next) {
    const before = known.get(id);
    if (before === undefined || telling(before) !== telling(session)) yield { type: 'changed', session };
  }
}

/** The session part of a Windows machine. Nothing is loaded before it is first used. */
export const windowsSessions = (options: WindowsSessionsOptions): SessionHal => new WindowsSessions(options);
