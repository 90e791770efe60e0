/**
 * The session contract on the mock, on logind as python3-dbusmock plays it on a private bus, and on the Windows host over
 * a library that plays its API.
 */

import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import type { SessionHal } from '../../../drivers/hal/session.ts';
import { logindSessions } from '../../../drivers/linux/session/logind.ts';
import { windowsSessions } from '../../../drivers/windows/session/windows-sessions.ts';
import { MockSessions } from '../../../hal-mocks/session/mock-sessions.ts';
import { missingForBus, PrivateBus } from '../../support/session/private-bus.ts';
import { type FakeSession, FakeWindows } from '../../support/session/windows-library.ts';
import { describeSessionContract, type SessionWorld } from './describe-session-contract.ts';

describeSessionContract('of the mock', async (): Promise<SessionWorld> => {
  const hal = new MockSessions();
  const now = () => systemClock.now();
  return {
    hal,
    now,
    logIn: async (id, uid) => hal.logIn({ id, uid }),
    logOut: async (id) => hal.logOut(id),
    idle: async (id, ago) => hal.setIdle(id, ago === null ? null : monotonicMs(now() - ago * 1000)),
    lockedHint: async (id, locked) => hal.setLocked(id, locked),
    aboutToSleep: async (about) => hal.sleep(about),
    restart: async () => {
      hal.setAvailable(false);
      for (const id of ['c1', 'c2']) hal.logOut(id);
      hal.setAvailable(true);
    },
    locks: async (id) => hal.locks.filter((one) => one === id).length,
    [Symbol.asyncDispose]: () => hal.close(),
  };
});

const MANAGER = ['/org/freedesktop/login1', 'org.freedesktop.login1.Manager'] as const;

async function logindWorld(): Promise<SessionWorld> {
  const bus = await PrivateBus.start();
  await bus.startLogind();
  const hal = logindSessions({ bus: bus.address });
  const microseconds = () => Number(process.hrtime.bigint() / 1000n);
  return {
    hal,
    now: () => systemClock.now(),
    logIn: (id, uid) => bus.addSession(id, uid),
    logOut: (id) => bus.removeSession(id),
    idle: (id, ago) =>
      bus.update(id, {
        IdleHint: ['b', ago !== null],
        IdleSinceHintMonotonic: ['t', ago === null ? 0 : microseconds() - ago * 1_000_000],
      }),
    lockedHint: (id, locked) => bus.update(id, { LockedHint: ['b', locked] }),
    aboutToSleep: async (about) => {
      await bus.setManager('PreparingForSleep', ['b', about]);
      await bus.emit(...MANAGER, 'PrepareForSleep', 'b', [['b', about]]);
    },
    restart: async () => {
      await bus.stopLogind();
      await bus.startLogind();
    },
    locks: (id) => bus.calls(id, 'Lock'),
    [Symbol.asyncDispose]: async () => {
      await hal[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
    },
  };
}

async function windowsWorld(): Promise<SessionWorld> {
  const windows = new FakeWindows();
  const every = milliseconds(20);
  const hal = windowsSessions({ uidOf: ({ user }) => Number(user), every, load: () => windows });
  const numberOf = (id: string) => Number(id.slice(1));
  const change = (id: string, more: Partial<FakeSession>) => {
    const session = windows.sessions.get(numberOf(id));
    if (session) windows.sessions.set(session.id, { ...session, ...more });
  };
  // The contract calls its sessions c1, c2, ...; Windows calls them 1, 2, ...
  const named: SessionHal = {
    name: hal.name,
    list: async (options) => (await hal.list(options)).map((one) => ({ ...one, id: `c${one.id}` })),
    lock: (id, options) => hal.lock(id.slice(1), options),
    watch: async function* (options) {
      for await (const event of hal.watch(options)) {
        if (event.type === 'changed') yield { ...event, session: { ...event.session, id: `c${event.session.id}` } };
        else if (event.type === 'removed') yield { ...event, id: `c${event.id}` };
        else yield event;
      }
    },
    [Symbol.asyncDispose]: () => hal[Symbol.asyncDispose](),
  };
  return {
    hal: named,
    now: () => systemClock.now(),
    logIn: async (id, uid) => {
      windows.sessions.set(numberOf(id), { id: numberOf(id), user: String(uid) });
    },
    logOut: async (id) => {
      windows.sessions.delete(numberOf(id));
    },
    idle: async (id, ago) => {
      windows.own = null;
      change(id, ago === null ? { lastInput: 0n } : { lastInput: 1n, current: 1n + BigInt(ago) * 10_000_000n });
    },
    lockedHint: async (id, locked) => change(id, { flags: locked ? 0 : 1 }),
    aboutToSleep: async () => undefined,
    restart: async () => {
      windows.down = true;
      windows.sessions.clear();
      await systemClock.sleep(milliseconds(200), {});
      windows.down = false;
    },
    locks: async (id) => windows.calls.filter((call) => call.endsWith(` ${numberOf(id)}`)).length,
    [Symbol.asyncDispose]: () => hal[Symbol.asyncDispose](),
  };
}

describeSessionContract('of Windows over a library that plays wtsapi32', windowsWorld, ['lock requests', 'sleep']);

const missing = missingForBus();
describeSessionContract('logind on a private bus', missing === null ? logindWorld : { skip: missing });
