/**
 * Phones that come and go as a file says: a recorded trace, replayed from the moment that somebody watches. JSON Lines,
 * each with `afterSeconds` since the line before and either a sample (`phone`, `reachable`, `rssi` in dB on the relative
 * scale or null, `source`) or `unavailable` with a reason, or `available`. After the last line nothing is told any more.
 */
import { readFile } from 'node:fs/promises';
import { milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { jsonErrorAt } from '../../drivers/base/json-error.ts';
import type { PresenceEvent, PresenceHal, PresenceOutage, PresencePhone } from '../../drivers/hal/presence.ts';

/** What happens, without the time of it. */
type Seen = PresenceEvent extends infer E ? (E extends PresenceEvent ? Omit<E, 'at'> : never) : never;

export interface TraceLine {
  readonly afterSeconds: number;
  readonly seen: Seen;
}

const MAX_BYTES = 4 * 1024 * 1024;
const OUTAGES: readonly PresenceOutage[] = ['radio-off', 'daemon-gone', 'no-permission', 'no-driver', 'failed'];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function phoneOf(value: unknown): PresencePhone | null {
  if (!isRecord(value)) return null;
  const { address, name = null, classOfDevice = null, users = [] } = value;
  const sound =
    typeof address === 'string' &&
    /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(address) &&
    (name === null || typeof name === 'string') &&
    (classOfDevice === null || isNumber(classOfDevice)) &&
    Array.isArray(users) &&
    users.every(isNumber);
  return sound ? { address, name, classOfDevice, users } : null;
}

function seenOf(line: Readonly<Record<string, unknown>>): Seen | null {
  if (line.available === true) return { type: 'available' };
  const reason = OUTAGES.find((known) => known === line.unavailable);
  if (reason !== undefined) return { type: 'unavailable', reason };
  const phone = phoneOf(line.phone);
  const { rssi = null, reachable, source = 'probe' } = line;
  if (phone === null || typeof reachable !== 'boolean' || (rssi !== null && !isNumber(rssi))) return null;
  if (source !== 'probe' && source !== 'hint') return null;
  return { type: 'sample', phone, reachable, source, rssi: rssi === null ? null : { scale: 'relative', value: rssi } };
}

/**
 * @param name of the file, for errors
 * @throws {ERR_HAL_MOCK_SCRIPT} with the number of the line
 */
export function parsePresenceTrace(text: string, name = 'the presence trace'): readonly TraceLine[] {
  return text.split('\n').flatMap((source, n) => {
    if (source.trim() === '') return [];
    let line: unknown;
    try {
      line = JSON.parse(source);
    } catch {
      line = null;
    }
    const seen = isRecord(line) ? seenOf(line) : null;
    const after = isRecord(line) ? (line.afterSeconds ?? 0) : 0;
    if (seen === null || !isNumber(after) || after < 0) {
      const what = jsonErrorAt(source) === null ? 'this is no line of a presence trace' : 'this is not JSON';
      throw new UnlockdError('ERR_HAL_MOCK_SCRIPT', `${name}:${n + 1}: ${what}`, { detail: { line: n + 1 } });
    }
    return [{ afterSeconds: after, seen }];
  });
}

export class PresenceTrace implements PresenceHal {
  readonly name = 'a recorded trace';
  readonly simulated = true;
  readonly #lines: readonly TraceLine[];
  readonly #clock: Clock;
  readonly #probed: string[] = [];

  constructor(lines: readonly TraceLine[], clock: Clock) {
    this.#lines = lines;
    this.#clock = clock;
  }

  /** @throws {ERR_HAL_MOCK_SCRIPT} with the file */
  static async open(path: string, clock: Clock): Promise<PresenceTrace> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(path);
    } catch (cause) {
      throw new UnlockdError('ERR_HAL_MOCK_SCRIPT', `${path}: it cannot be read`, { detail: { path }, cause });
    }
    if (bytes.length > MAX_BYTES) throw new UnlockdError('ERR_HAL_MOCK_SCRIPT', `${path}: it is too large`);
    return new PresenceTrace(parsePresenceTrace(new TextDecoder().decode(bytes), path), clock);
  }

  /** Addresses that were asked to be probed out of turn. */
  get probedOutOfTurn(): readonly string[] {
    return this.#probed;
  }

  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<PresenceEvent, void, undefined> {
    try {
      for (const { afterSeconds, seen } of this.#lines) {
        await this.#clock.sleep(milliseconds(afterSeconds * 1000), { signal });
        yield { ...seen, at: this.#clock.now() };
      }
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** A recording cannot be asked; it only remembers. */
  probe(address: string): void {
    if (this.#probed.length < 1000) this.#probed.push(address);
  }
}
