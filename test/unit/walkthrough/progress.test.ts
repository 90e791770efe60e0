/** A run as it goes on: what a person sees on a terminal, and in a log. */
import { describe, expect, it } from 'vitest';
import {
  elapsedWords,
  type Progress,
  progressOn,
  stepLines,
} from '../../../agent/cli/commands/walkthrough/progress.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';
import { step, stepResult } from '../../support/walkthrough/runs.ts';

const ESCAPE = String.fromCharCode(0x1b);
const TOKEN = new RegExp(`${ESCAPE}\\[[?\\d]*[a-zA-Z]|[\\s\\S]`, 'gu');

/** What a terminal of endless width shows after this, of the sequences that are used here. */
function screen(written: string): readonly string[] {
  const lines = [''];
  for (const [token] of written.matchAll(TOKEN)) {
    const last = lines.length - 1;
    if (token === '\n') lines.push('');
    else if (token === '\u001b[2K' || token === '\r') lines[last] = '';
    else if (token === '\u001b[?7l' || token === '\u001b[?7h') continue;
    else lines[last] += token;
  }
  return lines;
}

function seen(how: 'live' | 'lines' | 'silent'): { progress: Progress; text: () => string; clock: ManualClock } {
  const clock = new ManualClock();
  let text = '';
  const sink = {
    write: (more: string) => {
      text += more;
    },
  };
  return { progress: progressOn(sink, how, clock), text: () => text, clock };
}

const refused = stepResult('passed', {
  asked: {
    verdict: 'refused',
    code: 'ERR_POLICY_DENIED',
    message: 'denied',
    events: ['prompt pin'],
    result: {},
    reasons: [
      { depth: 0, ok: false, text: 'denied' },
      { depth: 1, ok: true, text: 'PIN: satisfied' },
      { depth: 1, ok: false, text: 'security key: not touched' },
    ],
  },
});

describe('on a terminal', () => {
  it('one line goes on with spinner, time and event, and turns into its outcome', async () => {
    const { progress, text, clock } = seen('live');
    progress.begun('First unlock');
    progress.stepBegun(step, 0);
    expect(screen(text())).toEqual(['First unlock', '  ⠋ 1 lock  0.0 s']);
    await clock.advance(100);
    progress.event('touch');
    await clock.advance(1400);
    expect(screen(text())).toEqual(['First unlock', '  ⠴ 1 lock  1.5 s  touch']);
    progress.stepEnded(stepResult('passed'), 0);
    expect(screen(text())).toEqual(['First unlock', '  ✓ 1 lock: done (1.5 s)', '']);
    const before = text();
    await clock.advance(1000);
    expect(text()).toBe(before);
  });

  it('what is said stands above it, and nothing is left of it at the end', async () => {
    const { progress, text, clock } = seen('live');
    progress.busy('starting the daemon');
    progress.say('something to read');
    expect(screen(text())).toEqual(['something to read', '  ⠙ starting the daemon  0.0 s']);
    progress[Symbol.dispose]();
    expect(screen(text())).toEqual(['something to read', '']);
    const before = text();
    await clock.advance(1000);
    expect(text()).toBe(before);
  });

  it('words of others move no cursor and begin no line', () => {
    const { progress, text } = seen('live');
    progress.busy('a\u001b[2Jb\nc\rd');
    progress.say('e\u001b]0;title\u0007\nf');
    progress[Symbol.dispose]();
    expect(text()).not.toContain('\u001b[2J');
    expect(text()).not.toContain('\u001b]0');
    expect(screen(text())).toHaveLength(2);
  });
});

describe('in a log', () => {
  it('each thing is one line without sequences, and events are none', () => {
    const { progress, text } = seen('lines');
    progress.begun('First unlock');
    progress.busy('starting the daemon');
    progress.stepBegun(step, 0);
    progress.event('touch');
    progress.stepEnded(stepResult('failed'), 0);
    expect(text()).toBe(
      'First unlock\n  … starting the daemon\n  ✗ 1 lock: failed (1.5 s)\n      failed: why\n      more\n',
    );
  });

  it('nothing when nobody reads it', () => {
    const { progress, text } = seen('silent');
    progress.begun('First unlock');
    progress.stepEnded(stepResult('failed'), 0);
    expect(text()).toBe('');
  });
});

describe('a step that has ended', () => {
  it('has the tree of reasons below it when it was refused, also when that was expected', () => {
    expect(stepLines(refused, 2)).toEqual([
      '  ✓ 3 lock: refused, ERR_POLICY_DENIED (1.5 s)',
      '      ✗ denied',
      '        ✓ PIN: satisfied',
      '        ✗ security key: not touched',
    ]);
  });

  it('that is not on the lane, or was skipped, says why and has no time', () => {
    expect(stepLines(stepResult('not here'), 0)).toEqual(['  – 1 lock: not on this lane: not here: why']);
    expect(stepLines(stepResult('skipped'), 0)).toEqual(['  ↷ 1 lock: skipped: why (1.5 s)']);
  });

  it.each([
    [0, '0.0 s'],
    [-5, '0.0 s'],
    [9_949, '9.9 s'],
    [10_000, '10 s'],
    [59_400, '59 s'],
    [185_000, '3 min 5 s'],
  ])('%d ms are %s', (ms, words) => {
    expect(elapsedWords(ms)).toBe(words);
  });
});
