/**
 * How long the machine has been up, the time that it was suspended included: CLOCK_BOOTTIME of clock_gettime(2), which
 * /proc/uptime shows (proc(5)). The monotonic clock stands still in a suspend; together they tell that there was one.
 */
import { uptime } from 'node:os';
import { type Milliseconds, milliseconds } from '../base/brand.ts';

/** Milliseconds, in steps of ten; null where the system does not say. */
export function bootTime(): Milliseconds | null {
  try {
    return milliseconds(Math.round(uptime() * 1000));
  } catch {
    return null;
  }
}
