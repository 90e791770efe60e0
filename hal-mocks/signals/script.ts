/**
 * A script of surroundings: JSON Lines, each with `afterSeconds` since the line before, a `kind`, and either the
 * `observation` that is there from then on or `unavailable` with a reason; `validForSeconds` and `once` say how long it
 * counts. A file that is replaced while it plays is played anew from its first line: that is how a person at the keyboard
 * moves a simulated machine about.
 */
import { readFile, stat } from 'node:fs/promises';
import { milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { jsonErrorAt } from '../../drivers/base/json-error.ts';
import type { UnavailableReason } from '../../drivers/signal.ts';
import type { Seen, SeenFor, SimulatedSurroundings } from './simulated-surroundings.ts';

export interface ScriptLine {
  readonly afterSeconds: number;
  readonly seen: Seen;
  readonly during: Partial<SeenFor>;
}

const MAX_BYTES = 4 * 1024 * 1024;
/** How often it is looked whether the file was replaced. */
const LOOK_EVERY = milliseconds(200);
const KINDS = ['bluetooth', 'ipConfig', 'wifi'] as const;
const REASONS: readonly UnavailableReason[] = [
  'no-device',
  'no-permission',
  'no-driver',
  'locked-out',
  'unsupported',
  'failed',
];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isSpan = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

const FIELDS = ['afterSeconds', 'kind', 'observation', 'unavailable', 'validForSeconds', 'once'] as const;
type Field = (typeof FIELDS)[number];
type Line = Readonly<Record<string, unknown>>;

/** What is wrong with a line, and with which of its fields; null: with the line as a whole. */
interface Fault {
  readonly field: string | null;
  readonly reason: string;
}

const fault = (field: Field, reason: string): Fault => ({ field, reason });

/** Whether the observation itself is well-formed is for the daemon to find out, as with a real driver. */
function faultOf(line: Line): Fault | null {
  const unknown = Object.keys(line).find((field) => !FIELDS.some((known) => known === field));
  if (unknown !== undefined)
    return { field: unknown, reason: `there is no such field; there are ${FIELDS.join(', ')}` };
  const { afterSeconds = 0, validForSeconds = 0, once = false, kind, observation, unavailable } = line;
  if (!KINDS.some((known) => known === kind)) return fault('kind', `is to be one of ${KINDS.join(', ')}`);
  if (!isSpan(afterSeconds)) return fault('afterSeconds', 'is to be a number of seconds, 0 or more');
  if (!isSpan(validForSeconds)) return fault('validForSeconds', 'is to be a number of seconds, 0 or more');
  if (typeof once !== 'boolean') return fault('once', 'is to be true or false');
  if (unavailable !== undefined) {
    if (observation !== undefined) return fault('unavailable', 'stands beside an observation; it is one or the other');
    return REASONS.some((known) => known === unavailable)
      ? null
      : fault('unavailable', `is to be one of ${REASONS.join(', ')}`);
  }
  if (observation === undefined) return { field: null, reason: 'neither an observation nor unavailable is there' };
  return isRecord(observation) ? null : fault('observation', 'is to be an object');
}

/** Of a line without a fault. */
function seenOf(line: Line): Seen | null {
  const kind = KINDS.find((known) => known === line.kind);
  if (kind === undefined) return null;
  const reason = REASONS.find((known) => known === line.unavailable);
  return reason === undefined
    ? ({ kind, observation: line.observation } as unknown as Seen)
    : { kind, unavailable: reason };
}

const malformed = (line: number, column: number, reason: string): UnlockdError =>
  new UnlockdError('ERR_HAL_MOCK_SCRIPT', `line ${line} column ${column}: ${reason}`, { detail: { line, column } });

function readLine(source: string, number: number): ScriptLine {
  const at = jsonErrorAt(source);
  if (at !== null) throw malformed(number, at + 1, 'this is not JSON');
  const line: unknown = JSON.parse(source);
  if (!isRecord(line)) throw malformed(number, source.search(/\S/) + 1, 'each line is to be an object');
  const found = faultOf(line);
  if (found !== null) {
    const { field, reason } = found;
    const column = field === null ? -1 : source.indexOf(JSON.stringify(field));
    throw malformed(
      number,
      (column < 0 ? source.search(/\S/) : column) + 1,
      field === null ? reason : `${field}: ${reason}`,
    );
  }
  const seen = seenOf(line);
  if (seen === null) throw malformed(number, 1, 'it says nothing');
  const { afterSeconds = 0, validForSeconds, once = false } = line;
  const validFor = isSpan(validForSeconds) ? { validFor: milliseconds(validForSeconds * 1000) } : {};
  return {
    afterSeconds: isSpan(afterSeconds) ? afterSeconds : 0,
    seen,
    during: { repeated: once !== true, ...validFor },
  };
}

/** @throws {ERR_HAL_MOCK_SCRIPT} with line and column */
export const parseScript = (text: string): readonly ScriptLine[] =>
  text.split('\n').flatMap((source, n) => (source.trim() === '' ? [] : [readLine(source, n + 1)]));

/**
 * Reads a script, as a check or to play it.
 * @throws {ERR_HAL_MOCK_SCRIPT} with the file, line and column
 */
export async function readScript(path: string): Promise<readonly ScriptLine[]> {
  const refused = (reason: string, cause: unknown): UnlockdError =>
    new UnlockdError('ERR_HAL_MOCK_SCRIPT', `${path}: ${reason}`, { detail: { path }, cause });
  let bytes: Uint8Array;
  try {
    const file = await stat(path);
    if (!file.isFile()) throw new TypeError('it is no regular file');
    if (file.size > MAX_BYTES) throw new TypeError(`it is larger than ${MAX_BYTES} bytes`);
    bytes = await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = cause instanceof TypeError ? cause.message : `it cannot be read (${code})`;
    throw refused(code === 'ENOENT' ? 'there is no such file' : why, cause);
  }
  try {
    return parseScript(new TextDecoder().decode(bytes));
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    const { line, column } = error.detail;
    const reason = error.message.replace(/^line \d+ column \d+: /, '');
    throw new UnlockdError(error.code, `${path}:${line}:${column}: ${reason}`, {
      detail: { path, ...error.detail },
      cause: error,
    });
  }
}

/** What tells one version of a file from another; null: it is not there. */
async function versionOf(path: string): Promise<string | null> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return null;
  }
}

