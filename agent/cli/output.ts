/**
 * What the command line prints. Without `--json`: sentences, results on stdout, everything else on stderr. With it: one
 * JSON object on stdout and nothing else, and on stderr one JSON line for each event of a ceremony.
 */
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { printable } from '../../drivers/base/printable.ts';
import { DaemonRefusal } from '../api/daemon-refusal.ts';
import type { ReasonLine, Refusal } from '../api/ports.ts';
import type { Inexpressible } from '../policy/forms/windows/inexpressible.ts';
import type { TextSink } from './deps.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';

export { oneLine, printable } from '../../drivers/base/printable.ts';

export interface Output {
  readonly json: boolean;
  /** The one result of the command: JSON as it is, or the sentences that `words` makes of it. */
  result(value: Readonly<Record<string, unknown>>, words: () => readonly string[]): void;
  /** Something on the way, for a person; `event` is what a program sees instead. */
  note(words: string, event: Readonly<Record<string, unknown>>): void;
  /** An error, whatever was thrown. @param help where the command's help is @returns the exit code */
  failure(error: unknown, help?: string): number;
}

interface Failure {
  readonly refusal: Refusal;
  readonly reasons: readonly ReasonLine[];
}

/** Of an error with several reasons, each as a line below it. */
const reasonsIn = (error: UnlockdError): readonly ReasonLine[] => {
  const reasons: unknown = 'reasons' in error ? error.reasons : null;
  if (!Array.isArray(reasons)) return [];
  return reasons.map(({ what, words }: Inexpressible) => ({ depth: 0, ok: false, text: `${what}: ${words}` }));
};

export function toFailure(error: unknown): Failure {
  if (error instanceof DaemonRefusal) return { refusal: error.refusal, reasons: error.reasons };
  const known = isUnlockdError(error)
    ? error
    : new UnlockdError('ERR_CLI_INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
  const { code, message, cure, detail } = known;
  return { refusal: { code, message, cure, detail }, reasons: reasonsIn(known) };
}

/** A verdict's reasons as an indented tree, one line each. */
export const reasonTree = (reasons: readonly ReasonLine[]): readonly string[] =>
  reasons.map(({ depth, ok, text }) => `${'  '.repeat(Math.min(depth, 20) + 1)}${ok ? '✓' : '✗'} ${text}`);

/** `alice (uid 1000)`; a user without a name is called by the number alone. */
export const userWords = (user: string, uid: number): string => (user === `uid ${uid}` ? user : `${user} (uid ${uid})`);

/** `58 min`, `7 h 5 min`: rounded up to what is worth saying. @param seconds whole or not, never below 0 */
export function spanWords(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 120) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.ceil(hours / 24)} days`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

export const triesLeft = (count: number): string => `${count} ${count === 1 ? 'try' : 'tries'} left`;

/** `PIN wrong, 4 tries left`: what a refusal says, with the tries that it leaves. */
export function refusalWords(refusal: Refusal): string {
  const { triesLeft: left } = refusal.detail;
  const message = refusal.code === 'ERR_PIN_WRONG' ? 'PIN wrong' : refusal.message;
  return typeof left === 'number' ? `${message}, ${triesLeft(left)}` : message;
}

export function createOutput(sinks: { stdout: TextSink; stderr: TextSink }, json: boolean): Output {
  const line = (sink: TextSink, text: string) => sink.write(`${printable(text)}\n`);
  const object = (sink: TextSink, value: unknown) => sink.write(`${JSON.stringify(value)}\n`);
  return {
    json,
    result: (value, words) => {
      if (json) object(sinks.stdout, { ok: true, result: value });
      else for (const text of words()) line(sinks.stdout, text);
    },
    note: (words, event) => {
      if (json) object(sinks.stderr, event);
      else line(sinks.stderr, words);
    },
    failure: (error, help) => {
      const { refusal: plain, reasons } = toFailure(error);
      const named = help !== undefined && plain.code === 'ERR_CLI_USAGE';
      const refusal = named ? { ...plain, cure: `See \`${help}\`.` } : plain;
      if (json) {
        object(sinks.stdout, { ok: false, error: refusal, reasons });
      } else {
        line(sinks.stderr, `unlockctl: ${refusalWords(refusal)} (${refusal.code})`);
        for (const text of reasonTree(reasons)) line(sinks.stderr, text);
        if (refusal.cure !== '') line(sinks.stderr, `  what to do: ${refusal.cure}`);
      }
      return exitCodeOf(refusal.code) ?? EXIT.failure;
    },
  };
}
