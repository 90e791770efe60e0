import { createRequire } from 'node:module';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { SessionHal } from '../../../drivers/hal/session.ts';
import { PROTOTYPES } from '../../../drivers/windows/session/library.ts';
import { windowsSessions } from '../../../drivers/windows/session/windows-sessions.ts';
import { decodeInfo, decodeSessions } from '../../../drivers/windows/session/wts-info.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';
import { FakeWindows, infoBytes } from '../../support/session/windows-library.ts';

const signal = (): AbortSignal => new AbortController().signal;
const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => (isUnlockdError(error) ? error.code : error),
  );

describe('the sessions of Windows', () => {
  let windows: FakeWindows;
  let clock: ManualClock;
  let hal: SessionHal;
  beforeEach(() => {
    windows = new FakeWindows();
    clock = new ManualClock();
    const uids: Readonly<Record<string, number>> = { 'LAB\\ana': 1000, 'LAB\\ben': 1001 };
    hal = windowsSessions({
      uidOf: ({ domain, user }) => uids[`${domain}\\${user}`] ?? null,
      clock,
      load: () => windows,
    });
  });
  const only = async () => {
    const [session] = await hal.list({ signal: signal() });
    if (session === undefined) throw new Error('no session');
    return session;
  };

  it('are those of accounts that are known, with what Windows says of them', async () => {
    await clock.advance(100_000);
    windows.sessions.set(0, { id: 0, user: '', station: 'Services', state: 4 });
    windows.sessions.set(1, { id: 1, user: 'ana', flags: 0 });
    windows.sessions.set(2, {
      id: 2,
      user: 'ben',
      state: 4,
      station: 'RDP-Tcp#3',
      lastInput: 10n,
      current: 400_000_010n,
    });
    windows.sessions.set(3, { id: 3, user: 'somebody' });
    expect(await hal.list({ signal: signal() })).toEqual([
      {
        id: '1',
        uid: 1000,
        active: true,
        type: 'windows',
        person: true,
        remote: false,
        locked: true,
        idle: { idleSinceMs: null, source: null },
      },
      {
        id: '2',
        uid: 1001,
        active: false,
        type: 'windows',
        person: true,
        remote: true,
        locked: false,
        idle: { idleSinceMs: clock.now() - 40_000, source: 'last-input' },
      },
    ]);
  });

  it('the own session’s idleness is that of GetLastInputInfo, also over the wrap of its 32 bits', async () => {
    windows.sessions.set(1, { id: 1, user: 'ana' });
    windows.lastInput = 2 ** 32 - 1000;
    windows.ticks = 5000;
    await clock.advance(100_000);
    expect((await only()).idle.idleSinceMs).toBe(clock.now() - 6000);
  });

  it('a time of input that lies in the future is no idleness', async () => {
    windows.own = null;
    windows.sessions.set(1, { id: 1, user: 'ana', lastInput: 20n, current: 10n });
    expect((await only()).idle.idleSinceMs).toBeNull();
  });

  it('a session whose lock Windows does not tell is not said to be open', async () => {
    windows.sessions.set(1, { id: 1, user: 'ana', flags: 0xffffffff });
    expect((await only()).locked).toBeNull();
  });

  it('the own session is locked, another one is disconnected', async () => {
    windows.sessions.set(1, { id: 1, user: 'ana' });
    windows.sessions.set(2, { id: 2, user: 'ben' });
    await hal.lock('1', { signal: signal() });
    await hal.lock('2', { signal: signal() });
    expect(windows.calls).toEqual(['lock 1', 'disconnect 2']);
  });

  it.each([
    [5, 'ERR_HAL_PERMISSION'],
    [2, 'ERR_HAL_NOT_FOUND'],
    [1722, 'ERR_HAL_IO'],
  ])('error %i of a lock is %s', async (error, expected) => {
    windows.sessions.set(1, { id: 1, user: 'ana' });
    windows.refuses = error;
    expect(await code(hal.lock('1', { signal: signal() }))).toBe(expected);
  });

  it('after it was closed nothing is asked any more', async () => {
    await hal[Symbol.asyncDispose]();
    expect(await code(hal.list({ signal: signal() }))).toBe('ERR_HAL_CLOSED');
  });

  it('on a host without user32 the answer is a typed error', async () => {
    const bare = windowsSessions({ uidOf: () => 1000 });
    const refused = await code(bare.list({ signal: signal() }));
    if (process.platform !== 'win32') expect(refused).toBe('ERR_HAL_MODULE_MISSING');
  });
});

describe('the functions of Windows', () => {
  it.each(Object.entries(PROTOTYPES))('%s is declared so that the binding understands it', (_, [, prototype]) => {
    const koffi = createRequire(import.meta.url)('koffi') as { proto(prototype: string): unknown };
    expect(koffi.proto(prototype.replace('__stdcall ', ''))).toBeDefined();
  });
});

describe('the structures of the Terminal Services API', () => {
  it('are read as they are laid out', () => {
    const info = decodeInfo(
      infoBytes({ id: 7, user: 'ana', domain: 'LAB', station: 'RDP-Tcp#12', state: 0, flags: 1 }),
    );
    expect(info).toEqual({
      sessionId: 7,
      active: true,
      locked: false,
      station: 'RDP-Tcp#12',
      user: 'ana',
      domain: 'LAB',
      idleMs: null,
    });
  });

  it('names that fill their array are read to its end', () => {
    const user = 'abcdefghijklmnopqrst';
    expect(decodeInfo(infoBytes({ id: 1, user })).user).toBe(user);
  });

  it('whatever the bytes are: a value or a typed error', () => {
    const attempt = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        expect(isUnlockdError(error, 'ERR_HAL_ANSWER_INVALID')).toBe(true);
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, count) => {
        attempt(() => decodeInfo(bytes));
        attempt(() => decodeSessions(bytes, count));
        attempt(() => decodeInfo(Uint8Array.from([1, 0, 0, 0, ...bytes])));
      }),
    );
  });
});
