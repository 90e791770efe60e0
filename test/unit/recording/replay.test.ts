/** A tape played: order, waiting, deviations; and tapes and streams themselves. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seconds } from '../../../drivers/base/brand.ts';
import { toHex, utf8 } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { LOOKS, lookBytes, lookOf } from '../../../hal-mocks/recording/looks.ts';
import { Replay } from '../../../hal-mocks/recording/replay.ts';
import { ReplayHid, ReplayTpm } from '../../../hal-mocks/recording/replay-seams.ts';
import { seededEntropy, seedName } from '../../../hal-mocks/recording/seeded-entropy.ts';
import { jsonBytes, readTape, type TapeEntry, TapeRecorder } from '../../../hal-mocks/recording/tape.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';

const never = new AbortController().signal;
const entry = (
  direction: TapeEntry['direction'],
  channel: string,
  kind: string,
  bytes: Uint8Array = Uint8Array.of(1),
): TapeEntry => ({ seam: 'tpm', direction, channel, kind, bytes });

function played(entries: readonly TapeEntry[], clock = new ManualClock()) {
  const unasked: string[] = [];
  const tell = ({ kind }: TapeEntry) => unasked.push(kind);
  return { replay: new Replay(entries, { clock, unasked: { channels: ['hid'], tell } }), unasked, clock };
}

describe('a replay', () => {
  it('lets an input come only after everything that was before it, on whatever channel', async () => {
    const { replay } = played([entry('out', 'a', 'ask'), entry('out', 'b', 'ask'), entry('in', 'a', 'answer')]);
    replay.out('a', 'ask', Uint8Array.of(1));
    let came = false;
    const answer = replay.in('a', never).then(() => {
      came = true;
    });
    await settle();
    expect(came).toBe(false);
    replay.out('b', 'ask', Uint8Array.of(1));
    await answer;
    replay.finish();
  });

  it('tells what nobody asks for when its turn has come', () => {
    const { replay, unasked } = played([
      entry('in', 'hid', 'arrived'),
      entry('out', 'a', 'ask'),
      entry('in', 'hid', 'left'),
    ]);
    expect(unasked).toEqual(['arrived']);
    replay.out('a', 'ask', Uint8Array.of(1));
    expect(unasked).toEqual(['arrived', 'left']);
    replay.finish();
  });

  it.each([
    ['other bytes', 'a', 'ask', Uint8Array.of(2), 'entry 1 (a, asked: ask): from byte 0 on it was 01, now 02'],
    ['fewer bytes', 'a', 'ask', Uint8Array.of(), 'entry 1 (a, asked: ask): from byte 0 on it was 01, now the end'],
    ['another thing', 'a', 'tell', Uint8Array.of(1), 'a does tell in the place of entry 1 (a, asked: ask)'],
    ['another channel', 'c', 'ask', Uint8Array.of(1), 'c does ask, and nothing more was recorded of it'],
  ])('of %s deviates, and stays so', (_what, channel, kind, bytes, message) => {
    const { replay } = played([entry('out', 'a', 'ask')]);
    expect(() => replay.out(channel, kind, bytes)).toThrow(message);
    expect(() => replay.out('a', 'ask', Uint8Array.of(1))).toThrow(message);
    expect(() => replay.finish()).toThrow(message);
  });

  it('of which something is left over deviates', () => {
    const { replay } = played([entry('out', 'a', 'ask'), entry('in', 'a', 'answer')]);
    expect(() => replay.finish()).toThrow('2 entries are left over, the first is entry 1 (a, asked: ask)');
  });

  it('that waits for what does not come says for what, after a while', async () => {
    const { replay, clock } = played([entry('out', 'a', 'ask'), entry('out', 'b', 'ask'), entry('in', 'a', 'answer')]);
    replay.out('a', 'ask', Uint8Array.of(1));
    const answer = replay.in('a', never);
    const failed = expect(answer).rejects.toThrow('entry 2 (b, asked: ask) did not come');
    await clock.advance(seconds(31));
    await failed;
    expect(clock.pending).toBe(0);
  });

  it('ends a wait when whoever waits gives up, and swallows the answer in its turn', async () => {
    const { replay } = played([entry('out', 'a', 'ask'), entry('out', 'b', 'ask'), entry('in', 'a', 'answer')]);
    replay.out('a', 'ask', Uint8Array.of(1));
    const giving = new AbortController();
    const answer = replay.answer('a', giving.signal);
    giving.abort(new Error('given up'));
    await expect(answer).rejects.toThrow('given up');
    replay.out('b', 'ask', Uint8Array.of(1));
    replay.finish();
  });

  it('keeps a report for the next who reads', async () => {
    const { replay } = played([entry('out', 'b', 'ask'), entry('in', 'a', 'report')]);
    const giving = new AbortController();
    const first = replay.in('a', giving.signal);
    giving.abort(new Error('given up'));
    await expect(first).rejects.toThrow('given up');
    replay.out('b', 'ask', Uint8Array.of(1));
    expect((await replay.in('a', never)).kind).toBe('report');
  });
});

describe('the seams of a replay', () => {
  it('fail as they failed, and with nothing that is not of the set of codes', async () => {
    const failed = (code: string) => jsonBytes({ code, message: 'as it was' });
    const { replay } = played([
      entry('out', 'tpm 0', 'open', new Uint8Array()),
      entry('in', 'tpm 0', 'failed', failed('ERR_HAL_PERMISSION')),
      entry('out', 'tpm 1', 'open', new Uint8Array()),
      entry('in', 'tpm 1', 'failed', failed('ERR_OF_ANOTHER_PROGRAM')),
    ]);
    const tpm = new ReplayTpm().hal(replay, 'a recording');
    await expect(tpm.open({ signal: never })).rejects.toMatchObject({
      code: 'ERR_HAL_PERMISSION',
      message: 'as it was',
    });
    await expect(tpm.open({ signal: never })).rejects.toMatchObject({ code: 'ERR_HAL_IO' });
  });

  it('show a TPM that is looked at as it was seen last, however often', async () => {
    const look = Uint8Array.of(0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7a, 0, 0, 0, 6);
    const tpm = new ReplayTpm();
    const replay = new Replay(
      [
        entry('in', LOOKS, 'opened', jsonBytes({ description: 'x', managesHandles: true })),
        entry('in', LOOKS, 'look', lookBytes(look, Uint8Array.of(1))),
        entry('out', 'tpm 0', 'command', Uint8Array.of(9)),
        entry('in', 'tpm 0', 'response', Uint8Array.of(8)),
        entry('in', LOOKS, 'look', lookBytes(look, Uint8Array.of(2))),
      ],
      { clock: new ManualClock(), unasked: { channels: [LOOKS], tell: (each) => tpm.see(each) } },
    );
    const { open } = tpm.hal(replay, 'a recording');
    const [first, second] = [await open({ signal: never }), await open({ signal: never })];
    expect([first.description, first.managesHandles]).toEqual(['x', true]);
    for (let times = 0; times < 3; times++) expect(await first.submit(look, {})).toEqual(Uint8Array.of(1));
    expect(await second.submit(Uint8Array.of(9), {})).toEqual(Uint8Array.of(8));
    expect(await first.submit(look, {})).toEqual(Uint8Array.of(2));
    await first.close();
    await expect(first.submit(look, {})).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
    expect(() => lookOf(Uint8Array.of(0, 0, 0, 9, 1))).toThrow('a look is cut off');
    replay.finish();
  });

  it('list what is plugged in, tell who watches, and close what is read', async () => {
    const device = {
      path: 'p',
      vendorId: 1,
      productId: 2,
      manufacturer: null,
      product: 'x',
      serial: null,
      usagePage: 3,
      usage: 4,
    };
    const hid = new ReplayHid();
    const replay = new Replay(
      [
        { ...entry('in', 'hid', 'arrived', jsonBytes(device)), seam: 'hid' },
        entry('out', 'hid p 0', 'open', new Uint8Array()),
        entry('in', 'hid p 0', 'opened', jsonBytes({ input: 64, output: 64 })),
        entry('out', 'x', 'ask'),
        entry('in', 'hid', 'left', jsonBytes(device)),
      ],
      { clock: new ManualClock(), unasked: { channels: ['hid'], tell: (each) => hid.plug(each) } },
    );
    const hal = hid.hal(replay);
    expect(await hal.list({ signal: never })).toEqual([device]);
    const over = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { type } of hal.watch({ signal: over.signal })) seen.push(type);
    })();
    const connection = await hal.open('p', { signal: never });
    const reading = expect(connection.read({ signal: never })).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
    await connection.close();
    await reading;
    replay.out('x', 'ask', Uint8Array.of(1));
    await settle();
    over.abort();
    await watching;
    expect([seen, await hal.list({ signal: never })]).toEqual([['arrived', 'left'], []]);
    replay.finish();
  });
});

describe('a tape', () => {
  const head = { recording: 1, walkthrough: 'w', lane: 'mock', seed: 's' } as const;

  it('is read back as it was written', () => {
    const recorder = new TapeRecorder(head);
    const entries = [entry('out', 'tpm 0', 'command'), entry('in', 'hid a b', 'report', utf8('x'))];
    for (const each of entries) recorder.note(each);
    expect(readTape(recorder.finish(['passed']))).toEqual({ head, entries, end: ['passed'] });
  });

  it('is refused when it is none, whatever it is', () => {
    const recorder = new TapeRecorder(head);
    recorder.note(entry('out', 'tpm 0', 'command'));
    const whole = recorder.finish([]);
    const refused = (bytes: Uint8Array) => {
      try {
        readTape(bytes);
      } catch (error) {
        expect(isUnlockdError(error, 'ERR_RECORDING_INVALID')).toBe(true);
      }
    };
    fc.assert(
      fc.property(fc.nat(whole.length), fc.uint8Array({ maxLength: 40 }), (at, put) => {
        refused(Uint8Array.of(...whole.slice(0, at), ...put));
        refused(Uint8Array.of(...whole.slice(0, at), ...put, ...whole.slice(at + put.length)));
      }),
      { numRuns: 300 },
    );
    for (let length = 0; length < whole.length; length++) expect(() => readTape(whole.slice(0, length))).toThrow();
  });
});

describe('seeded random bytes', () => {
  const seed = new Uint8Array(32).fill(7);

  it('come again from the same seed, and differ by seed, stream, length and draw', () => {
    const of = (from: Uint8Array, stream: string, ...lengths: readonly number[]) => {
      const entropy = seededEntropy(from, stream);
      return lengths.map((length) => toHex(entropy.bytes(length)));
    };
    expect(of(seed, 'tpm', 16, 32, 100)).toEqual(of(seed, 'tpm', 16, 32, 100));
    const all = [...of(seed, 'tpm', 32, 32, 33), ...of(seed, 'daemon', 32), ...of(new Uint8Array(32), 'tpm', 32)];
    expect(new Set(all.map((hex) => hex.slice(0, 64))).size).toBe(5);
    expect(of(seed, 'tpm', 0, 1, 100).map((hex) => hex.length)).toEqual([0, 2, 200]);
  });

  it('do not depend on who of two lengths draws first', () => {
    const [a, b] = [seededEntropy(seed, 'x'), seededEntropy(seed, 'x')];
    const first = [toHex(a.bytes(16)), toHex(a.bytes(32))];
    const other = [toHex(b.bytes(32)), toHex(b.bytes(16))];
    expect(other.reverse()).toEqual(first);
  });

  it('are known by a name that is not the seed', () => {
    expect(seedName(seed)).toMatch(/^[0-9a-f]{64}$/);
    expect(seedName(seed)).not.toBe(toHex(seed));
    expect(seedName(seed)).not.toBe(seedName(new Uint8Array(32)));
  });
});
