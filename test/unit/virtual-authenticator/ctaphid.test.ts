/** CTAPHID as CTAP 2.1 §11.2 has it, rule by rule, with bare frames and a clock that the test moves. */
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../drivers/base/bytes.ts';
import { encodeCanonical } from '../../../drivers/fido2/wire/cbor.ts';
import { CTAPHID, fragment } from '../../../drivers/fido2/wire/ctaphid.ts';
import { settle } from './manual-clock.ts';
import { BROADCAST, makeParameters, RawHost } from './raw-host.ts';

const { PING, INIT, CBOR, CANCEL, ERROR, KEEPALIVE, WINK, MSG, LOCK } = CTAPHID;
const UPNEEDED = 2;
const PROCESSING = 1;
const NONCE = fromHex('a1a2a3a4a5a6a7a8');
const GET_INFO = Uint8Array.of(0x04);
const MAKE = Uint8Array.of(0x01, ...encodeCanonical(makeParameters()));

describe('channels', () => {
  it('are allocated on the broadcast channel, with the nonce, the version and the capabilities in the answer', async () => {
    const host = new RawHost();
    host.send(BROADCAST, INIT, NONCE);
    await settle();
    const [answer] = host.heard;
    expect(answer?.cid).toBe(BROADCAST);
    expect(answer?.payload.subarray(0, 8)).toEqual(NONCE);
    expect([...(answer?.payload.subarray(12) ?? [])]).toEqual([2, 1, 0, 0, 0x01 | 0x04 | 0x08]);
  });

  it('are all different, and never 0 or the broadcast channel', async () => {
    const host = new RawHost();
    const cids = new Set<number>();
    for (let i = 0; i < 100; i++) cids.add(await host.open());
    expect(cids.size).toBe(100);
    expect(cids.has(0) || cids.has(BROADCAST)).toBe(false);
  });

  it('past 256 take the place of the one that was silent longest', async () => {
    const host = new RawHost();
    const first = await host.open();
    const second = await host.open();
    host.send(first, PING);
    for (let i = 0; i < 255; i++) await host.open();
    host.heard.length = 0;
    host.send(first, PING);
    host.send(second, PING);
    expect(await host.answers()).toEqual([
      [PING, undefined],
      [ERROR, 0x0b],
    ]);
  });

  it.each([
    ['0', 0],
    ['that was never allocated', 0x12345678],
  ])('%s are refused with INVALID_CHANNEL', async (_title, cid) => {
    const host = new RawHost();
    host.send(cid, PING, Uint8Array.of(1));
    expect(await host.answers()).toEqual([[ERROR, 0x0b]]);
  });

  it('do not include the broadcast channel for anything but INIT', async () => {
    const host = new RawHost();
    host.send(BROADCAST, PING, Uint8Array.of(1));
    host.send(BROADCAST, CBOR, GET_INFO);
    expect(await host.answers()).toEqual([
      [ERROR, 0x0b],
      [ERROR, 0x0b],
    ]);
  });

  it('keep their number when they are resynchronised by INIT', async () => {
    const host = new RawHost();
    const cid = await host.open();
    host.send(cid, INIT, NONCE);
    await settle();
    const [answer] = host.heard.splice(0);
    expect(answer?.cid).toBe(cid);
    expect(new DataView((answer?.payload ?? NONCE).slice().buffer).getUint32(8)).toBe(cid);
  });

  it('are gone after a power cycle', async () => {
    const host = new RawHost();
    const cid = await host.open();
    host.authenticator.powerCycle();
    host.send(cid, PING);
    expect(await host.answers()).toEqual([[ERROR, 0x0b]]);
  });
});

