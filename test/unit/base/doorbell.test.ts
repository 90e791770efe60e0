import { describe, expect, it } from 'vitest';
import { Doorbell } from '../../../drivers/base/doorbell.ts';

/** What has come to pass once all that can go on has gone on. */
async function isOver(work: Promise<void>): Promise<boolean> {
  let over = false;
  void work.then(() => {
    over = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return over;
}

describe('a doorbell', () => {
  it('is heard when it rings, and not before', async () => {
    using bell = new Doorbell(new AbortController().signal);
    const heard = bell.heard();
    expect(await isOver(heard)).toBe(false);
    bell.ring();
    expect(await isOver(heard)).toBe(true);
  });

  it('that rang while nobody listened is heard once, however often it rang', async () => {
    using bell = new Doorbell(new AbortController().signal);
    for (let ring = 0; ring < 5; ring++) bell.ring();
    expect(await isOver(bell.heard())).toBe(true);
    expect(await isOver(bell.heard())).toBe(false);
  });

  it('rings when all is over, and from then on holds nobody up', async () => {
    const end = new AbortController();
    using bell = new Doorbell(end.signal);
    const heard = bell.heard();
    end.abort();
    expect(await isOver(heard)).toBe(true);
    for (let again = 0; again < 3; again++) expect(await isOver(bell.heard())).toBe(true);
    using late = new Doorbell(end.signal);
    expect(await isOver(late.heard())).toBe(true);
  });

  it('that was put away hears of no end any more', async () => {
    const end = new AbortController();
    const bell = new Doorbell(end.signal);
    bell[Symbol.dispose]();
    const heard = bell.heard();
    end.abort();
    expect(await isOver(heard)).toBe(false);
    bell.ring();
    await heard;
  });
});
