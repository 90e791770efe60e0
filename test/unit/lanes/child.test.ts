/** Processes of lanes: waited for, and never for ever; ended by their own id; their last words are kept. */
import { describe, expect, it } from 'vitest';
import { LaneChild } from '../../../agent/lanes/child.ts';
import { seconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Closers } from '../../../drivers/base/closers.ts';

const start = (script: string) =>
  new LaneChild(['sh', '-c', script], { clock: systemClock, what: 'the part', env: process.env });
const never = new AbortController().signal;

describe('a process of a lane', () => {
  it('is heard on output, errors and descriptor 3', async () => {
    const child = start('echo out; echo err >&2; echo three >&3; exec sleep 60');
    for (const word of ['out', 'err', 'three']) {
      if (!child.lastWords.includes(word)) await child.line((line) => line === word, seconds(10), never);
    }
    expect(await child.stop()).toBe(true);
    expect(child.running).toBe(false);
  });

  it.each([
    ['has ended', 'echo why >&2; exit 3', 'the part has ended: why'],
    [
      'has ended and keeps a log',
      `echo '{"msg":"no TPM","code":"ERR_X","stack":[]}'; exit 1`,
      'the part has ended: no TPM (ERR_X)',
    ],
    ['has ended and says what looks like a log', `echo '{"msg":'; exit 1`, 'the part has ended: {"msg":'],
  ])('that %s is broken, with its last words', async (_how, script, message) => {
    const child = start(script);
    await expect(child.line(() => false, seconds(10), never)).rejects.toMatchObject({
      code: 'ERR_LANE_BROKEN',
      message,
    });
  });

  it('that cannot be started is broken', async () => {
    const child = new LaneChild(['/no/such/program'], { clock: systemClock, what: 'the part', env: process.env });
    await expect(child.line(() => false, seconds(10), never)).rejects.toMatchObject({ code: 'ERR_LANE_BROKEN' });
    expect(await child.stop()).toBe(true);
  });

  it('that says nothing is broken after a while, and is waited for no longer than somebody wants', async () => {
    const child = start('exec sleep 60');
    await expect(child.line(() => false, seconds(0.2), never)).rejects.toMatchObject({
      code: 'ERR_LANE_BROKEN',
      message: 'the part does not answer',
    });
    const reason = new Error('enough');
    const waiting = child.line(() => false, seconds(60), AbortSignal.abort(reason));
    await expect(waiting).rejects.toBe(reason);
    child.kill();
    await child.ended();
    expect(child.running).toBe(false);
  });
});

it('what was opened is closed in reverse order, all of it, whatever fails, and once', async () => {
  const closed: string[] = [];
  const opened = new Closers();
  for (const name of ['a', 'b', 'c']) {
    opened.add(async () => {
      closed.push(name);
      if (name !== 'a') throw new Error(name);
    });
  }
  await expect(opened.close()).rejects.toThrow('c');
  await opened.close();
  expect(closed).toEqual(['c', 'b', 'a']);
});
