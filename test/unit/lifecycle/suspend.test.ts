/** A suspend of the machine: announced by a unit with a signal, or noticed afterwards by two clocks that have parted. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FORGET_SIGNAL, SuspendWatch } from '../../../agent/lifecycle/suspend.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { bootTime } from '../../../drivers/linux/boot-time.ts';
import { PROJECT_ROOT } from '../../support/project/source-tree.ts';

describe('suspend', () => {
  const scene = () => {
    const at = { now: 5_000, boot: 900_000 as number | null };
    const boot = () => (at.boot === null ? null : milliseconds(at.boot));
    return { at, watch: new SuspendWatch({ now: () => monotonicMs(at.now) }, boot) };
  };

  it('is noticed once, by the time since boot that the monotonic clock did not see', () => {
    const { at, watch } = scene();
    expect(watch.slept()).toBe(false);
    at.now += 60_000;
    at.boot = (at.boot ?? 0) + 60_010;
    expect(watch.slept()).toBe(false);
    at.now += 5;
    at.boot += 8_000;
    expect(watch.slept()).toBe(true);
    expect(watch.slept()).toBe(false);
  });

  it('is not noticed where the host does not say how long it is up, and is where it says so again', () => {
    const { at, watch } = scene();
    at.boot = null;
    expect(watch.slept()).toBe(false);
    at.boot = 910_000;
    expect(watch.slept()).toBe(true);
  });

  it('the clocks of this machine go together while it is awake', async () => {
    const watch = new SuspendWatch(systemClock, bootTime);
    expect(bootTime()).toBeGreaterThan(0);
    await systemClock.sleep(milliseconds(50), {});
    expect(watch.slept()).toBe(false);
  });

  it('is announced by the unit with the signal that the daemon listens for, and never stopped by it', () => {
    const unit = readFileSync(join(PROJECT_ROOT, 'docs/operations/unlockd-sleep.service'), 'utf8');
    expect(unit).toMatch(
      new RegExp(`^ExecStart=-.*systemctl kill .*--signal=${FORGET_SIGNAL} unlockd\\.service$`, 'm'),
    );
    expect(unit).toMatch(/^Before=sleep\.target$/m);
    expect(unit).toMatch(/^WantedBy=sleep\.target$/m);
  });
});
