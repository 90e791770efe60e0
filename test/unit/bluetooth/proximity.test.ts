/** Whether a device is near, by the samples of its strength: thresholds, smoothing, staleness, scales. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import {
  onScale,
  type Proximity,
  type ProximityRule,
  type ProximitySample,
  prolonged,
  proximityAt,
  sampled,
  unknownProximity,
} from '../../../drivers/bluetooth/proximity.ts';

const RULE: ProximityRule<'relative'> = {
  scale: 'relative',
  near: -10,
  far: -14,
  maxFall: -10,
  smoothing: 0.5,
  weakSamples: 3,
  staleAfter: milliseconds(90_000),
  withoutStrength: 'near',
};
const at = (seconds: number) => monotonicMs(seconds * 1000);

/** dB every 20 s from second 0; null: it could not be reached. */
function trackOf(strengths: readonly (number | null)[], rule = RULE): Proximity<'relative'> {
  return strengths.reduce<Proximity<'relative'>>((track, value, n) => {
    const rssi = value === null ? null : ({ scale: 'relative', value } as const);
    return sampled(track, { at: at(20 * n), reachable: value !== null, rssi }, rule);
  }, unknownProximity(RULE));
}

describe('near and far', () => {
  it.each<[string, readonly (number | null)[], Proximity<'relative'>['judged']]>([
    ['nothing is known at first', [], 'unknown'],
    ['one strong sample is near', [-10], 'near'],
    ['one that is not strong enough is not', [-10.5], 'unknown'],
    ['between the thresholds nothing is judged, however long', [-12, -12, -12, -12, -12], 'unknown'],
    ['what was never near and stays weak is far', [-30, -30, -30], 'far'],
    ['what was never near and cannot be reached is far', [null, null, null], 'far'],
    ['a fall above the far threshold changes nothing', [-9, -13, -13, -13, -13], 'near'],
    ['a fall has to last', [0, null, null], 'near'],
    ['and then counts', [0, null, null, null], 'far'],
    ['weak and unreachable ones count together', [0, null, -30, null], 'far'],
    ['a good one in between begins anew', [0, null, null, -3, null, null], 'near'],
    ['the first weak one after good ones is smoothed away', [0, -25, 0, -25, 0, -25], 'near'],
    ['what fell by more than the greatest fall is far, above the far threshold', [0, -13, -13, -13, -13, -13], 'far'],
    ['what is far comes back with one strong sample', [0, null, null, null, -9], 'near'],
    ['and not between the thresholds', [0, null, null, null, -12], 'far'],
  ])('%s', (_, strengths, judged) => {
    expect(trackOf(strengths).judged).toBe(judged);
  });

  it('says what it fell below, when, and how strong it was', () => {
    expect(trackOf([-2, -30, -30, -30]).departure).toEqual({
      at: at(60),
      reason: 'far',
      strength: -26.5,
      threshold: -14,
    });
    expect(trackOf([0, -13, -13, -13, -13, -13])).toMatchObject({
      best: null,
      departure: { reason: 'fell', threshold: -10 },
    });
    expect(trackOf([0, null, null, null]).departure?.reason).toBe('unreachable');
    expect(trackOf([-30, -30, -30]).departure).toBeNull();
    expect(trackOf([0, null, null, null, 0]).departure).toBeNull();
  });

  it('keeps the best smoothed strength since it was judged near', () => {
    expect(trackOf([-3, -1, -9]).best).toEqual({ scale: 'relative', value: -1 });
    expect(trackOf([0, null, null, null, -8]).best?.value).toBe(-8);
  });

  it('a rise counts at once, a fall by the weight of the newest', () => {
    expect(trackOf([-8, -2]).strength?.value).toBe(-2);
    expect(trackOf([-2, -8]).strength?.value).toBe(-5);
    expect(trackOf([-2, null]).strength).toBeNull();
  });
});

