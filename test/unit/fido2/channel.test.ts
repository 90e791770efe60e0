import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { concat } from '../../../drivers/base/bytes.ts';
import { CtapHidChannel } from '../../../drivers/fido2/channel.ts';
import { BROADCAST_CID, CTAPHID, CTAPHID_ERR, fragment, KEEPALIVE } from '../../../drivers/fido2/wire/ctaphid.ts';
import {
  ANSWER,
  alive,
  answer,
  CID,
  cancel,
  entropy,
  error,
  FOREIGN,
  initAnswer,
  NONCE,
  REQUEST,
  resync,
  scene,
  send,
} from '../../support/fido2/channel-scene.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';
import { reads, type Step, TranscriptConnection } from '../../support/fido2/transcript-hid.ts';

describe('opening a channel', () => {
  it('ignores answers with another nonce and on other channels, and takes the own one', async () => {
    const clock = new ManualClock();
    const connection = new TranscriptConnection(clock, [
      ...send(CTAPHID.INIT, NONCE, BROADCAST_CID),
      ...answer(CTAPHID.INIT, initAnswer(new Uint8Array(8), FOREIGN), BROADCAST_CID),
      ...answer(CTAPHID.CBOR, ANSWER, FOREIGN),
      ...answer(CTAPHID.INIT, initAnswer(NONCE, CID, 0x0d), BROADCAST_CID),
    ]);
    const channel = await CtapHidChannel.open(connection, { clock, entropy, signal: new AbortController().signal });
    expect(channel.info).toEqual({ protocolVersion: 2, deviceVersion: [5, 1, 2], capabilities: 0x0d });
    expect(channel.speaksCbor).toBe(true);
    await channel.close();
    expect(await connection.problems()).toEqual([]);
  });

  it.each([
    ['short', initAnswer(NONCE, CID).subarray(0, 16)],
    ['for the broadcast channel', initAnswer(NONCE, BROADCAST_CID)],
    ['for the reserved channel', initAnswer(NONCE, 0)],
  ])('refuses an answer that is %s, and closes the connection', async (_, payload) => {
    const clock = new ManualClock();
    const steps = [...send(CTAPHID.INIT, NONCE, BROADCAST_CID), ...answer(CTAPHID.INIT, payload, BROADCAST_CID)];
    const connection = new TranscriptConnection(clock, steps);
    const opening = CtapHidChannel.open(connection, { clock, entropy, signal: new AbortController().signal });
    await expect(opening).rejects.toMatchObject({ code: 'ERR_CTAP_MALFORMED_RESPONSE' });
    expect(connection.closed).toBe(true);
  });

  it('asks again where nothing answers, and gives up in time', async () => {
    const clock = new ManualClock();
    const steps: Step[] = [1, 2, 3].flatMap(() => [...send(CTAPHID.INIT, NONCE, BROADCAST_CID), { wait: 1_000 }]);
    const connection = new TranscriptConnection(clock, steps);
    const opening = CtapHidChannel.open(connection, { clock, entropy, signal: new AbortController().signal });
    await expect(opening).rejects.toMatchObject({ code: 'ERR_CTAP_TIMEOUT' });
    expect(await connection.problems()).toEqual([]);
  });
});

describe('a transaction', () => {
  it.each([64, 62, 128])('writes exactly the packets of CTAPHID in reports of %d bytes', async (size) => {
    const long = new Uint8Array(1_000).map((_, i) => i);
    await scene(
      () => [...send(CTAPHID.PING, long, CID, size), ...answer(CTAPHID.PING, long, CID, size)],
      async ({ channel, abort }) => {
        expect(await channel.transact(CTAPHID.PING, long, { signal: abort.signal })).toEqual(long);
      },
      size,
    );
  });

  it('carries the longest message both ways, and refuses a longer one unsent', async () => {
    const longest = new Uint8Array(7609).fill(7);
    await scene(
      () => [...send(CTAPHID.PING, longest), ...answer(CTAPHID.PING, longest)],
      async ({ channel, abort }) => {
        expect(await channel.transact(CTAPHID.PING, longest, { signal: abort.signal })).toEqual(longest);
        const longer = channel.transact(CTAPHID.PING, new Uint8Array(7610), { signal: abort.signal });
        await expect(longer).rejects.toMatchObject({ code: 'ERR_CTAP_REQUEST_TOO_LARGE' });
      },
    );
  });

  it('is not disturbed by what belongs to other programs, and tells each change of keep-alive once', async () => {
    const seen: string[] = [];
    const long = new Uint8Array(200).fill(1);
    const [first, ...rest] = fragment(CID, CTAPHID.CBOR, concat(Uint8Array.of(0), long));
    const foreign = fragment(FOREIGN, CTAPHID.CBOR, long);
    await scene(
      () => [
        ...send(CTAPHID.CBOR, REQUEST),
        ...alive(KEEPALIVE.PROCESSING),
        ...alive(KEEPALIVE.PROCESSING),
        ...error(CTAPHID_ERR.CHANNEL_BUSY, FOREIGN),
        ...alive(KEEPALIVE.UPNEEDED),
        ...reads(foreign.slice(0, 2)),
        ...alive(KEEPALIVE.UPNEEDED),
        ...alive(0x77),
        ...reads(first === undefined ? [] : [first]),
        ...reads(foreign.slice(2)),
        ...reads(rest),
      ],
      async ({ ask }) => {
        expect((await ask({ onKeepalive: (status) => seen.push(status) })).length).toBe(201);
      },
    );
    expect(seen).toEqual(['processing', 'user-presence-needed', 'unknown-119']);
  });

  it('outlasts the idle limit while keep-alives come, and not the budget', async () => {
    const second: Step[] = [{ wait: 1_000 }, ...alive(KEEPALIVE.UPNEEDED)];
    await scene(
      () => [
        ...send(CTAPHID.CBOR, REQUEST),
        ...Array.from({ length: 9 }, () => second).flat(),
        { wait: 1_000 },
        ...cancel,
        ...answer(CTAPHID.CBOR, Uint8Array.of(0x2d)),
      ],
      async ({ ask }) => {
        await expect(ask({ budget: milliseconds(10_000) })).rejects.toMatchObject({ code: 'ERR_CTAP_TOUCH_TIMEOUT' });
      },
    );
  });

  it('ends after silence with CANCEL, and resynchronises before the next', async () => {
    await scene(
      () => [
        ...send(CTAPHID.CBOR, REQUEST),
        { wait: 3_000 },
        ...cancel,
        { wait: 2_000 },
        ...resync,
        ...send(CTAPHID.CBOR, REQUEST),
        ...answer(CTAPHID.CBOR, ANSWER),
      ],
      async ({ ask }) => {
        await expect(ask()).rejects.toMatchObject({ code: 'ERR_CTAP_TIMEOUT' });
        expect(await ask()).toEqual(ANSWER);
      },
    );
  });
});

