import type { Message } from 'dbus-native';
import { describe, expect, it } from 'vitest';
import { seconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { BusConnection } from '../../../drivers/linux/dbus/connection.ts';
import { type Answer, LyingBus } from '../../support/session/lying-bus.ts';

const BUS = 'org.freedesktop.DBus';
const signal = (): AbortSignal => new AbortController().signal;
const CALL = { destination: ':1.5', path: '/a', interface: 'a.b', member: 'Ask' };

const hello = { type: 2, sender: BUS, signature: 's', body: [':1.9'] } satisfies Answer;

async function connected(answers: (call: Message) => readonly Answer[]) {
  const bus = await LyingBus.start((call) => (call.member === 'Hello' ? [hello] : answers(call)));
  const options = { address: bus.address, clock: systemClock, within: seconds(1), signal: signal() };
  const connection = await BusConnection.open(options, () => undefined);
  return {
    bus,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await bus[Symbol.asyncDispose]();
    },
  };
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => value,
    (error: unknown) => error,
  );

describe('a connection to a message bus', () => {
  it('takes the answer of whom it asked', async () => {
    await using world = await connected(() => [{ type: 2, sender: ':1.5', signature: 's', body: ['genuine'] }]);
    expect(await world.connection.call(CALL, { signal: signal() })).toEqual(['genuine']);
  });

  it('does not take a reply of somebody else for the answer, even when it comes first', async () => {
    await using world = await connected(() => [
      { type: 2, sender: ':1.66', signature: 's', body: ['forged'] },
      { type: 3, sender: ':1.66', errorName: 'a.b.Forged' },
      { type: 2, sender: BUS, signature: 's', body: ['forged'] },
      { type: 2, sender: ':1.5', signature: 's', body: ['genuine'] },
    ]);
    expect(await world.connection.call(CALL, { signal: signal() })).toEqual(['genuine']);
  });

  it.each([
    ['org.freedesktop.DBus.Error.ServiceUnknown', 'ERR_HAL_NOT_FOUND'],
    ['org.freedesktop.login1.NoSuchSession', 'ERR_HAL_NOT_FOUND'],
    ['org.freedesktop.DBus.Error.AccessDenied', 'ERR_HAL_PERMISSION'],
    ['org.freedesktop.DBus.Error.NoReply', 'ERR_HAL_DISCONNECTED'],
    ['a.b.Whatever', 'ERR_HAL_IO'],
  ] as const)('the error %s is %s', async (errorName, code) => {
    await using world = await connected(() => [{ type: 3, sender: ':1.5', errorName, signature: 's', body: ['why'] }]);
    expect(await failure(world.connection.call(CALL, { signal: signal() }))).toMatchObject({ code });
  });

  it('a call that is never answered ends in a time-out, and the connection lives on', async () => {
    await using world = await connected((call) =>
      call.member === 'Ask' ? [] : [{ type: 2, sender: ':1.5', signature: 's', body: ['alive'] }],
    );
    const silent = await failure(world.connection.call(CALL, { signal: signal() }));
    expect(isUnlockdError(silent, 'ERR_HAL_TIMEOUT')).toBe(true);
    expect(await world.connection.call({ ...CALL, member: 'Other' }, { signal: signal() })).toEqual(['alive']);
  });

  it('a caller that gives up gets its own reason', async () => {
    await using world = await connected(() => []);
    const given = new AbortController();
    const pending = failure(world.connection.call(CALL, { signal: given.signal }));
    given.abort(new Error('given up'));
    expect(await pending).toMatchObject({ message: 'given up' });
  });

  it('bytes that are no messages end the connection with a typed error', async () => {
    await using world = await connected(() => []);
    const pending = failure(world.connection.call(CALL, { signal: signal() }));
    world.bus.raw(new Uint8Array(64).fill(0x41));
    expect(isUnlockdError(await pending, 'ERR_HAL_DISCONNECTED')).toBe(true);
    expect(world.connection.over.aborted).toBe(true);
  });

  it('a message that says it is endless is not kept', async () => {
    await using world = await connected((call) =>
      call.member === 'Ask' ? [] : [{ type: 2, sender: ':1.5', signature: 's', body: ['alive'] }],
    );
    const header = new Uint8Array(16);
    header.set([0x6c, 4, 0, 1]);
    new DataView(header.buffer).setUint32(4, 3_000_000, true);
    world.bus.raw(header);
    for (let sent = 0; sent < 3_000_000; sent += 100_000) world.bus.raw(new Uint8Array(100_000));
    expect(await world.connection.call({ ...CALL, member: 'Other' }, { signal: signal() })).toEqual(['alive']);
  });
});
