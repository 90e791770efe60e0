import { describe, expect, it } from 'vitest';
import { LookAround } from '../../../agent/service/look-around.ts';
import { Sensors } from '../../../agent/signals/sensors.ts';
import { seconds } from '../../../drivers/base/brand.ts';
import type { FactorDriver } from '../../../drivers/driver.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';
import { satisfied } from '../../support/policy-fixtures.ts';

const silent = async function* () {};

/** A driver that remembers who asks. */
function asked(kind: FactorDriver['kind']) {
  const asking: { readonly user: number | null; readonly signal: AbortSignal }[] = [];
  const driver: FactorDriver = { kind, watch: silent, demand: (options) => asking.push(options) };
  return { driver, asking };
}

describe('looking around', () => {
  const clock = new ManualClock();
  const phone = asked('bluetooth');
  const plain: FactorDriver = { kind: 'wifi', watch: silent };
  const parts = { clock, sensors: new Sensors(clock, [phone.driver, plain]) };
  const waiting = { within: seconds(5), signal: new AbortController().signal };

  it('asks the drivers of those kinds, once each, for that user, until it is disposed', () => {
    phone.asking.length = 0;
    const looking = new LookAround(parts, 1000);
    expect(looking.begin(['wifi'])).toBe(false);
    expect(looking.begin(['bluetooth', 'wifi'])).toBe(true);
    looking.begin(['bluetooth']);
    expect(phone.asking).toMatchObject([{ user: 1000, signal: { aborted: false } }]);
    looking[Symbol.dispose]();
    looking[Symbol.dispose]();
    expect(phone.asking).toMatchObject([{ signal: { aborted: true } }]);
  });

  it('asks again with every change, until it holds', async () => {
    using looking = new LookAround(parts, 1000);
    let times = 0;
    const held = looking.until(() => ++times === 3, waiting);
    for (let n = 0; n < 2; n++) {
      expect(times).toBe(n + 1);
      parts.sensors.ledger.record(satisfied('phone', { observedAt: clock.now() }));
      await settle();
    }
    await held;
    expect([times, clock.pending]).toEqual([3, 0]);
  });

  it('ends when the time is over, and when it is given up', async () => {
    using looking = new LookAround(parts, 1000);
    const late = looking.until(() => false, waiting);
    await clock.advance(5000);
    await late;
    const stop = new AbortController();
    const given = looking.until(() => false, { within: seconds(5), signal: stop.signal });
    stop.abort(new Error('given up'));
    await expect(given).rejects.toThrow('given up');
    expect(clock.pending).toBe(0);
  });

  it('hands on what asking throws', async () => {
    using looking = new LookAround(parts, 1000);
    const broken = looking.until(() => {
      throw new TypeError('broken');
    }, waiting);
    await expect(broken).rejects.toThrow(TypeError);
    expect(clock.pending).toBe(0);
  });
});
