import { expect, test } from 'vitest';
import type { Detector, Task } from '../../../agent/operator/task.ts';
import { clockWords, TerminalHands } from '../../../agent/operator/terminal.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { deferred } from '../../../drivers/base/deferred.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';
import { Typing } from '../../support/operator/typing.ts';

const task: Task = { id: 'r-1', doing: { do: 'remove', key: 'blue' }, text: 'Pull out blue' };

function stage(options: { readonly live?: boolean; readonly columns?: number } = {}) {
  const clock = new ManualClock();
  const typing = new Typing(options);
  const seen = deferred<void>();
  const abort = new AbortController();
  const asked: AbortSignal[] = [];
  const detector: Detector = {
    what: 'blue is pulled out',
    until: ({ signal }) => {
      asked.push(signal);
      return Promise.race([
        seen.promise,
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ]);
    },
  };
  const hands = new TerminalHands(typing.console, clock);
  const perform = (detects: Detector | null = detector, seconds: number | null = 90) => {
    const endsAt = seconds === null ? null : monotonicMs(clock.now() + seconds * 1000);
    const done = hands.perform(task, detects, { signal: abort.signal, endsAt });
    done.catch(() => undefined);
    return done;
  };
  return { clock, typing, seen, abort, asked, hands, perform };
}

test('what the driver sees ends the prompt without a key being pressed', async () => {
  const { typing, seen, perform, asked } = stage();
  const done = perform();
  await settle();
  seen.resolve();
  await done;
  expect(typing.lines).toEqual([
    '> Pull out blue',
    '  until blue is pulled out · s: skip · q: end the run',
    '  seen: blue is pulled out',
  ]);
  expect(typing.raw).toEqual([true, false]);
  expect(asked[0]?.aborted).toBe(true);
});

test('Enter is not taken for what a driver can see', async () => {
  const { typing, seen, perform } = stage();
  const done = perform();
  typing.press('\r');
  await settle();
  expect(typing.written).toContain('Not yet: blue is pulled out has not been seen\n');
  seen.resolve();
  await done;
});

test('Enter ends a step that no driver can see', async () => {
  const { typing, perform } = stage();
  const done = perform(null);
  typing.press('\r');
  await done;
  expect(typing.lines).toEqual(['> Pull out blue', '  Enter: done · s: skip · q: end the run', '  done']);
});

test('a detector that fails leaves it to the person, and says why', async () => {
  const { typing, seen, perform } = stage();
  const done = perform();
  seen.reject(new Error('no hidraw\u001b[2J here'));
  await settle();
  expect(typing.written).toContain('cannot be seen from here (no hidraw\ufffd[2J here). Press Enter when it is done');
  typing.press('\n');
  await done;
});

test('a skip wants a reason, which is kept', async () => {
  const { typing, perform, asked } = stage();
  const done = perform();
  typing.press('s');
  typing.press('\r');
  typing.press('s');
  typing.press('no such\u007f\u007f\u007f\u007fkey');
  typing.press('\r');
  await expect(done).rejects.toMatchObject({
    code: 'ERR_OPERATOR_SKIPPED',
    message: '“Pull out blue” was skipped: no key',
    detail: { do: 'remove', reason: 'no key' },
  });
  expect(asked[0]?.aborted).toBe(true);
  expect(typing.written).toContain('  skipped: no key\n');
});

test.each([
  ['q', 'q'],
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
  ['Ctrl-C while a reason is typed', 'sbecause\u0003'],
])('%s ends the run', async (_name, keys) => {
  const { typing, perform } = stage();
  const done = perform();
  typing.press(keys);
  await expect(done).rejects.toMatchObject({ code: 'ERR_OPERATOR_ABORTED' });
  expect(typing.raw.at(-1)).toBe(false);
});

test('a terminal that goes away ends the run', async () => {
  const { typing, perform } = stage();
  const done = perform();
  typing.input.end();
  await expect(done).rejects.toMatchObject({ code: 'ERR_OPERATOR_ABORTED', message: 'nothing can be typed any more' });
});

test('letters of a reason are no commands, and Escape takes it back', async () => {
  const { typing, seen, perform } = stage();
  const done = perform();
  typing.press('sqqs');
  typing.press('\u001b');
  typing.press('\u001b[A');
  seen.resolve();
  await done;
});

test('the deadline ends the prompt with its own reason', async () => {
  const { abort, perform, typing } = stage();
  const done = perform();
  await settle();
  abort.abort(new Error('over'));
  await expect(done).rejects.toThrow('over');
  expect(typing.raw).toEqual([true, false]);
});

test('where nothing can be written over, the time is told three times', async () => {
  const { clock, typing, seen, perform } = stage();
  const done = perform();
  await clock.advance(85_000);
  expect(typing.lines.slice(2)).toEqual(['  1:00 left', '  0:30 left', '  0:10 left']);
  seen.resolve();
  await done;
  expect(clock.pending).toBe(0);
});

test('on a terminal one line is written over every second, never longer than the terminal is wide', async () => {
  const { clock, typing, seen, perform } = stage({ live: true, columns: 44 });
  const done = perform();
  await clock.advance(2_000);
  const drawn = typing.written.split('\r\u001b[K').map((part) => part.replace(/\n$/, ''));
  expect(drawn).toContain('  1:30 left · until blue is pulled out · s:');
  expect(drawn).toContain('  1:28 left · until blue is pulled out · s:');
  expect(Math.max(...drawn.map((part) => part.length))).toBeLessThan(44);
  typing.press('sa reason that is longer than there is room for');
  await settle();
  expect(typing.written.endsWith('that is longer than there is room for')).toBe(true);
  seen.resolve();
  await done;
  expect(typing.written.endsWith('\r\u001b[K  seen: blue is pulled out\n')).toBe(true);
});

test('nothing is asked when the time is over before', async () => {
  const { abort, perform, typing } = stage();
  abort.abort(new Error('over'));
  await expect(perform()).rejects.toThrow('over');
  expect(typing.written).toBe('');
});

test('time is told in minutes and seconds', () => {
  expect([0, 5, 65, 600].map(clockWords)).toEqual(['0:00', '0:05', '1:05', '10:00']);
});
