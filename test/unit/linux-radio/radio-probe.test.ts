import { describe, expect, it } from 'vitest';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { type LinkProbe, probeLink } from '../../../drivers/linux/bluetooth/radio-probe.ts';
import { LE_LINK } from '../../../drivers/linux/bluetooth/radio-structs.ts';
import { ADDRESS, connInfoFrame, FakeKernel, honest, type Said } from '../../support/bluetooth/fake-kernel.ts';

const ASKED: LinkProbe = {
  adapter: 0,
  address: ADDRESS,
  addressType: 'public',
  bearer: 'BR/EDR',
  minLevel: 'high',
  within: milliseconds(60),
};
const OVER_LE: Partial<LinkProbe> = { bearer: 'LE', addressType: 'random' };
const LE_SAID: Partial<Said> = {
  info: { handle: 42, address: ADDRESS, link: LE_LINK, mode: 0x06 },
  level: 3,
  frames: [connInfoFrame(0, ADDRESS, 2, -61)],
};

async function probe(said: Partial<Said> = {}, asked: Partial<LinkProbe> = {}) {
  const kernel = new FakeKernel(said);
  const signal = new AbortController().signal;
  const outcome = await probeLink({ ...ASKED, ...asked }, { sockets: kernel, clock: systemClock, signal });
  expect(kernel.closed).toBe(kernel.opened);
  return { outcome, kernel };
}
const reasonOf = async (said: Partial<Said>, asked: Partial<LinkProbe> = {}) => {
  const { outcome } = await probe(said, asked);
  return outcome.proved ? 'proved' : outcome.reason;
};

