/**
 * What is compared with, each with its own constants. Windows: what its documentation and measurements of others say; how
 * it weighs one reading against another is documented nowhere. BlueProximity 1.3 and Chrome OS: as their sources have it.
 */
import { TICKS_A_SECOND } from './day.ts';
import { type Algorithm, canLink, KeptLink, PAGE_TIMEOUT, relative } from './links.ts';

/** A reading a minute, 10 dB below the golden range or below the strength at the last return, and 30 s without input. */
export const windowsRule: Algorithm = (trace) => {
  const [every, idle, weaker] = [60 * TICKS_A_SECOND, 30 * TICKS_A_SECOND, -10];
  const locks: number[] = [];
  let [readings, armed, weak, reference] = [0, false, false, 0];
  /** Ticks: when the next reading begins, and when the failed one is known. */
  let [next, failedAt] = [(trace.seed * 7919) % every, -1];
  for (let tick = 0; tick < trace.ticks; tick++) {
    if (tick === next) {
      next += every;
      readings++;
      if (canLink(trace, tick)) {
        const strength = relative(trace.averaged[tick] ?? 0, trace);
        if (!armed && strength >= weaker) [armed, reference] = [true, strength];
        weak = strength < weaker || strength < reference + weaker;
      } else failedAt = tick + PAGE_TIMEOUT;
    }
    if (tick === failedAt) weak = true;
    if (armed && weak && tick - (trace.lastInput[tick] ?? 0) >= idle) {
      locks.push(tick);
      armed = false;
    }
  }
  return { locks, readings };
};

/** A reading a second; gone when 7 or more below for 6 of them, back when 4 or less below once. */
export const blueProximity: Algorithm = (trace) => {
  const link = new KeptLink(trace, trace.averaged, 20 * TICKS_A_SECOND);
  const locks: number[] = [];
  let [readings, gone, count] = [0, true, 0];
  for (let tick = 0; tick < trace.ticks; tick += TICKS_A_SECOND) {
    readings++;
    const dBm = link.read(tick);
    const strength = dBm === null ? -255 : relative(dBm, trace);
    if (gone) {
      if (strength >= -4) [gone, count] = [false, 0];
    } else if (strength <= -7) {
      count++;
      if (count >= 6) {
        locks.push(tick);
        [gone, count] = [true, 0];
      }
    } else count = 0;
  }
  return { locks, readings };
};

/** A reading every 250 ms into a running mean in which the newest counts 0.3; near above -70 dBm; without a link, far. */
export const smartLock: Algorithm = (trace) => {
  const link = new KeptLink(trace, trace.single, 5 * TICKS_A_SECOND);
  const locks: number[] = [];
  let near = false;
  let mean: number | null = null;
  for (let tick = 0; tick < trace.ticks; tick++) {
    const dBm = link.read(tick);
    mean = dBm === null ? null : mean === null ? dBm : 0.3 * dBm + 0.7 * mean;
    const now = mean !== null && mean > -70;
    if (near && !now) locks.push(tick);
    near = now;
  }
  return { locks, readings: trace.ticks };
};
