/** The device's time: from the first report to the end of the answer, waits that overlap once, the writing within it. */
import { describe, expect, it } from 'vitest';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import { DeviceStopwatch, timingsOf } from '../../../drivers/fido2/stopwatch.ts';

/** A clock that stands still, and what moves it on by milliseconds. */
function standing(): { readonly clock: Clock; readonly pass: (span: number) => void } {
  let now = 1000;
  const pass = (span: number) => {
    now += span;
  };
  return { clock: { ...systemClock, now: () => monotonicMs(now) }, pass };
}

describe('the stopwatch of a device', () => {
  it('counts the writing of a request as a part of the wait for its answer', () => {
    const { clock, pass } = standing();
    const stopwatch = new DeviceStopwatch(clock);
    const wait = stopwatch.start();
    pass(4);
    wait.written();
    pass(6);
    wait.stop();
    pass(100);
    wait.stop();
    expect(timingsOf(stopwatch)).toEqual({ deviceMs: 10, writeMs: 4 });
  });

  it('counts waits that overlap once, and nothing from before it was started again', () => {
    const { clock, pass } = standing();
    const stopwatch = new DeviceStopwatch(clock);
    const first = stopwatch.start();
    pass(5);
    const second = stopwatch.start();
    second.written();
    pass(5);
    first.stop();
    pass(5);
    stopwatch.restart();
    pass(3);
    second.stop();
    expect(timingsOf(stopwatch)).toEqual({ deviceMs: 3, writeMs: 0 });
  });
});