describe('one probe', () => {
  it('proves a link that says of itself that it is authenticated, encrypted and has a full key', async () => {
    const { outcome } = await probe();
    const rssi = { scale: 'relative', value: -3 };
    expect(outcome).toEqual({ proved: true, encrypted: true, authenticated: true, keySize: 16, rssi });
  });

  it('goes from the adapter’s own address to service discovery of the device, at the level that was asked for', async () => {
    const { kernel } = await probe({}, { minLevel: 'medium' });
    expect(kernel.addresses).toEqual([
      'bind 1f0000005544332211000000' + '0000',
      'connect 1f00010001eeddccbbaa00000000',
    ]);
    expect(kernel.levels).toEqual([2]);
    expect((await probe()).kernel.levels).toEqual([3]);
  });

  it('takes the attribute channel over LE, and its strength is in dBm', async () => {
    const { outcome, kernel } = await probe(LE_SAID, OVER_LE);
    expect(outcome).toMatchObject({ proved: true, authenticated: true, rssi: { scale: 'dBm', value: -61 } });
    expect(kernel.addresses[1]).toBe('connect 1f00000001eeddccbbaa04000200');
  });

  const not: readonly (readonly [string, string, Partial<Said>])[] = [
    ['a kernel without Bluetooth', 'unsupported', { open: 'EAFNOSUPPORT' }],
    ['sockets that nobody gets', 'no-permission', { open: 'EPERM' }],
    ['no such adapter', 'radio-off', { adapter: 'ENODEV' }],
    ['an adapter that is switched off', 'radio-off', { up: false }],
    ['an adapter that went away', 'radio-off', { bind: 'ENODEV' }],
    ['a connection that this host forbids', 'no-permission', { connect: 'EACCES' }],
    ['no adapter that could page', 'radio-off', { connect: 'EHOSTUNREACH' }],
    ['a device that does not answer the page', 'unreachable', { error: 112 }],
    ['a device that answers nothing within the time', 'unreachable', { rounds: Number.POSITIVE_INFINITY }],
    ['a device that failed the authentication', 'refused', { error: 13 }],
    ['a device that has no key', 'refused', { error: 52 }],
    ['a device that refuses the channel', 'refused', { error: 111 }],
    ['an attribute channel that another program has', 'failed', { connect: 'EBUSY' }],
    ['a link that was lost', 'unreachable', { error: 110 }],
    ['an error number that nobody knows', 'failed', { error: 4000 }],
    ['a link that is gone before it was looked at', 'unreachable', { info: 'ENOTCONN' }],
    ['a link that the adapter knows nothing of any more', 'unreachable', { info: 'ENOENT' }],
    ['a link without AUTH', 'refused', { info: { handle: 42, address: ADDRESS, link: 1, mode: 0x45 } }],
    ['a link without ENCRYPT', 'refused', { info: { handle: 42, address: ADDRESS, link: 1, mode: 0x43 } }],
    ['the facts of another link', 'failed', { handle: 43 }],
    [
      'the facts of another device',
      'failed',
      { info: { handle: 42, address: 'aa:bb:cc:dd:ee:02', link: 1, mode: 0x47 } },
    ],
    ['the facts of an LE link', 'failed', { info: { handle: 42, address: ADDRESS, link: LE_LINK, mode: 0x47 } }],
    ['a link below the level that was asked for', 'weak-link', { level: 2 }],
    ['a key that can be tried out', 'weak-link', { keySize: 15 }],
    ['a key of which nothing is known', 'weak-link', { keySize: 0 }],
    ['a key that cannot be', 'failed', { keySize: 17 }],
  ];
  for (const [what, reason, said] of not) {
    it(`of ${what} says ${reason}, and closes everything`, async () => {
      expect(await reasonOf(said)).toBe(reason);
    });
  }

  it('is content with a link at medium where medium was asked for, and says that it is not authenticated', async () => {
    const { outcome } = await probe({ level: 2 }, { minLevel: 'medium' });
    expect(outcome).toMatchObject({ proved: true, authenticated: false });
  });

  const unknown: readonly (readonly [string, Partial<Said>])[] = [
    ['a control channel that nobody may have', { frames: null }],
    ['a kernel that does not answer', { frames: [] }],
    ['a refusal', { frames: [connInfoFrame(2, ADDRESS, 0, -3)] }],
    ['a value that the controller does not know', { frames: [connInfoFrame(0, ADDRESS, 0, 127)] }],
    ['the strength of another device', { frames: [connInfoFrame(0, 'aa:bb:cc:dd:ee:02', 0, -3)] }],
    ['half a frame', { frames: [connInfoFrame(0, ADDRESS, 0, -3).subarray(0, 12)] }],
    ['endless events', { frames: Array.from({ length: 100 }, () => Buffer.from([6, 0, 0, 0, 0, 0])) }],
  ];
  for (const [what, said] of unknown) {
    it(`proves without a strength at ${what}`, async () => {
      expect((await probe(said)).outcome).toMatchObject({ proved: true, rssi: null });
    });
  }

  it('finds its answer among other events', async () => {
    const frames = [Buffer.from([6, 0, 0, 0, 0, 0]), ...(honest().frames ?? [])];
    expect((await probe({ frames })).outcome).toMatchObject({ rssi: { value: -3 } });
  });

  it('over LE counts no link over which nothing comes back', async () => {
    expect(await reasonOf({ ...LE_SAID, att: [] }, OVER_LE)).toBe('unreachable');
    expect(await reasonOf({ ...LE_SAID, att: [Buffer.alloc(0)] }, OVER_LE)).toBe('unreachable');
    const chatter = Array.from({ length: 99 }, () => Buffer.from([0x1b, 1, 0]));
    expect(await reasonOf({ ...LE_SAID, att: chatter }, OVER_LE)).toBe('failed');
    expect(await reasonOf({ ...LE_SAID, att: [Buffer.from([1, 2, 0, 0, 6])] }, OVER_LE)).toBe('proved');
  });

  describe('over LE, of a device that speaks before the link is encrypted', () => {
    const BARE = { handle: 42, address: ADDRESS, link: LE_LINK, mode: 0x41 };
    /** The channel is up at once; what becomes of the link is known after some waits. */
    async function becomesOf(waits: number, becomes: Partial<Said>): Promise<string> {
      const kernel = new FakeKernel({ ...LE_SAID, rounds: 0, info: BARE });
      kernel.onWait = () => {
        if (--waits === 0) Object.assign(kernel.said, becomes);
      };
      const signal = new AbortController().signal;
      const asked = { ...ASKED, ...OVER_LE, within: milliseconds(500) };
      const outcome = await probeLink(asked, { sockets: kernel, clock: systemClock, signal });
      expect(kernel.closed).toBe(kernel.opened);
      return outcome.proved ? 'proved' : `${outcome.reason}: ${outcome.detail}`;
    }

    it('waits until it is, and then proves', async () => {
      expect(await becomesOf(7, { info: { ...BARE, mode: 0x47 } })).toBe('proved');
    });

    const ends: readonly (readonly [string, number, string])[] = [
      ['has no key', 52, 'refused: connection: EBADE'],
      ['failed', 13, 'refused: connection: EACCES'],
      ['has no key, where this host ends the link', 103, 'refused: this host ended the link before it was encrypted'],
      ['goes away', 110, 'unreachable: connection: ETIMEDOUT'],
      ['ends without a reason', 0, 'unreachable: the link ended'],
    ];
    for (const [what, error, says] of ends) {
      it(`says of one that ${what}: ${says}`, async () => {
        expect(await becomesOf(7, { ended: true, error })).toBe(says);
      });
    }

    it('asks the socket why, where the adapter knows of no link any more', async () => {
      expect(await becomesOf(7, { info: 'ENOENT', error: 13 })).toBe('refused: connection: EACCES');
      expect(await becomesOf(7, { info: 'ENOENT', error: 0 })).toBe('unreachable: link: ENOENT');
    });

    it('refuses one that never is', async () => {
      expect(await becomesOf(-1, {})).toBe('refused: the link was not encrypted in time');
    });
  });

  it('over BR/EDR a link that this host ended says nothing of a key', async () => {
    expect(await reasonOf({ error: 103 })).toBe('unreachable');
  });

  describe('with all the time in the world', () => {
    /** How long a probe takes that is never decided, on a clock that moves on with each wait. */
    async function undecided(said: Partial<Said>, asked: Partial<LinkProbe> = {}) {
      const kernel = new FakeKernel({ ...said, rounds: Number.POSITIVE_INFINITY });
      let now = 0;
      kernel.onWait = () => {
        now += 50;
      };
      const clock = { ...systemClock, now: () => monotonicMs(now) };
      const signal = new AbortController().signal;
      const probe = { ...ASKED, within: milliseconds(20_000), ...asked };
      const outcome = await probeLink(probe, { sockets: kernel, clock, signal });
      expect(outcome).toMatchObject({ proved: false, reason: 'unreachable' });
      expect(kernel.closed).toBe(kernel.opened);
      return now;
    }

    it('gives a page up before the controller does, where no link stands', async () => {
      expect(await undecided({ standing: false })).toBeLessThan(5120);
      expect(await undecided({ info: 'ENOENT' })).toBeLessThan(5120);
    });

    it('waits for a device that has answered the page, and for one over LE', async () => {
      expect(await undecided({ standing: true })).toBe(20_000);
      expect(await undecided({ ...LE_SAID, standing: false }, OVER_LE)).toBe(20_000);
    });
  });

  it('looks at the link once more after the strength: what fell off meanwhile is no proof', async () => {
    const kernel = new FakeKernel({ rounds: 0 });
    let waits = 0;
    kernel.onWait = () => {
      if (++waits === 2) kernel.said.info = 'ENOTCONN';
    };
    const signal = new AbortController().signal;
    const outcome = await probeLink(ASKED, { sockets: kernel, clock: systemClock, signal });
    expect(outcome).toMatchObject({ proved: false, reason: 'unreachable' });
  });

  for (const [when, at] of [
    ['while it pages', 2],
    ['while it asks for the strength', 4],
  ] as const) {
    it(`ends with the caller’s reason when it is cancelled ${when}, with everything closed`, async () => {
      const kernel = new FakeKernel();
      const cancel = new AbortController();
      let waits = 0;
      kernel.onWait = () => {
        if (++waits === at) cancel.abort(new Error('given up'));
      };
      const options = { sockets: kernel, clock: systemClock, signal: cancel.signal };
      await expect(probeLink(ASKED, options)).rejects.toThrow('given up');
      expect(waits).toBe(at);
      expect(kernel.closed).toBe(kernel.opened);
    });
  }

  it('opens nothing for a caller that has given up before', async () => {
    const kernel = new FakeKernel();
    const options = { sockets: kernel, clock: systemClock, signal: AbortSignal.abort(new Error('given up')) };
    await expect(probeLink(ASKED, options)).rejects.toThrow('given up');
    expect(kernel.opened).toBe(0);
  });
});
