import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { FrameReader, frame, fromRadio, toRadio } from '../../../drivers/linux/bluetooth/radio-messages.ts';

const PROBE = {
  adapter: 0,
  address: 'aa:bb:cc:dd:ee:01',
  addressType: 'public',
  bearer: 'BR/EDR',
  minLevel: 'high',
  within: milliseconds(5000),
} as const;
const ASK = { type: 'probe', id: 7, probe: PROBE } as const;
const PROVED = {
  proved: true,
  encrypted: true,
  authenticated: true,
  keySize: 16,
  rssi: { scale: 'relative', value: -4 },
} as const;
const overBredr = () => 'BR/EDR' as const;
const answer = (outcome: unknown) => fromRadio({ type: 'outcome', id: 7, outcome }, overBredr);

describe('what the daemon says to the radio process', () => {
  it('is read back as it was written, in pieces of any size', () => {
    const bytes = Buffer.concat([frame(ASK), frame({ type: 'cancel', id: 7 })]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
        const reader = new FrameReader();
        const values: unknown[] = [];
        for (let at = 0, piece = 0; at < bytes.length; piece++) {
          const size = sizes[piece % sizes.length] ?? 1;
          values.push(...(reader.push(bytes.subarray(at, at + size)) ?? ['broken']));
          at += size;
        }
        expect(values.map(toRadio)).toEqual([ASK, { type: 'cancel', id: 7 }]);
      }),
    );
  });

  const not: readonly (readonly [string, unknown])[] = [
    ['an address that is none', { ...ASK, probe: { ...PROBE, address: 'aa:bb' } }],
    ['an address in capitals', { ...ASK, probe: { ...PROBE, address: 'AA:BB:CC:DD:EE:01' } }],
    ['an adapter below zero', { ...ASK, probe: { ...PROBE, adapter: -1 } }],
    ['a time without end', { ...ASK, probe: { ...PROBE, within: 1e9 } }],
    ['a time that is half', { ...ASK, probe: { ...PROBE, within: 1.5 } }],
    ['another level', { ...ASK, probe: { ...PROBE, minLevel: 'low' } }],
    ['another bearer', { ...ASK, probe: { ...PROBE, bearer: 'USB' } }],
    ['one field more', { ...ASK, probe: { ...PROBE, more: 1 } }],
    ['one field less', { type: 'probe', id: 7, probe: { ...PROBE, bearer: undefined } }],
    ['an id that is none', { ...ASK, id: 0 }],
    ['a prototype for a field', JSON.parse('{"type":"cancel","__proto__":{"id":1}}')],
    ['a list', [ASK]],
    ['nothing', null],
  ];
  for (const [what, value] of not) it(`is not ${what}`, () => expect(toRadio(value)).toBeNull());
});

describe('what the radio process says to the daemon', () => {
  it('is an outcome of a probe that was asked', () => {
    expect(answer(PROVED)).toEqual({ type: 'outcome', id: 7, outcome: PROVED });
    expect(answer({ ...PROVED, rssi: null })).toMatchObject({ outcome: { rssi: null } });
    const refused = { proved: false, reason: 'refused', detail: 'connection: EACCES' };
    expect(answer(refused)).toMatchObject({ outcome: refused });
  });

  it('is no answer to what nobody asked', () => {
    expect(fromRadio({ type: 'outcome', id: 8, outcome: PROVED }, () => null)).toBeNull();
  });

  const not: readonly (readonly [string, unknown])[] = [
    ['a proof without encryption', { ...PROVED, encrypted: false }],
    ['a proof with a short key', { ...PROVED, keySize: 15 }],
    ['a proof with a reason', { ...PROVED, reason: 'refused' }],
    ['a strength on the scale of the other bearer', { ...PROVED, rssi: { scale: 'dBm', value: -4 } }],
    ['a strength that is no number', { ...PROVED, rssi: { scale: 'relative', value: null } }],
    ['a strength that no controller reports', { ...PROVED, rssi: { scale: 'relative', value: 127 } }],
    ['a reason that there is not', { proved: false, reason: 'tired', detail: null }],
    ['words with control characters', { proved: false, reason: 'failed', detail: '\u001b[2J' }],
    ['endless words', { proved: false, reason: 'failed', detail: 'x'.repeat(201) }],
  ];
  for (const [what, outcome] of not) it(`is not ${what}`, () => expect(answer(outcome)).toBeNull());
});

describe('frames', () => {
  it('of no or too many bytes, or of no JSON, end the stream', () => {
    expect(new FrameReader().push(Buffer.from([0, 0]))).toBeNull();
    expect(new FrameReader().push(Buffer.from([0xff, 0xff]))).toBeNull();
    expect(new FrameReader().push(Buffer.from([0, 1, 0x7b]))).toBeNull();
  });

  it('are values or the end for any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (pieces) => {
        const reader = new FrameReader();
        for (const piece of pieces) {
          const values = reader.push(Buffer.from(piece));
          if (values === null) return;
          for (const value of values) {
            toRadio(value);
            fromRadio(value, overBredr);
          }
        }
      }),
    );
  });
});
