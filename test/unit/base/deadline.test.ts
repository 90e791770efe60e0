/** Waiting that ends: a time limit over several steps, and a place in a queue that is given up. */
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { startDeadline } from '../../../drivers/base/deadline.ts';
import { deferred } from '../../../drivers/base/deferred.ts';
import { SerialQueue } from '../../../drivers/base/queue.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

describe('a deadline', () => {
  it('ends what never ends, with ERR_HAL_TIMEOUT and what it was', async () => {
    const clock = new ManualClock();
    using deadline = startDeadline(clock, milliseconds(30_000), { what: 'the status' });
    const refused = expect(deadline.race(never())).rejects.toMatchObject({
      code: 'ERR_HAL_TIMEOUT',
      message: 'the status: not done within 30 s',
    });
    await clock.advance(29_999);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    await refused;
    await expect(deadline.race(never())).rejects.toMatchObject({ code: 'ERR_HAL_TIMEOUT' });
  });

  it('ends with the reason of the caller, gives what is done in time, and leaves no timer', async () => {
    const clock = new ManualClock();
    const caller = new AbortController();
    {
      using deadline = startDeadline(clock, milliseconds(1000), { what: 'a', signal: caller.signal });
      expect(await deadline.race(Promise.resolve(7))).toBe(7);
      await expect(deadline.race(Promise.reject(new Error('its own')))).rejects.toThrow('its own');
      caller.abort(new Error('gone'));
      await expect(deadline.race(never())).rejects.toThrow('gone');
    }
    expect(clock.pending).toBe(0);
  });
});

describe('a place in a queue', () => {
  it('is given up at once when its signal aborts, and its task is never started', async () => {
    const queue = new SerialQueue();
    const first = deferred<string>();
    const running = queue.run(() => first.promise);
    const caller = new AbortController();
    let started = false;
    const waiting = queue.run(async () => (started = true), { signal: caller.signal });
    const after = queue.run(async () => 'after');
    caller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    first.resolve('first');
    expect(await running).toBe('first');
    expect(await after).toBe('after');
    expect(started).toBe(false);
    expect(queue.length).toBe(0);
  });

  it('is kept by a task that has begun: its end is waited for', async () => {
    const queue = new SerialQueue();
    const caller = new AbortController();
    const work = deferred<string>();
    const running = queue.run(
      () => {
        caller.abort(new Error('too late'));
        return work.promise;
      },
      { signal: caller.signal },
    );
    work.resolve('done');
    expect(await running).toBe('done');
  });
});
