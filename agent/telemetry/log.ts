/**
 * The log of the programs: pino behind a small interface that takes known fields only. One JSON object a line, to
 * standard error or to a file of 0600.
 */
import pino from 'pino';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { describeError, type LogFields, onlyKnown } from './fields.ts';

export const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type Level = (typeof LEVELS)[number];

type Write = (message: string, fields?: LogFields, error?: unknown) => void;

export interface Log extends Readonly<Record<Level, Write>> {
  /** True: lines of this level are written; for what is costly to put together. */
  enabled(level: Level): boolean;
  /** A log whose every line carries these fields too. */
  with(fields: LogFields): Log;
  /** Writes what is buffered; a program calls it before it ends. */
  flush(): void;
}

export interface LogOptions {
  readonly level: Level | 'silent';
  /** A file, or null: standard error. */
  readonly file: string | null;
  /** The name of the program in each line. */
  readonly name: string;
  /** Where lines go instead, for programs that keep their own log. */
  readonly sink?: { write(line: string): void };
}

function wrap(logger: pino.Logger, flush: () => void): Log {
  const writer =
    (level: Level): Write =>
    (message, fields = {}, error) => {
      if (!logger.isLevelEnabled(level)) return;
      const described = error === undefined ? {} : { error: describeError(error) };
      logger[level]({ ...onlyKnown(fields), ...described }, message);
    };
  return {
    fatal: writer('fatal'),
    error: writer('error'),
    warn: writer('warn'),
    info: writer('info'),
    debug: writer('debug'),
    trace: writer('trace'),
    enabled: (level) => logger.isLevelEnabled(level),
    with: (fields) => wrap(logger.child(onlyKnown(fields)), flush),
    flush,
  };
}

/**
 * Opens the log.
 * @throws {ERR_CONFIG_INVALID} when the file cannot be opened
 */
export function openLog(options: LogOptions): Log {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { program: options.name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  if (options.sink !== undefined) return wrap(pino(settings, options.sink), () => undefined);
  // Written at once: a line about a crash must not be in a buffer when it comes.
  let destination: ReturnType<typeof pino.destination>;
  try {
    destination = pino.destination({ dest: options.file ?? 2, sync: true, mkdir: false, append: true, mode: 0o600 });
  } catch (error) {
    throw new UnlockdError('ERR_CONFIG_INVALID', `log.file: ${options.file} cannot be opened`, {
      detail: { key: 'log.file', path: options.file },
      cause: error,
    });
  }
  // A log that cannot be written (a full disk, a closed pipe) must not end the program.
  destination.on('error', () => undefined);
  return wrap(pino(settings, destination), () => destination.flushSync());
}
