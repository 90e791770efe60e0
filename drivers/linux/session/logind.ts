/**
 * Sessions of a real Linux host: logind over the system bus (org.freedesktop.login1(5)). `Session.Lock` is a request to
 * the screen locker of the desktop; whether it follows is the desktop's affair, `LockedHint` may tell.
 */
import { type Milliseconds, seconds } from '../../base/brand.ts';
import { type Clock, machineMonotonic, systemClock } from '../../base/clock.ts';
import { isUnlockdError, UnlockdError } from '../../base/errors.ts';
import type { Session, SessionEvent, SessionHal } from '../../hal/session.ts';
import { SYSTEM_BUS } from '../dbus/address.ts';
import { BusService } from '../dbus/bus-service.ts';
import { dictOf, flagOf, listOf, textOf } from '../dbus/values.ts';
import {
  MANAGER,
  MANAGER_PATH,
  MAX_SESSIONS,
  PROPERTIES,
  SESSION,
  SESSION_PATHS,
  watchLogind,
} from './logind-watch.ts';
import { sessionOf } from './session-properties.ts';

export interface LogindOptions {
  /** Address of the bus; the system bus. */
  readonly bus?: string;
  readonly clock?: Clock;
  /** CLOCK_MONOTONIC of the machine, on which logind measures idleness. */
  readonly machineMonotonic?: () => Milliseconds;
  /** Longest time of one call. */
  readonly within?: Milliseconds;
}

type Waiting = { readonly signal: AbortSignal };

class LogindSessions implements SessionHal {
  readonly name = 'logind';
  readonly #service: BusService;
  readonly #clock: Clock;
  readonly #machine: () => Milliseconds;

  constructor(service: BusService, clock: Clock, machine: () => Milliseconds) {
    this.#service = service;
    this.#clock = clock;
    this.#machine = machine;
  }

  async list(options: Waiting): Promise<readonly Session[]> {
    const paths = await this.#paths(options);
    const read = await Promise.all(paths.map((path) => this.#unlessGone(this.#session(path, options))));
    return read.filter((session) => session !== null);
  }

  async lock(id: string, options: Waiting): Promise<void> {
    const paths = await this.#paths(options);
    for (const path of paths) {
      const session = await this.#unlessGone(this.#session(path, options));
      if (session?.id !== id) continue;
      await this.#service.call({ path, interface: SESSION, member: 'Lock' }, options);
      return;
    }
    throw new UnlockdError('ERR_HAL_NOT_FOUND', 'logind has no such session');
  }

  watch(options: Waiting): AsyncIterable<SessionEvent> {
    const reader = {
      session: (path: string, waiting: Waiting) => this.#session(path, waiting),
      preparingForSleep: async (waiting: Waiting) => {
        const [value] = await this.#property(MANAGER_PATH, 'Get', 'ss', [MANAGER, 'PreparingForSleep'], waiting);
        return flagOf(value, 'PreparingForSleep');
      },
    };
    return watchLogind(this.#service, reader, options);
  }

  async #paths(options: Waiting): Promise<readonly string[]> {
    const [list] = await this.#service.call(
      { path: MANAGER_PATH, interface: MANAGER, member: 'ListSessions' },
      options,
    );
    const rows = listOf(list, 'ListSessions');
    if (rows.length > MAX_SESSIONS) throw new UnlockdError('ERR_HAL_ANSWER_INVALID', 'logind: too many sessions');
    return rows
      .map((row) => textOf(listOf(row, 'ListSessions')[4], 'ListSessions'))
      .filter((path) => path.startsWith(SESSION_PATHS));
  }

  async #session(path: string, options: Waiting): Promise<Session> {
    const [all] = await this.#property(path, 'GetAll', 's', [SESSION], options);
    return sessionOf(dictOf(all, 'Session'), { now: this.#clock.now(), machine: this.#machine() });
  }

  #property(
    path: string,
    member: string,
    signature: string,
    body: readonly unknown[],
    options: Waiting,
  ): Promise<readonly unknown[]> {
    return this.#service.call({ path, interface: PROPERTIES, member, signature, body }, options);
  }

  /** A session that ended while the list was read. */
  async #unlessGone(work: Promise<Session>): Promise<Session | null> {
    try {
      return await work;
    } catch (error) {
      if (isUnlockdError(error, 'ERR_HAL_NOT_FOUND') && this.#service.present) return null;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#service.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const WITHIN = seconds(5);

/** The session part of a Linux machine. Connects by itself, now and whenever the bus comes back; never throws for that. */
export function logindSessions(options: LogindOptions = {}): SessionHal {
  const { bus = SYSTEM_BUS, clock = systemClock, within = WITHIN } = options;
  const service = new BusService({ name: 'org.freedesktop.login1', address: bus, clock, within });
  return new LogindSessions(service, clock, options.machineMonotonic ?? machineMonotonic);
}