describe('cancelling', () => {
  it('goes out on the waiting channel, and what was cancelled is awaited before the channel is used again', async () => {
    const order: string[] = [];
    await scene(
      (_, abort) => [
        ...send(CTAPHID.CBOR, REQUEST),
        ...alive(KEEPALIVE.UPNEEDED),
        { act: () => abort.abort(new Error('enough')) },
        ...cancel,
        ...alive(KEEPALIVE.UPNEEDED),
        { act: () => order.push('answered') },
        ...answer(CTAPHID.CBOR, Uint8Array.of(0x2d)),
        ...send(CTAPHID.CBOR, REQUEST),
        ...answer(CTAPHID.CBOR, ANSWER),
      ],
      async ({ ask }) => {
        const cancelled = ask().finally(() => order.push('rejected'));
        const next = ask({ signal: new AbortController().signal });
        await expect(cancelled).rejects.toMatchObject({ code: 'ERR_CTAP_CANCELLED', cause: { message: 'enough' } });
        expect(await next).toEqual(ANSWER);
      },
    );
    expect(order).toEqual(['answered', 'rejected']);
  });

  it('that the device ignores ends after the drain limit, and the next transaction resynchronises', async () => {
    await scene(
      (_, abort) => [
        ...send(CTAPHID.CBOR, REQUEST),
        { act: () => abort.abort() },
        ...cancel,
        { wait: 2_000 },
        ...resync,
        ...send(CTAPHID.CBOR, REQUEST),
        ...answer(CTAPHID.CBOR, ANSWER),
      ],
      async ({ ask }) => {
        await expect(ask()).rejects.toMatchObject({ code: 'ERR_CTAP_CANCELLED' });
        expect(await ask({ signal: new AbortController().signal })).toEqual(ANSWER);
      },
    );
  });

  it('before it began sends nothing', async () => {
    await scene(
      () => [],
      async ({ ask, abort }) => {
        abort.abort();
        await expect(ask()).rejects.toMatchObject({ code: 'ERR_CTAP_CANCELLED' });
      },
    );
  });
});

describe('a busy key', () => {
  it('is asked again with growing pauses, and answers', async () => {
    const pause = (ms: number): Step => ({ wait: (ms * (256 + 0xa5)) / 512 });
    await scene(
      () => [
        ...send(CTAPHID.CBOR, REQUEST),
        ...error(CTAPHID_ERR.CHANNEL_BUSY),
        pause(50),
        ...send(CTAPHID.CBOR, REQUEST),
        ...error(CTAPHID_ERR.CHANNEL_BUSY),
        pause(100),
        ...send(CTAPHID.CBOR, REQUEST),
        ...answer(CTAPHID.CBOR, ANSWER),
      ],
      async ({ ask }) => {
        expect(await ask()).toEqual(ANSWER);
      },
    );
  });

  it('that stays busy is an error of its own when the budget is used up', async () => {
    await scene(
      () => [
        ...send(CTAPHID.CBOR, REQUEST),
        ...error(CTAPHID_ERR.CHANNEL_BUSY),
        { wait: 100 },
        ...send(CTAPHID.CBOR, REQUEST),
        ...error(CTAPHID_ERR.CHANNEL_BUSY),
      ],
      async ({ ask }) => {
        await expect(ask({ budget: milliseconds(120) })).rejects.toMatchObject({ code: 'ERR_CTAP_BUSY' });
      },
    );
  });
});
