/** What the scanner's process may say, and that its parent believes nothing else. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  endFrame,
  FrameReader,
  ReportWriter,
  type ScannerFrame,
  stateFrame,
} from '../../../drivers/linux/bluetooth/scanner-frames.ts';

const read = (bytes: Uint8Array): readonly ScannerFrame[] => new FrameReader().read(bytes);

function written(...heard: readonly (readonly [unknown, unknown, unknown])[]): Uint8Array {
  const writer = new ReportWriter();
  for (const [address, type, rssi] of heard) writer.add(address, type, rssi);
  return writer.take();
}

describe('frames', () => {
  it('come out as they went in, wherever the stream was cut', () => {
    const stream = Buffer.concat([
      stateFrame('scanning'),
      written(['0a:1b:2c:3d:4e:5f', 'random', -61], ['FF:00:00:00:00:01', 'public', 5]),
      stateFrame('radio-off'),
      endFrame('failed', 'no such device'),
    ]);
    const expected: ScannerFrame[] = [
      { type: 'state', state: 'scanning' },
      {
        type: 'reports',
        reports: Uint8Array.of(0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f, 1, 195, 255, 0, 0, 0, 0, 1, 0, 5),
      },
      { type: 'state', state: 'radio-off' },
      { type: 'end', end: 'failed', text: 'no such device' },
    ];
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
        const reader = new FrameReader();
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const frames = places.flatMap((place, n) => reader.read(stream.subarray(place, places[n + 1] ?? place)));
        expect(
          frames.map((frame) =>
            frame.type === 'reports' ? { ...frame, reports: Uint8Array.from(frame.reports) } : frame,
          ),
        ).toEqual(expected);
      }),
    );
  });

  it.each([
    ['another type', [9, 1, 0, 0]],
    ['a state that there is not', [1, 1, 0, 99]],
    ['a state of two bytes', [1, 2, 0, 0, 0]],
    ['half a report', [2, 7, 0]],
    ['no report at all', [2, 0, 0]],
    ['more reports than a frame may have', [2, 8, 16]],
    ['an end without a reason', [3, 0, 0]],
    ['an end with another reason', [3, 1, 0, 9]],
    ['an end that talks too much', [3, 2, 2]],
  ])('%s is refused, before its bytes are waited for', (_, bytes) => {
    expect(() => read(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'ERR_HAL_ANSWER_INVALID' }));
  });

  it('of any bytes are frames, or a typed error', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (chunks) => {
        const reader = new FrameReader();
        try {
          for (const chunk of chunks) reader.read(chunk);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_HAL_ANSWER_INVALID' });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('carry no words of others that a terminal would obey', () => {
    expect(read(endFrame('failed', 'a\u001b[2Jb\nc'))).toEqual([{ type: 'end', end: 'failed', text: 'a [2Jb c' }]);
    expect(read(endFrame('failed', 'é'.repeat(5000)))).toMatchObject([{ type: 'end' }]);
  });
});

describe('what a package says it heard', () => {
  it.each([
    ['no text', 5, 'random'],
    ['no address', 'aabbccddeeff', 'random'],
    ['an address that is too long', 'aa:bb:cc:dd:ee:ff:00', 'random'],
    ['no type of an address', 'aa:bb:cc:dd:ee:ff', 'unknown'],
    ['no type at all', 'aa:bb:cc:dd:ee:ff', undefined],
  ])('%s is no report', (_, address, type) => {
    expect(new ReportWriter().add(address, type, -60)).toBe(false);
  });

  it('a strength that is none is told as not known', () => {
    for (const rssi of [undefined, Number.NaN, -128, 21, -60.5, '-60']) {
      expect(written(['aa:bb:cc:dd:ee:ff', 'random', rssi]).at(-1)).toBe(127);
    }
  });

  it('a frame takes 512 reports and no more', () => {
    const writer = new ReportWriter();
    const added = [...Array(600).keys()].filter(() => writer.add('aa:bb:cc:dd:ee:ff', 'random', -60));
    expect([added.length, writer.isFull]).toEqual([512, true]);
    expect(read(writer.take())).toHaveLength(1);
    expect(writer.isEmpty).toBe(true);
  });
});
