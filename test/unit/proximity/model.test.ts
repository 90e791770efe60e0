/** The model of the radio has the figures that its sources have, and its days hang together. */
import { describe, expect, it } from 'vitest';
import { SeededDice } from '../../oracle/dice.ts';
import { lineOfSightShare, normal, pathLoss, RadioChannel } from '../../proximity/channel.ts';
import { traceOf } from '../../proximity/trace.ts';

const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
const deviation = (values: readonly number[]) => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((one) => (one - middle) ** 2)));
};

describe('the channel', () => {
  it.each([
    [1, true, 40.15],
    [10, true, 57.45],
    [10, false, 65.25],
    [30, false, 83.52],
    [1, false, 40.15],
  ])('loses at %d m (free: %s) %d dB', (distance, free, loss) => {
    expect(pathLoss(distance, free)).toBeCloseTo(loss, 1);
  });

  it('is free beside the desk, and less often the farther', () => {
    expect([1, 1.2, 3, 6.5, 20].map((d) => Number(lineOfSightShare(d).toFixed(3)))).toEqual([1, 1, 0.682, 0.32, 0.211]);
  });

  it('has normally distributed shadows: as wide as the standard says, and alike for one metre, not for thirty', () => {
    const dice = new SeededDice(7);
    const values = Array.from({ length: 20_000 }, () => normal(dice));
    expect(mean(values)).toBeCloseTo(0, 1);
    expect(deviation(values)).toBeCloseTo(1, 1);
    const changeOver = (metres: number) => {
      const changes = Array.from({ length: 800 }, (_, seed) => {
        const channel = new RadioChannel(new SeededDice(seed));
        // Hundreds of packets take the fading out.
        const local = () => mean(Array.from({ length: 60 }, () => channel.step(0, 20, false, 0, 100).averaged));
        const before = local();
        channel.step(0, 20, false, metres, 1);
        return local() - before;
      });
      return deviation(changes);
    };
    // Of two values that are correlated by c the difference deviates by s * sqrt(2 - 2c).
    expect(changeOver(1) / (8.03 * Math.sqrt(2 - 2 * Math.exp(-1 / 6)))).toBeCloseTo(1, 1);
    expect(changeOver(30) / (8.03 * Math.SQRT2)).toBeCloseTo(1, 1);
  });

  it('fades: one packet by far more than a mean over the hops, which keeps the power', () => {
    const channel = new RadioChannel(new SeededDice(3));
    const readings = Array.from({ length: 4000 }, () => channel.step(0, 20, false, 0, 1000));
    expect(deviation(readings.map(({ single }) => single))).toBeGreaterThan(4.5);
    expect(deviation(readings.map(({ averaged }) => averaged))).toBeLessThan(2.5);
    const power = (dB: readonly number[]) => 10 * Math.log10(mean(dB.map((one) => 10 ** (one / 10))));
    expect(power(readings.map(({ single }) => single))).toBeCloseTo(power(readings.map((r) => r.averaged)), 0);
  });
});

describe('a day', () => {
  const trace = traceOf(5);

  it('is the same for the same seed, and another for another', () => {
    expect(Buffer.from(traceOf(5).averaged)).toEqual(Buffer.from(trace.averaged));
    expect(Buffer.from(traceOf(6).averaged)).not.toEqual(Buffer.from(trace.averaged));
  });

  it('has departures that begin and end at the desk, and are long enough', () => {
    expect(trace.departures.length).toBeGreaterThan(2);
    for (const { left, back } of trace.departures) {
      expect([trace.place[left - 1], trace.place[back]]).toEqual([0, 0]);
      const gone = trace.place.subarray(left, back).filter((where) => where === 2).length;
      expect(gone).toBeGreaterThanOrEqual(120 * 4);
      // Nobody touches the keyboard from elsewhere.
      expect(trace.lastInput[back - 1]).toBeLessThan(left);
    }
  });

  it('is received at the desk, and hardly or not at all outside', () => {
    const at = (where: number) => trace.averaged.filter((_, tick) => trace.place[tick] === where);
    const share = (values: Int8Array) => values.filter((dBm) => dBm < trace.golden - 14).length / values.length;
    expect(share(at(0))).toBeLessThan(0.05);
    expect(share(at(2))).toBeGreaterThan(0.5);
  });
});
