import { describe, expect, it } from 'vitest';
import { TpmHold } from '../../../agent/service/tpm-hold.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';

const SPAN = milliseconds(2000);

function scene(prepare: () => Promise<string> = async () => 'loaded') {
  const clock = new ManualClock();
  const cancel = new AbortController();
  const hold = new TpmHold<string>(clock, SPAN, cancel.signal);
  let over = false;
  const closing = hold.untilOver(prepare).then(() => {
    over = true;
  });
  const use = () => hold.use(async (held) => ({ held }));
  return { clock, cancel, hold, closing, use, isOver: () => over };
}

describe('what is held in the TPM while a person is asked', () => {
  it('is there for the second half, once, and over with it', async () => {
    const { closing, use, isOver, clock } = scene();
    await settle();
    expect(isOver()).toBe(false);
    expect(await use()).toEqual({ held: 'loaded' });
    await closing;
    expect(await use()).toBeNull();
    expect(clock.pending).toBe(0);
  });

  it('is over after its time, and not before', async () => {
    const { clock, use, isOver } = scene();
    await clock.advance(SPAN - 1);
    expect(isOver()).toBe(false);
    await clock.advance(1);
    expect(isOver()).toBe(true);
    expect(await use()).toBeNull();
  });

  it('is given up for somebody else, but not under whoever has begun with the second half', async () => {
    const given = scene();
    given.hold.giveUp();
    given.hold.giveUp();
    await given.closing;
    expect(await given.use()).toBeNull();

    const taken = scene();
    let finish: () => void = () => undefined;
    const work = taken.hold.use(async (held) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return { held };
    });
    await settle();
    taken.hold.giveUp();
    taken.cancel.abort();
    await taken.clock.advance(SPAN * 2);
    expect(taken.isOver()).toBe(false);
    finish();
    expect(await work).toEqual({ held: 'loaded' });
    await taken.closing;
  });

  it('is over when nobody waits any more, also when that was so from the first', async () => {
    const { cancel, closing, use, clock } = scene();
    cancel.abort();
    await closing;
    expect(await use()).toBeNull();
    expect(clock.pending).toBe(0);

    let prepared = false;
    const late = new TpmHold<string>(clock, SPAN, cancel.signal);
    await late.untilOver(async () => {
      prepared = true;
      return 'loaded';
    });
    expect(prepared).toBe(false);
  });

  it('is given up when the TPM refuses to prepare it, and a fault is told to whoever takes it', async () => {
    const refused = scene(() => Promise.reject(new UnlockdError('ERR_TPM_OUT_OF_MEMORY', 'no slot')));
    expect(await refused.use()).toBeNull();
    await refused.closing;

    const faulty = scene(() => Promise.reject(new TypeError('a fault')));
    await expect(faulty.use()).rejects.toThrow('a fault');
    await faulty.closing;
  });

  it('is over when the second half fails', async () => {
    const { hold, closing } = scene();
    await expect(hold.use(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    await closing;
  });
});