describe('messages', () => {
  it.each([0, 1, 57, 58, 116, 117, 1024, 7609])('of %i bytes come back from PING', async (length) => {
    const host = new RawHost();
    const cid = await host.open();
    const payload = Uint8Array.from({ length }, (_, i) => i % 251);
    host.send(cid, PING, payload);
    await settle();
    expect(host.heard.map((it) => it.payload)).toEqual([payload]);
  });

  it('longer than 7609 bytes are refused with INVALID_LEN', async () => {
    const host = new RawHost();
    const cid = await host.open();
    const [report = new Uint8Array(64)] = fragment(cid, PING, new Uint8Array(7609));
    report.set([7610 >> 8, 7610 & 0xff], 5);
    host.authenticator.receive(report);
    expect(await host.answers()).toEqual([[ERROR, 0x03]]);
  });

  it('with a wrong sequence number are refused with INVALID_SEQ, and the next one is heard', async () => {
    const host = new RawHost();
    const cid = await host.open();
    const [first, second] = fragment(cid, PING, new Uint8Array(100));
    if (first) host.authenticator.receive(first);
    second?.set([1], 4);
    if (second) host.authenticator.receive(second);
    host.send(cid, PING);
    expect(await host.answers()).toEqual([
      [ERROR, 0x04],
      [PING, undefined],
    ]);
  });

  it('that stay unfinished for half a second are ended with MSG_TIMEOUT, counted from the last packet', async () => {
    const host = new RawHost();
    const cid = await host.open();
    const [first = new Uint8Array(64), second = new Uint8Array(64)] = fragment(cid, PING, new Uint8Array(150));
    host.authenticator.receive(first);
    await host.clock.advance(499);
    host.authenticator.receive(second);
    await host.clock.advance(499);
    expect(await host.answers()).toEqual([]);
    await host.clock.advance(1);
    expect(await host.answers()).toEqual([[ERROR, 0x05]]);
    await host.clock.advance(5000);
    expect(await host.answers()).toEqual([]);
  });

  it('of another channel in the middle of one are refused with CHANNEL_BUSY and disturb nothing', async () => {
    const host = new RawHost();
    const [owner, intruder] = [await host.open(), await host.open()];
    const [first = new Uint8Array(64), second = new Uint8Array(64)] = fragment(owner, PING, new Uint8Array(100));
    host.authenticator.receive(first);
    host.send(intruder, PING);
    host.authenticator.receive(second);
    await settle();
    expect(host.heard.map((it) => [it.cid, it.command])).toEqual([
      [intruder, ERROR],
      [owner, PING],
    ]);
    expect(host.heard[0]?.payload).toEqual(Uint8Array.of(0x06));
  });

  it('are given up when their own channel sends INIT', async () => {
    const host = new RawHost();
    const cid = await host.open();
    const [first = new Uint8Array(64)] = fragment(cid, PING, new Uint8Array(100));
    host.authenticator.receive(first);
    host.send(cid, INIT, NONCE);
    host.send(cid, PING);
    await host.clock.advance(1000);
    expect(await host.answers()).toEqual([
      [INIT, NONCE[0]],
      [PING, undefined],
    ]);
  });

  it('that consist of a stray continuation packet are met with silence', async () => {
    const host = new RawHost();
    const cid = await host.open();
    const [, second = new Uint8Array(64)] = fragment(cid, PING, new Uint8Array(100));
    host.authenticator.receive(second);
    expect(await host.answers()).toEqual([]);
  });

  it.each([
    ['CBOR of no length', CBOR, new Uint8Array(0), 0x03],
    ['INIT with seven bytes', INIT, new Uint8Array(7), 0x03],
    ['WINK with a byte', WINK, new Uint8Array(1), 0x03],
    ['U2F', MSG, new Uint8Array(8), 0x01],
    ['LOCK', LOCK, Uint8Array.of(1), 0x01],
    ['an invented command', 0x55, new Uint8Array(0), 0x01],
  ])('that are %s are refused', async (_title, command, payload, error) => {
    const host = new RawHost();
    const cid = await host.open();
    host.send(cid, command, payload);
    expect(await host.answers()).toEqual([[ERROR, error]]);
  });

  it.each([0, 3, 5, 63, 65, 200])('in a report of %i bytes do not harm it', async (length) => {
    const host = new RawHost();
    const cid = await host.open();
    const [report = new Uint8Array(64)] = fragment(cid, PING, new Uint8Array(10));
    const other = new Uint8Array(length);
    other.set(report.subarray(0, length));
    host.authenticator.receive(other);
    host.send(cid, PING);
    expect((await host.answers()).at(-1)).toEqual([PING, undefined]);
  });
});