describe('time', () => {
  it('a device of which nothing is heard is far when the last sample is stale, and not a moment earlier', () => {
    const near = trackOf([0]);
    expect(proximityAt(near, monotonicMs(89_999)).judged).toBe('near');
    expect(proximityAt(near, at(1000))).toMatchObject({ judged: 'far', departure: { at: at(90), reason: 'stale' } });
  });

  it('failed probes do not keep it fresh', () => {
    expect(proximityAt(trackOf([0, null, null]), at(90)).departure?.reason).toBe('stale');
  });

  it('a cached reading that is told again is no sample', () => {
    const rssi = { scale: 'relative', value: 0 } as const;
    const once = sampled(unknownProximity(RULE), { at: at(5), reachable: true, rssi }, RULE);
    const again = { at: at(5), reachable: true, rssi } as const;
    expect(sampled(once, again, RULE)).toBe(once);
    expect(sampled(once, { ...again, at: at(4) }, RULE)).toBe(once);
    expect(sampled(once, { ...again, at: monotonicMs(Number.NaN) }, RULE)).toBe(once);
  });

  it('what speaks for it prolongs a nearness, and makes none', () => {
    expect(proximityAt(prolonged(trackOf([0]), at(150)), at(149)).judged).toBe('near');
    expect(prolonged(trackOf([0]), at(10)).freshUntil).toBe(at(90));
    const far = trackOf([0, null, null, null]);
    expect(prolonged(far, at(1000))).toBe(far);
  });
});

describe('scales', () => {
  it('a strength of the other scale does not compile, and is no strength when it comes all the same', () => {
    const dBm: ProximityRule<'dBm'> = { ...RULE, scale: 'dBm', near: -70, far: -80 };
    const sample: ProximitySample<'relative'> = { at: at(0), reachable: true, rssi: { scale: 'relative', value: -1 } };
    // @ts-expect-error samples in dB are not judged by a rule in dBm
    const judged = sampled(unknownProximity(dBm), sample, { ...dBm, withoutStrength: 'ignored' });
    expect(judged).toMatchObject({ judged: 'unknown', strength: null, reachedAt: null });
    // @ts-expect-error what was judged in dB does not go on in dBm
    expect(sampled(trackOf([0]), { ...sample, at: at(90), rssi: null }, dBm).judged).toBe('near');
    // @ts-expect-error a rule of either scale is none
    const either: ProximityRule<'relative' | 'dBm'> = dBm;
    expect(either).toBe(dBm);
  });

  it('a device that answers without telling its strength is near, or ignored, as the rule says', () => {
    const silent = { at: at(0), reachable: true, rssi: null } as const;
    expect(sampled(unknownProximity(RULE), silent, RULE)).toMatchObject({ judged: 'near', strength: null, best: null });
    expect(sampled(unknownProximity(RULE), silent, { ...RULE, withoutStrength: 'ignored' }).judged).toBe('unknown');
  });

  it('a reading is narrowed by its scale, and is none when it is no number', () => {
    expect(onScale({ scale: 'dBm', value: -70 }, 'dBm')).toEqual({ scale: 'dBm', value: -70 });
    expect(onScale({ scale: 'dBm', value: -70 }, 'relative')).toBeNull();
    expect(onScale({ scale: 'dBm', value: Number.NaN }, 'dBm')).toBeNull();
    expect(onScale(null, 'dBm')).toBeNull();
  });

  it('a strength beyond what any radio says is cut', () => {
    expect(trackOf([1e9]).strength?.value).toBe(20);
    expect(trackOf([-1e9]).strength?.value).toBe(-128);
  });
});

describe('more presence', () => {
  const strength = fc.option(fc.integer({ min: -60, max: 5 }), { freq: 4 });
  const absolute = { ...RULE, maxFall: null };
  const pairs = fc.array(fc.tuple(strength, fc.nat(30)), { minLength: 1, maxLength: 40 });

  it('never makes a device leave earlier', () => {
    let departures = 0;
    fc.assert(
      fc.property(pairs, (steps) => {
        const less = trackOf([0, ...steps.map(([value]) => value)], absolute);
        const more = trackOf(
          [0, ...steps.map(([value, by]) => (value === null ? (by > 20 ? -60 : null) : value + by))],
          {
            ...absolute,
          },
        );
        if (less.judged === 'far') departures++;
        if (less.judged === 'near') expect(more.judged).toBe('near');
      }),
      { numRuns: 1000 },
    );
    expect(departures).toBeGreaterThan(50);
  });
});
