/** The session contract on the mock, and on logind as python3-dbusmock plays it on a private bus. */

import { monotonicMs } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { logindSessions } from '../../../drivers/linux/session/logind.ts';
import { MockSessions } from '../../../hal-mocks/session/mock-sessions.ts';
import { missingForBus, PrivateBus } from '../../support/session/private-bus.ts';
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
      for (const { id } of ['c1', 'c2'].map((id) => ({ id }))) hal.logOut(id);
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

const missing = missingForBus();
describeSessionContract('logind on a private bus', missing === null ? logindWorld : { skip: missing });
