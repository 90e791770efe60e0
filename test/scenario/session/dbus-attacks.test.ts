/**
 * Attacks over the bus on a host that listens to logind: forged signals sent to it alone, a logind that
 * restarts, a bus that dies or stops answering, another program that takes logind's name.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seconds } from '../../../drivers/base/brand.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { SessionHal } from '../../../drivers/hal/session.ts';
import { logindSessions } from '../../../drivers/linux/session/logind.ts';
import { missingForBus, PrivateBus, SESSION_IFACE, sessionPath } from '../../support/session/private-bus.ts';
import { SeenEvents } from '../../support/session/seen-events.ts';

const ROOT = '/org/freedesktop/login1';
const MANAGER = 'org.freedesktop.login1.Manager';
const PROPERTIES = 'org.freedesktop.DBus.Properties';
const signal = (): AbortSignal => new AbortController().signal;
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

const missing = missingForBus();

describe.skipIf(missing !== null)(`attacks over the bus${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let bus: PrivateBus;
  let hal: SessionHal;

  beforeEach(async () => {
    bus = await PrivateBus.start();
    await bus.startLogind();
    await bus.addSession('c1', 1000);
    hal = logindSessions({ bus: bus.address, within: seconds(2) });
    await hal.list({ signal: signal() });
  });
  afterEach(async () => {
    await hal[Symbol.asyncDispose]();
    await bus[Symbol.asyncDispose]();
  });

  const FORGERIES = [
    { path: sessionPath('c1'), interface: SESSION_IFACE, member: 'Lock' },
    { path: sessionPath('c1'), interface: SESSION_IFACE, member: 'Unlock' },
    {
      path: sessionPath('c1'),
      interface: PROPERTIES,
      member: 'PropertiesChanged',
      signature: 'sa{sv}as',
      body: [SESSION_IFACE, [['IdleHint', ['b', true]]], []],
    },
    { path: ROOT, interface: MANAGER, member: 'PrepareForSleep', signature: 'b', body: [true] },
    { path: ROOT, interface: MANAGER, member: 'SessionRemoved', signature: 'so', body: ['c1', sessionPath('c1')] },
    {
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'NameOwnerChanged',
      signature: 'sss',
      body: ['org.freedesktop.login1', ':1.0', ''],
    },
  ];

  it.each(FORGERIES)('$member from another connection, sent to us alone, is ignored', async (forged) => {
    await using seen = new SeenEvents(hal);
    await seen.next(({ type }) => type === 'available');
    const stranger = bus.stranger();
    for (const name of await stranger.others()) stranger.forgeSignal(name, forged);
    await stranger.settled();
    // A genuine change, sent after the forgery, arrives after it: by then the forgery has been dropped.
    await bus.update('c1', { LockedHint: ['b', true] });
    await seen.next((event) => event.type === 'changed' && event.session.locked === true);
    expect(seen.all.map(({ type }) => type)).toEqual(['available', 'changed']);
  });

  it('the genuine request to unlock is no event at all', async () => {
    await using seen = new SeenEvents(hal);
    await seen.next(({ type }) => type === 'available');
    await bus.stranger().call(sessionPath('c1'), SESSION_IFACE, 'Unlock');
    await bus.update('c1', { LockedHint: ['b', true] });
    await seen.next((event) => event.type === 'changed' && event.session.locked === true);
    expect(seen.all.map(({ type }) => type)).toEqual(['available', 'changed']);
  });

  it('what a signal claims is not believed: the session is read again', async () => {
    await using seen = new SeenEvents(hal);
    await seen.next(({ type }) => type === 'available');
    await bus.emit(sessionPath('c1'), PROPERTIES, 'PropertiesChanged', 'sa{sv}as', [
      ['s', SESSION_IFACE],
      ['a{sv}', [['IdleHint', ['b', true]]]],
      ['as', []],
    ]);
    const event = await seen.next(({ type }) => type === 'changed');
    expect(event.type === 'changed' && event.session.idle.idleSinceMs).toBeNull();
  });

  it('PrepareForSleep that logind sends and does not stand by is ignored', async () => {
    await using seen = new SeenEvents(hal);
    await seen.next(({ type }) => type === 'available');
    await bus.emit(ROOT, MANAGER, 'PrepareForSleep', 'b', [['b', true]]);
    await bus.update('c1', { LockedHint: ['b', true] });
    await seen.next(({ type }) => type === 'changed');
    expect(seen.all.map(({ type }) => type)).toEqual(['available', 'changed']);
  });

  it('a message larger than any that we want does not cut us off', async () => {
    await using seen = new SeenEvents(hal);
    await seen.next(({ type }) => type === 'available');
    const stranger = bus.stranger();
    const body = ['x'.repeat(3 * 1024 * 1024)];
    for (const name of await stranger.others()) {
      stranger.forgeSignal(name, { path: '/', interface: 'a.b', member: 'Large', signature: 's', body });
    }
    await stranger.settled();
    await bus.update('c1', { LockedHint: ['b', true] });
    await seen.next(({ type }) => type === 'changed');
    expect(seen.all.map(({ type }) => type)).toEqual(['available', 'changed']);
  });

  it('another program that takes the name of a dead logind speaks for sessions of its own only from then on', async () => {
    await using seen = new SeenEvents(hal);
    await seen.next(({ type }) => type === 'available');
    await bus.stopLogind();
    await seen.next(({ type }) => type === 'unavailable');
    const refused = await failure(hal.list({ signal: signal() }));
    expect(isUnlockdError(refused, 'ERR_HAL_NOT_FOUND')).toBe(true);
    const squatter = bus.stranger();
    expect(await squatter.own('org.freedesktop.login1')).toBe(true);
    await seen.next(({ type }) => type === 'available');
    // It answers nothing that logind answers: no old session comes back.
    expect(await failure(hal.list({ signal: signal() }))).toMatchObject({ name: 'UnlockdError' });
  });

  it('a logind that restarts is found again, and its old sessions are not', async () => {
    await using seen = new SeenEvents(hal);
    await seen.next(({ type }) => type === 'available');
    await bus.stopLogind();
    await bus.startLogind();
    await bus.addSession('c9', 1009);
    await seen.next(({ type }) => type === 'unavailable');
    await seen.next(({ type }) => type === 'available', 2);
    expect((await hal.list({ signal: signal() })).map(({ id }) => id)).toEqual(['c9']);
  });

  it('a bus that dies with a call pending ends the call, and is found again', async () => {
    await using seen = new SeenEvents(hal);
    await seen.next(({ type }) => type === 'available');
    bus.freezeDaemon(true);
    const pending = failure(hal.list({ signal: signal() }));
    await bus.stopDaemon();
    expect(isUnlockdError(await pending, 'ERR_HAL_DISCONNECTED')).toBe(true);
    await seen.next(({ type }) => type === 'unavailable');
    expect(isUnlockdError(await failure(hal.list({ signal: signal() })))).toBe(true);
    await bus.stopLogind();
    await bus.startDaemon();
    await bus.startLogind();
    await seen.next(({ type }) => type === 'available', 2);
    expect(await hal.list({ signal: signal() })).toEqual([]);
  });

  it('a bus that does not answer ends in a time-out', async () => {
    bus.freezeDaemon(true);
    const stuck = await failure(hal.list({ signal: signal() }));
    bus.freezeDaemon(false);
    expect(isUnlockdError(stuck, 'ERR_HAL_TIMEOUT')).toBe(true);
  });

  it('closing ends what waits', async () => {
    bus.freezeDaemon(true);
    const pending = failure(hal.list({ signal: signal() }));
    await hal[Symbol.asyncDispose]();
    expect(isUnlockdError(await pending, 'ERR_HAL_CLOSED')).toBe(true);
    bus.freezeDaemon(false);
  });
});

describe('a machine without a bus', () => {
  it('answers that there is none, and says so as a value when watched', async () => {
    await using hal = logindSessions({ bus: 'unix:path=/nonexistent/bus' });
    expect(isUnlockdError(await failure(hal.list({ signal: signal() })), 'ERR_HAL_NOT_FOUND')).toBe(true);
    await using seen = new SeenEvents(hal);
    expect(await seen.next(() => true)).toEqual({ type: 'unavailable' });
  });

  it('takes no bus over a network', async () => {
    await using hal = logindSessions({ bus: 'tcp:host=localhost,port=1' });
    expect(isUnlockdError(await failure(hal.list({ signal: signal() })), 'ERR_HAL_BUS_ADDRESS')).toBe(true);
  });
});
