import { describe, expect, it } from 'vitest';
import { concat, toHex, u32 } from '../../../drivers/base/bytes.ts';
import { CTAPHID, CTAPHID_ERR, fragment, maxPayload, Reassembler } from '../../../drivers/fido2/wire/ctaphid.ts';

const CID = 0x01020304;
const OTHER = 0x05060708;

describe('fragmentation', () => {
  it('pads with zeros and counts continuation packets from 0', () => {
    const reports = fragment(CID, CTAPHID.PING, new Uint8Array(120).fill(0xee), 64);
    expect(reports.map(toHex)).toEqual([
      `01020304810078${'ee'.repeat(57)}`,
      `0102030400${'ee'.repeat(59)}`,
      `0102030401${'ee'.repeat(4)}${'00'.repeat(55)}`,
    ]);
  });

  it('sends one packet for an empty message', () => {
    expect(fragment(CID, CTAPHID.CANCEL, new Uint8Array(0)).map(toHex)).toEqual([`01020304910000${'00'.repeat(57)}`]);
  });

  it('knows the longest message: 7609 bytes in reports of 64', () => {
    expect(maxPayload(64)).toBe(7609);
    expect(fragment(CID, CTAPHID.PING, new Uint8Array(7609))).toHaveLength(129);
  });
});

describe('a device putting messages together', () => {
  const device = () => new Reassembler({ role: 'device' });
  const long = fragment(CID, CTAPHID.CBOR, new Uint8Array(100));
  const [first, second] = long as [Uint8Array, Uint8Array];

  it('answers another channel in mid-message with BUSY and goes on with its own', () => {
    const it = device();
    expect(it.push(first)).toEqual({ kind: 'pending' });
    const [intruder] = fragment(OTHER, CTAPHID.PING, new Uint8Array(1)) as [Uint8Array];
    expect(it.push(intruder)).toMatchObject({ kind: 'violation', cid: OTHER, error: CTAPHID_ERR.CHANNEL_BUSY });
    expect(it.pending).toMatchObject({ cid: CID, received: 57 });
    expect(it.push(second)).toMatchObject({ kind: 'message', message: { cid: CID, command: CTAPHID.CBOR } });
  });

  it('ignores a foreign continuation packet in mid-message', () => {
    const it = device();
    it.push(first);
    expect(it.push(concat(u32(OTHER), new Uint8Array(60)))).toEqual({ kind: 'ignored' });
    expect(it.push(second)).toMatchObject({ kind: 'message' });
  });

  it('starts over when INIT comes on the own channel', () => {
    const it = device();
    it.push(first);
    const [init] = fragment(CID, CTAPHID.INIT, new Uint8Array(8)) as [Uint8Array];
    expect(it.push(init)).toMatchObject({ kind: 'message', message: { command: CTAPHID.INIT } });
    expect(it.push(second)).toEqual({ kind: 'ignored' });
  });

  it.each([
    ['another message on the own channel', fragment(CID, CTAPHID.PING, new Uint8Array(1))[0], CTAPHID_ERR.INVALID_SEQ],
    ['a wrong sequence number', second.with(4, 1), CTAPHID_ERR.INVALID_SEQ],
    ['a short report', second.subarray(0, 63), CTAPHID_ERR.INVALID_LEN],
  ])('gives its message up at %s', (_, report, error) => {
    const it = device();
    it.push(first);
    expect(it.push(report ?? new Uint8Array(0))).toMatchObject({ kind: 'violation', cid: CID, error });
    expect(it.pending).toBeNull();
  });

  it('refuses a length of 7610, and takes 7609', () => {
    const claim = (length: number) =>
      concat(u32(CID), Uint8Array.of(0x90, length >> 8, length & 0xff), new Uint8Array(57));
    expect(device().push(claim(7610))).toMatchObject({ kind: 'violation', error: CTAPHID_ERR.INVALID_LEN });
    expect(device().push(claim(7609))).toEqual({ kind: 'pending' });
  });

  it('ignores a continuation packet that continues nothing', () => {
    expect(device().push(second)).toEqual({ kind: 'ignored' });
  });
});

describe('a host putting messages together', () => {
  it('lets an error take the place of an unfinished answer', () => {
    const it = new Reassembler({ role: 'host', channel: CID });
    const [first] = fragment(CID, CTAPHID.CBOR, new Uint8Array(100)) as [Uint8Array];
    const [error] = fragment(CID, CTAPHID.ERROR, Uint8Array.of(5)) as [Uint8Array];
    it.push(first);
    expect(it.push(error)).toMatchObject({ kind: 'message', message: { command: CTAPHID.ERROR } });
  });
});
