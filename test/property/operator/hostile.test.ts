/** Whatever is typed at a prompt, whatever a machine answers, whatever a URL says: a value or a typed error, nothing else. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operatorChoice } from '../../../agent/operator/choice.ts';
import { PromptLine } from '../../../agent/operator/prompt-line.ts';
import { readAnswer } from '../../../agent/operator/protocol.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';

const numRuns = Number(process.env.UNLOCKD_FUZZ_CASES ?? 1000);

const KEYS = fc.constantFrom(
  's',
  'q',
  '\r',
  '\n',
  '\u0003',
  '\u0004',
  '\u001b',
  '\u001b[A',
  '\b',
  '\u007f',
  '\u0015',
  '🔑',
  'a',
  ' ',
);
const typed = fc.array(fc.oneof(KEYS, fc.string({ unit: 'binary' })), { maxLength: 40 });

describe('what is typed', () => {
  it('is a command, a reason of bounded length that is not empty, or nothing', () => {
    fc.assert(
      fc.property(typed, (keys) => {
        const line = new PromptLine();
        for (const key of keys) {
          const end = line.type(key);
          expect((line.reason ?? '').length).toBeLessThanOrEqual(201);
          if (end?.type === 'skip') expect(end.reason.trim()).toBe(end.reason);
          if (end?.type === 'skip') expect(end.reason).not.toBe('');
          if (end !== null) return;
        }
      }),
      { numRuns },
    );
  });

  it('ends a run by Ctrl-C from wherever it is', () => {
    fc.assert(
      fc.property(typed, (keys) => {
        const line = new PromptLine();
        for (const key of keys) if (line.type(key) !== null) return;
        expect(line.type('\u0003')).toEqual({ type: 'abort' });
      }),
      { numRuns },
    );
  });
});

describe('what a machine answers', () => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc
      .record(
        {
          id: fc.constantFrom('a', 'b'),
          state: fc.constantFrom('done', 'working', 'cannot', 'x'),
          reason: fc.string(),
        },
        { requiredKeys: [] },
      )
      .map((value) => new TextEncoder().encode(JSON.stringify(value))),
  );

  it('is an answer about the task that was asked for, or words of ours', () => {
    fc.assert(
      fc.property(body, (bytes) => {
        const answer = readAnswer(bytes, 'a');
        if (typeof answer === 'string') expect(answer).toMatch(/^it /);
        else expect(answer.id).toBe('a');
      }),
      { numRuns },
    );
  });
});

describe('who an operator is', () => {
  const url = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
  );

  it('is a person, this machine, another one over TLS, or a refusal', () => {
    fc.assert(
      fc.property(url, (text) => {
        try {
          const choice = operatorChoice(text);
          if (choice.kind === 'terminal') expect(text).toBe('terminal');
          else if (choice.url.protocol === 'http:') expect(choice.url.hostname).toMatch(/^(localhost|127\.|\[::1\])/);
        } catch (error) {
          expect(isUnlockdError(error, 'ERR_OPERATOR_INVALID')).toBe(true);
        }
      }),
      { numRuns },
    );
  });
});
