/** What every host of the session seam does, whatever it runs on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { SessionHal } from '../../../drivers/hal/session.ts';
import { SeenEvents } from '../../support/session/seen-events.ts';

/** A host with a person at it, and somebody who can do things to that host. */
export interface SessionWorld extends AsyncDisposable {
  readonly hal: SessionHal;
  /** Logs somebody in; local and active. */
  logIn(id: string, uid: number): Promise<void>;
  logOut(id: string): Promise<void>;
  /** The session falls idle, since `secondsAgo`; null: it is used again. */
  idle(id: string, secondsAgo: number | null): Promise<void>;
  /** The desktop tells that it has locked, or not. */
  lockedHint(id: string, locked: boolean): Promise<void>;
  aboutToSleep(about: boolean): Promise<void>;
  /** The service behind the host goes away, and comes back as a new one without sessions. */
  restart(): Promise<void>;
  /** How often the lock of a session was asked for. */
  locks(id: string): Promise<number>;
  now(): number;
}

const signal = (): AbortSignal => new AbortController().signal;

/** What a host cannot tell at all; the title of what is skipped says so. */
export type Lacking = 'lock requests' | 'sleep';

export function describeSessionContract(
  name: string,
  open: (() => Promise<SessionWorld>) | { skip: string },
  lacking: readonly Lacking[] = [],
): void {
  const unless = (what: Lacking) => (lacking.includes(what) ? it.skip : it);
  const because = (what: Lacking) => (lacking.includes(what) ? ` (skipped: this host does not tell of ${what})` : '');
  if ('skip' in open) {
    it.skip(`the session host ${name} (skipped: ${open.skip})`, () => undefined);
    return;
  }
  describe(`the session host ${name}`, () => {
    let world: SessionWorld;
    beforeAll(async () => {
      world = await open();
      await world.logIn('c1', 1000);
      await world.logIn('c2', 1001);
    });
    afterAll(() => world[Symbol.asyncDispose]());

    const session = async (id: string) => {
      const found = (await world.hal.list({ signal: signal() })).find((one) => one.id === id);
      if (found === undefined) throw new Error(`no session ${id}`);
      return found;
    };

    it('lists who is logged in, with the numeric id of the user', async () => {
      const listed = await world.hal.list({ signal: signal() });
      expect(listed.map(({ id, uid }) => [id, uid]).sort()).toEqual([
        ['c1', 1000],
        ['c2', 1001],
      ]);
      expect(listed.every(({ person, remote }) => person && !remote)).toBe(true);
    });

    it('does not take a session in use for an idle one', async () => {
      await world.idle('c1', null);
      expect((await session('c1')).idle.idleSinceMs).toBeNull();
    });

    it('tells since when a session is idle, on the clock that it was given', async () => {
      await world.idle('c1', 40);
      const { idleSinceMs } = (await session('c1')).idle;
      if (idleSinceMs === null) throw new Error('not idle');
      const forSeconds = (world.now() - idleSinceMs) / 1000;
      expect(forSeconds).toBeGreaterThanOrEqual(40);
      expect(forSeconds).toBeLessThan(40 + 55);
      await world.idle('c1', null);
    });

    it('asks for the lock of the session that was named, and of no other', async () => {
      const before = await world.locks('c2');
      const own = await world.locks('c1');
      await world.hal.lock('c1', { signal: signal() });
      expect(await world.locks('c1')).toBe(own + 1);
      expect(await world.locks('c2')).toBe(before);
    });

    it('refuses to lock a session that is not there', async () => {
      const refused = await world.hal.lock('c77', { signal: signal() }).catch((error: unknown) => error);
      expect(isUnlockdError(refused, 'ERR_HAL_NOT_FOUND')).toBe(true);
    });

    it('begins with whether it can be asked, then tells what changes, freshly read', async () => {
      await using seen = new SeenEvents(world.hal);
      await seen.next(({ type }) => type === 'available');
      expect(seen.all[0]).toEqual({ type: 'available' });
      await world.lockedHint('c2', true);
      await seen.next(
        (event) => event.type === 'changed' && event.session.id === 'c2' && event.session.locked === true,
      );
      await world.lockedHint('c2', false);
      await seen.next(
        (event) => event.type === 'changed' && event.session.id === 'c2' && event.session.locked === false,
      );
      await world.idle('c2', 5);
      await seen.next((event) => event.type === 'changed' && event.session.idle.idleSinceMs !== null);
      await world.idle('c2', null);
    });

    unless('lock requests')(`tells that a lock was asked for${because('lock requests')}`, async () => {
      await using seen = new SeenEvents(world.hal);
      await seen.next(({ type }) => type === 'available');
      await world.hal.lock('c2', { signal: signal() });
      expect(await seen.next(({ type }) => type === 'lock-requested')).toEqual({ type: 'lock-requested', id: 'c2' });
    });

    unless('sleep')(`tells that the machine sleeps, and that it has woken up${because('sleep')}`, async () => {
      await using seen = new SeenEvents(world.hal);
      await seen.next(({ type }) => type === 'available');
      await world.aboutToSleep(true);
      await seen.next((event) => event.type === 'sleep' && event.about);
      await world.aboutToSleep(false);
      await seen.next((event) => event.type === 'sleep' && !event.about);
    });

    it('tells that somebody has logged out', async () => {
      await world.logIn('c3', 1002);
      await using seen = new SeenEvents(world.hal);
      await seen.next(({ type }) => type === 'available');
      await world.logOut('c3');
      await seen.next((event) => event.type === 'removed' && event.id === 'c3');
      expect((await world.hal.list({ signal: signal() })).map(({ id }) => id)).not.toContain('c3');
    });

    it('does nothing for a caller that has given up', async () => {
      const before = await world.locks('c1');
      const given = new AbortController();
      given.abort(new Error('given up'));
      await expect(world.hal.lock('c1', { signal: given.signal })).rejects.toThrow('given up');
      await expect(world.hal.list({ signal: given.signal })).rejects.toThrow('given up');
      expect(await world.locks('c1')).toBe(before);
    });

    it('survives the service behind it, and keeps nothing of what that had said', async () => {
      await using seen = new SeenEvents(world.hal);
      await seen.next(({ type }) => type === 'available');
      await world.restart();
      await seen.next(({ type }) => type === 'unavailable');
      const from = seen.all.findIndex(({ type }) => type === 'unavailable');
      await seen.next(({ type }) => type === 'available', from);
      expect(await world.hal.list({ signal: signal() })).toEqual([]);
    });

    it('has no way to unlock', () => {
      const names = new Set<string>();
      for (let at: object | null = world.hal; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
        for (const key of Object.getOwnPropertyNames(at)) names.add(key);
      }
      expect([...names].filter((key) => /unlock|activate|authenticat/i.test(key))).toEqual([]);
    });
  });
}
