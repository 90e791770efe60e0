/**
 * What happens to the sessions, as logind's signals tell. A signal only says where to look: what is handed on was read
 * by a method call after it. Many signals become one look, so nobody can make us hold more than one entry for each
 * session. org.freedesktop.login1(5), "Signals".
 */
import { Doorbell } from '../../base/doorbell.ts';
import { isUnlockdError, UnlockdError } from '../../base/errors.ts';
import type { Session, SessionEvent } from '../../hal/session.ts';
import type { BusService } from '../dbus/bus-service.ts';
import type { BusSignal } from '../dbus/connection.ts';
import { isSessionId } from './session-properties.ts';

export const MANAGER = 'org.freedesktop.login1.Manager';
export const SESSION = 'org.freedesktop.login1.Session';
export const PROPERTIES = 'org.freedesktop.DBus.Properties';
export const MANAGER_PATH = '/org/freedesktop/login1';
export const SESSION_PATHS = '/org/freedesktop/login1/session/';

/** More sessions than any machine has people for. */
export const MAX_SESSIONS = 256;

/** How what a signal points to is read; each rejects with an error of the seam. */
export interface LogindReader {
  session(path: string, options: { signal: AbortSignal }): Promise<Session>;
  preparingForSleep(options: { signal: AbortSignal }): Promise<boolean>;
}

/** What signals have pointed to since it was last looked at. */
class Pending {
  reset = false;
  readonly changed = new Set<string>();
  readonly lockRequested = new Set<string>();
  readonly removed = new Set<string>();
  sleep: boolean | null = null;

  add({ path, interface: name, member, body }: BusSignal): void {
    const [first, second] = body;
    if (path === MANAGER_PATH && name === MANAGER) {
      if (member === 'PrepareForSleep' && typeof first === 'boolean') this.sleep = first;
      if (member === 'SessionNew' && typeof second === 'string') this.#note(this.changed, second);
      if (member === 'SessionRemoved' && isSessionId(first)) bounded(this.removed, first);
      return;
    }
    if (name === SESSION && member === 'Lock') this.#note(this.lockRequested, path);
    if (name === PROPERTIES && member === 'PropertiesChanged') this.#note(this.changed, path);
  }

  #note(set: Set<string>, path: string): void {
    if (path.startsWith(SESSION_PATHS)) bounded(set, path);
  }
}

function bounded(set: Set<string>, value: string): void {
  if (set.size < MAX_SESSIONS) set.add(value);
}

/** Null: what was pointed to is not there any more, or cannot be read; the next signal or the next list tells. */
async function unlessGone<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted || !isUnlockdError(error)) throw error;
    return null;
  }
}

/** See `SessionHal.watch`. */
export async function* watchLogind(
  service: BusService,
  reader: LogindReader,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<SessionEvent, void, undefined> {
  let pending = new Pending();
  using bell = new Doorbell(signal);
  const stop = service.listen((event) => {
    if (event.type === 'signal') pending.add(event.signal);
    else {
      pending = new Pending();
      pending.reset = true;
    }
    bell.ring();
  });
  try {
    await service.looked({ signal });
    pending.reset = true;
    let told: boolean | null = null;
    while (!signal.aborted) {
      const taken = pending;
      pending = new Pending();
      if (taken.reset) {
        const { present } = service;
        // An owner that went and another that came in between: both are told, as nothing known holds any more.
        if (told === true) yield { type: 'unavailable' };
        if (told === null && !present) yield { type: 'unavailable' };
        if (present) yield { type: 'available' };
        told = present;
      }
      yield* lookAt(taken, reader, signal);
      if (signal.aborted) return;
      await bell.heard();
    }
  } catch (error) {
    if (!signal.aborted)
      throw error instanceof UnlockdError ? error : new UnlockdError('ERR_HAL_IO', 'logind', { cause: error });
  } finally {
    stop();
  }
}

async function* lookAt(
  pending: Pending,
  reader: LogindReader,
  signal: AbortSignal,
): AsyncGenerator<SessionEvent, void, undefined> {
  if (pending.sleep !== null) {
    const preparing = await unlessGone(reader.preparingForSleep({ signal }), signal);
    // Not to be read, while the machine is about to sleep: what follows from it (forgetting keys) does no harm.
    if (preparing ?? pending.sleep) yield { type: 'sleep', about: true };
    else if (!pending.sleep) yield { type: 'sleep', about: false };
  }
  for (const id of pending.removed) yield { type: 'removed', id };
  for (const path of pending.lockRequested) {
    const session = await unlessGone(reader.session(path, { signal }), signal);
    if (session !== null) yield { type: 'lock-requested', id: session.id };
  }
  for (const path of pending.changed) {
    const session = await unlessGone(reader.session(path, { signal }), signal);
    if (session !== null) yield { type: 'changed', session };
  }
}
