import { describe, expect, it } from 'vitest';
import { cpioArchive } from '../../lab/guest-image/cpio.ts';
import { objections, type RunOutcome, readReport, verdictOf } from '../../lab/guest-image/verdict.ts';

const NONCE = 'c0ffee';
/** QEMU's status for a value at its debug port. */
const through = (value: number): number => (value << 1) | 1;
const run = (outcome: Partial<RunOutcome>) =>
  verdictOf({ qemuStatus: through(0), timedOut: false, statusFile: `0 ${NONCE}\n`, nonce: NONCE, ...outcome });

describe('a run of the guest', () => {
  for (const status of [0, 1, 42, 127, 128, 137, 255]) {
    it(`that ended with ${status} is one that ended with ${status}`, () => {
      const outcome = { qemuStatus: through(status & 127), statusFile: `${status} ${NONCE}\n` };
      expect(run(outcome)).toEqual({ type: 'ended', status });
    });
  }

  const failures: readonly (readonly [string, Partial<RunOutcome>])[] = [
    ['did not end', { timedOut: true }],
    ['was ended', { qemuStatus: null }],
    ['panicked', { qemuStatus: 0, statusFile: null }],
    ['was switched off with a status', { qemuStatus: 0 }],
    ['left no status', { statusFile: null }],
    ['left half a status', { statusFile: `0 ${NONCE}` }],
    ['left the status of another run', { statusFile: '0 badcafe\n' }],
    ['says two things', { statusFile: `1 ${NONCE}\n` }],
    ['says 128 where the port says 1', { qemuStatus: through(1), statusFile: `128 ${NONCE}\n` }],
    ['has a status that there is not', { statusFile: `256 ${NONCE}\n` }],
  ];
  for (const [what, outcome] of failures) {
    it(`that ${what} is no result`, () => expect(run(outcome).type).toBe('lab-failed'));
  }
});

describe('a report of the guest', () => {
  const line = (name: string, ok = true) => JSON.stringify({ name, ok, took: 1, detail: '' });
  const against = (expected: readonly string[], text: string, status = 0) =>
    objections({ type: 'ended', status }, expected, readReport(text));

  it('passes when every case is there and passed, and the program says so', () => {
    expect(against(['a', 'b'], `${line('a')}\n${line('b')}\n`)).toEqual([]);
  });

  const not: readonly (readonly [string, readonly string[], string, number])[] = [
    ['a case that did not run', ['a', 'b'], `${line('a')}\n`, 0],
    ['a case that ran twice', ['a'], `${line('a')}\n${line('a')}\n`, 0],
    ['a case that failed', ['a'], `${line('a', false)}\n`, 0],
    ['a case that failed and nobody expected', ['a'], `${line('a')}\n${line('b', false)}\n`, 0],
    ['a program that failed', ['a'], `${line('a')}\n`, 1],
    ['a line that broke off', ['a'], `${line('a')}\n{"name":"b`, 0],
    ['no report', ['a'], '', 0],
    ['no case that was expected', [], '', 0],
  ];
  for (const [what, expected, text, status] of not) {
    it(`does not pass with ${what}`, () => expect(against(expected, text, status)).not.toEqual([]));
  }

  it('does not pass when the guest failed, whatever it wrote before', () => {
    const verdict = { type: 'lab-failed', why: 'panic' } as const;
    expect(objections(verdict, ['a'], readReport(`${line('a')}\n`))).toEqual(['the guest failed: panic']);
  });
});

describe('the archive of the first root file system', () => {
  it('has aligned headers, names and contents, and an end', () => {
    const bytes = cpioArchive([
      { path: 'bin', mode: 0o755, content: null },
      { path: 'bin/x', mode: 0o644, content: Buffer.from('hello') },
    ]);
    expect(bytes.length % 4).toBe(0);
    expect(bytes.toString('ascii', 0, 22)).toBe('07070100000001000041ed');
    const file = bytes.indexOf('bin/x');
    expect(bytes.toString('ascii', file - 110, file - 104)).toBe('070701');
    expect(Number.parseInt(bytes.toString('ascii', file - 110 + 54, file - 110 + 62), 16)).toBe(5);
    expect(bytes.toString('ascii', file + 6, file + 11)).toBe('hello');
    expect(bytes.includes('TRAILER!!!')).toBe(true);
  });
});