export class ScriptPlayer implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #playing: Promise<void>;

  private constructor(playing: (signal: AbortSignal) => Promise<void>) {
    this.#playing = playing(this.#stop.signal);
  }

  /**
   * Plays the file, and whatever takes its place later.
   * @param report a later file that cannot be read or played; what was there before stays
   * @throws {ERR_HAL_MOCK_SCRIPT} the first one cannot be
   */
  static async open(
    path: string,
    clock: Clock,
    surroundings: SimulatedSurroundings,
    report: (error: UnlockdError) => void,
  ): Promise<ScriptPlayer> {
    let version = await versionOf(path);
    let lines = await readScript(path);
    return new ScriptPlayer(async (signal) => {
      while (!signal.aborted) {
        const replaced = new AbortController();
        const either = AbortSignal.any([replaced.signal, signal]);
        const playing = play(lines, clock, surroundings, either);
        const before = version;
        while (!signal.aborted && version === before) {
          await clock.sleep(LOOK_EVERY, { signal }).catch(() => undefined);
          version = (await versionOf(path)) ?? before;
        }
        const next = signal.aborted ? lines : await readAgain(path, report);
        lines = next ?? [];
        replaced.abort();
        await playing;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#playing;
  }
}

async function readAgain(path: string, report: (error: UnlockdError) => void): Promise<readonly ScriptLine[] | null> {
  try {
    return await readScript(path);
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    report(error);
    return null;
  }
}

async function play(
  lines: readonly ScriptLine[],
  clock: Clock,
  surroundings: SimulatedSurroundings,
  signal: AbortSignal,
): Promise<void> {
  for (const { afterSeconds, seen, during } of lines) {
    if (afterSeconds > 0) await clock.sleep(milliseconds(afterSeconds * 1000), { signal }).catch(() => undefined);
    if (signal.aborted) return;
    surroundings.set(seen, during);
  }
}
