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

/** Whether the observation is well-formed is for the daemon to find out, as with a real driver. */
function seenOf(line: Readonly<Record<string, unknown>>): Seen | null {
  const kind = KINDS.find((known) => known === line.kind);
  if (kind === undefined) return null;
  const reason = REASONS.find((known) => known === line.unavailable);
  if (reason !== undefined) return { kind, unavailable: reason };
  return isRecord(line.observation) ? ({ kind, observation: line.observation } as unknown as Seen) : null;
}

/** @throws {ERR_HAL_MOCK_STATE} with the number of the line */
export function parseScript(text: string): readonly ScriptLine[] {
  return text.split('\n').flatMap((source, n) => {
    if (source.trim() === '') return [];
    let line: unknown;
    try {
      line = JSON.parse(source);
    } catch {
      line = null;
    }
    const seen = isRecord(line) ? seenOf(line) : null;
    const { afterSeconds = 0, validForSeconds, once = false } = isRecord(line) ? line : {};
    const sound = isSpan(afterSeconds) && (validForSeconds === undefined || isSpan(validForSeconds));
    if (seen === null || !sound || typeof once !== 'boolean') {
      throw new UnlockdError('ERR_HAL_MOCK_STATE', `line ${n + 1} of the script of surroundings is not well-formed`);
    }
    const validFor = validForSeconds === undefined ? {} : { validFor: milliseconds(validForSeconds * 1000) };
    return [{ afterSeconds, seen, during: { repeated: !once, ...validFor } }];
  });
}

/** @throws {ERR_HAL_MOCK_STATE | ERR_HAL_NOT_FOUND} */
async function readScript(path: string): Promise<readonly ScriptLine[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const message = 'the script of surroundings cannot be read';
    throw new UnlockdError('ERR_HAL_NOT_FOUND', message, { detail: { path }, cause });
  }
  if (bytes.length > MAX_BYTES) throw new UnlockdError('ERR_HAL_MOCK_STATE', 'the script of surroundings is too large');
  return parseScript(new TextDecoder().decode(bytes));
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
   * @throws {ERR_HAL_MOCK_STATE | ERR_HAL_NOT_FOUND} the first one cannot be
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
