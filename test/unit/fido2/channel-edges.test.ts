import { describe, expect, it } from 'vitest';
import { concat, fromHex, u32 } from '../../../drivers/base/bytes.ts';
import { CTAPHID, CTAPHID_ERR, fragment, KEEPALIVE } from '../../../drivers/fido2/wire/ctaphid.ts';
import { ANSWER, alive, answer, CID, error, REQUEST, resync, scene, send } from '../../support/fido2/channel-scene.ts';
import { reads } from '../../support/fido2/transcript-hid.ts';

/** What firmwares do at the edges of CTAPHID, and what the client makes of it. */
describe('at the edges', () => {
  it.each([
    ['INVALID_CMD', 0x01],
    ['INVALID_LEN', 0x03],
    ['INVALID_CHANNEL', 0x0b],
    ['OTHER', 0x7f],
    ['0x42', 0x42],
  ])('CTAPHID_ERROR %s keeps its number', async (name, byte) => {
    await scene(
      () => [...send(CTAPHID.CBOR, REQUEST), ...error(byte)],
      async ({ ask }) => {
        await expect(ask()).rejects.toMatchObject({ code: 'ERR_CTAP_TRANSPORT', detail: { error: byte, name } });
      },
    );
  });

  it.each([
    ['MSG_TIMEOUT', CTAPHID_ERR.MSG_TIMEOUT],
    ['INVALID_SEQ', CTAPHID_ERR.INVALID_SEQ],
  ])(
    '%s, because another program got in between, makes it send the message again, three times in all',
    async (_, byte) => {
      const lost = [...send(CTAPHID.CBOR, REQUEST), ...error(byte)];
      await scene(
        () => [
          ...lost,
          ...lost,
          ...send(CTAPHID.CBOR, REQUEST),
          ...answer(CTAPHID.CBOR, ANSWER),
          ...lost,
          ...lost,
          ...lost,
        ],
        async ({ ask }) => {
          expect(await ask()).toEqual(ANSWER);
          await expect(ask()).rejects.toMatchObject({ code: 'ERR_CTAP_TRANSPORT', detail: { error: byte } });
        },
      );
    },
  );

  it('a stray error after the answer belongs to nothing', async () => {
    await scene(
      () => [
        ...send(CTAPHID.CBOR, REQUEST),
        ...error(CTAPHID_ERR.INVALID_LEN),
        ...error(CTAPHID_ERR.MSG_TIMEOUT),
        ...send(CTAPHID.CBOR, REQUEST),
        ...answer(CTAPHID.CBOR, ANSWER),
      ],
      async ({ ask, clock }) => {
        await expect(ask()).rejects.toMatchObject({ detail: { error: 3 } });
        await clock.advance(1);
        expect(await ask()).toEqual(ANSWER);
      },
    );
  });

  it('a keep-alive before an error is no answer', async () => {
    await scene(
      () => [...send(CTAPHID.CBOR, REQUEST), ...alive(KEEPALIVE.PROCESSING), ...error(CTAPHID_ERR.INVALID_LEN)],
      async ({ ask }) => {
        await expect(ask()).rejects.toMatchObject({ code: 'ERR_CTAP_TRANSPORT' });
      },
    );
  });

  it('an answer to another command, and continuation packets of nothing, are not taken', async () => {
    const stray = concat(u32(CID), fromHex('00'), new Uint8Array(59));
    await scene(
      () => [
        ...send(CTAPHID.CBOR, REQUEST),
        { read: stray },
        ...answer(CTAPHID.PING, ANSWER),
        ...answer(CTAPHID.CBOR, ANSWER),
      ],
      async ({ ask }) => {
        expect(await ask()).toEqual(ANSWER);
      },
    );
  });

  it.each([
    ['out of sequence', (second: Uint8Array) => second.with(4, 3)],
    ['short', (second: Uint8Array) => second.subarray(0, 20)],
  ])('a packet that is %s breaks the answer, and the next transaction resynchronises', async (_, spoil) => {
    const [first, second] = fragment(CID, CTAPHID.CBOR, new Uint8Array(100));
    await scene(
      () => [
        ...send(CTAPHID.CBOR, REQUEST),
        ...reads(first === undefined || second === undefined ? [] : [first, spoil(second)]),
        ...resync,
        ...send(CTAPHID.CBOR, REQUEST),
        ...answer(CTAPHID.CBOR, ANSWER),
      ],
      async ({ ask }) => {
        await expect(ask()).rejects.toMatchObject({ code: 'ERR_CTAP_MALFORMED_RESPONSE' });
        expect(await ask()).toEqual(ANSWER);
      },
    );
  });

  it('a message that claims more than 7609 bytes is refused at its first packet', async () => {
    const claims = concat(u32(CID), Uint8Array.of(0x90, 0x1d, 0xba), new Uint8Array(57));
    await scene(
      () => [...send(CTAPHID.CBOR, REQUEST), { read: claims }],
      async ({ ask }) => {
        await expect(ask()).rejects.toMatchObject({ code: 'ERR_CTAP_MALFORMED_RESPONSE' });
      },
    );
  });

  it.each([1, 2, 3])(
    'an unplug after packet %d of the answer is noticed, and everything after it fails the same way',
    async (n) => {
      const packets = fragment(CID, CTAPHID.CBOR, new Uint8Array(200)).slice(0, n);
      await scene(
        (unplug) => [...send(CTAPHID.CBOR, REQUEST), ...reads(packets), { act: unplug }],
        async ({ ask, channel }) => {
          await expect(ask()).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
          await expect(ask()).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
          expect(channel.lost.aborted).toBe(true);
        },
      );
    },
  );

  it('closing while an answer is awaited ends the wait', async () => {
    await scene(
      () => [...send(CTAPHID.CBOR, REQUEST)],
      async ({ ask, channel, clock }) => {
        const waiting = ask();
        const ended = expect(waiting).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
        await clock.advance(1);
        await channel.close();
        await ended;
      },
    );
  });
});