describe('a request that waits for a touch', () => {
  async function waiting() {
    const host = new RawHost();
    const cid = await host.open();
    host.send(cid, CBOR, MAKE);
    await settle();
    return { host, cid };
  }

  it('says UPNEEDED at once and every 100 ms, and is answered after the touch', async () => {
    const { host } = await waiting();
    expect(await host.answers()).toEqual([[KEEPALIVE, UPNEEDED]]);
    await host.clock.advance(350);
    expect(await host.answers()).toEqual(Array.from({ length: 3 }, () => [KEEPALIVE, UPNEEDED]));
    expect(host.authenticator.touch()).toBe(true);
    expect(await host.answers()).toEqual([
      [KEEPALIVE, PROCESSING],
      [CBOR, 0],
    ]);
    await host.clock.advance(1000);
    expect(await host.answers()).toEqual([]);
  });

  it('ends with KEEPALIVE_CANCEL on CTAPHID_CANCEL of its own channel', async () => {
    const { host, cid } = await waiting();
    host.send(cid, CANCEL);
    expect((await host.answers()).at(-1)).toEqual([CBOR, 0x2d]);
    expect(host.authenticator.touch()).toBe(false);
  });

  it('is not cancelled by another channel, which gets no answer', async () => {
    const { host } = await waiting();
    const before = host.authenticator.presence.waiting;
    host.heard.length = 0;
    const other = 0x11111111;
    host.send(other, CANCEL);
    expect(await host.answers()).toEqual([[ERROR, 0x0b]]);
    expect([before, host.authenticator.presence.waiting]).toEqual([true, true]);
  });

  it('makes it busy for everybody else, and for INIT on the broadcast channel', async () => {
    const host = new RawHost();
    const [cid, other] = [await host.open(), await host.open()];
    host.send(cid, CBOR, MAKE);
    await host.answers();
    host.send(other, CBOR, GET_INFO);
    host.send(other, CANCEL);
    host.send(BROADCAST, INIT, NONCE);
    host.send(cid, PING);
    expect(await host.answers()).toEqual([
      [ERROR, 0x06],
      [ERROR, 0x06],
      [ERROR, 0x06],
    ]);
    host.authenticator.touch();
    expect((await host.answers()).at(-1)).toEqual([CBOR, 0]);
  });

  it('is given up without an answer when its own channel sends INIT', async () => {
    const { host, cid } = await waiting();
    await host.answers();
    host.send(cid, INIT, NONCE);
    expect(await host.answers()).toEqual([[INIT, NONCE[0]]]);
    await host.clock.advance(60_000);
    expect(await host.answers()).toEqual([]);
    expect(host.authenticator.state.signCount).toBe(0);
  });

  it('ends with USER_ACTION_TIMEOUT when nobody touches for 30 s', async () => {
    const { host } = await waiting();
    await host.clock.advance(29_999);
    expect((await host.answers()).at(-1)).toEqual([KEEPALIVE, UPNEEDED]);
    await host.clock.advance(1);
    expect((await host.answers()).at(-1)).toEqual([CBOR, 0x2f]);
  });

  it('ends with OPERATION_DENIED when it is declined', async () => {
    const { host } = await waiting();
    host.authenticator.presence.decline();
    expect((await host.answers()).at(-1)).toEqual([CBOR, 0x27]);
  });

  it('is never answered when the power goes', async () => {
    const { host } = await waiting();
    await host.answers();
    host.authenticator.remove();
    host.authenticator.insert();
    host.listen();
    await host.clock.advance(60_000);
    expect(await host.answers()).toEqual([]);
    expect(host.authenticator.presence.waiting).toBe(false);
  });
});

describe('CANCEL', () => {
  it('without a request is met with silence', async () => {
    const host = new RawHost();
    const cid = await host.open();
    host.send(cid, CANCEL);
    expect(await host.answers()).toEqual([]);
  });
});
