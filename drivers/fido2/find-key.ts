/**
 * Finds the key that a ceremony is for, among those plugged in now and those plugged in while it waits. Where several
 * fit, the one that is touched is taken; a key that does not fit is never sent more than questions without a touch.
 */
import { isUnlockdError, UnlockdError } from '../base/errors.ts';
import type { HidDeviceInfo } from '../hal/hid.ts';
import { DEFAULT_INSERT_WITHIN, type SecurityKeyCeremony, type Unusable, withTouch } from './ceremony.ts';
import { cancelled } from './channel-errors.ts';
import { type KeySession, openKey } from './key-session.ts';
import { authenticatorSelection, firstTouched } from './selection.ts';
import type { DeviceStopwatch } from './stopwatch.ts';

/** A key that fits, and what the examination found on it. */
export interface FoundKey<T> {
  readonly session: KeySession;
  readonly finding: T;
}

/** Looks at one key without a touch. Null: it is not the one. */
export type Examine<T> = (session: KeySession) => Promise<T | null>;

interface Round<T> {
  readonly found: readonly FoundKey<T>[];
  readonly wrong: readonly HidDeviceInfo[];
  readonly unusable: readonly Unusable[];
}

/** It was pulled out while it was looked at: as if it had not been there. */
export const isGone = (error: unknown): boolean => isUnlockdError(error, 'ERR_HAL_DISCONNECTED', 'ERR_HAL_NOT_FOUND');

export class KeyFinder<T> {
  readonly #ceremony: SecurityKeyCeremony;
  readonly #stopwatch: DeviceStopwatch;
  readonly #examine: Examine<T>;

  constructor(ceremony: SecurityKeyCeremony, stopwatch: DeviceStopwatch, examine: Examine<T>) {
    this.#ceremony = ceremony;
    this.#stopwatch = stopwatch;
    this.#examine = examine;
  }

  /**
   * Looks at what is plugged in now, without asking anybody for anything.
   * @returns the keys that fit, open, which is also none where looking failed: {@link find} looks again and says why
   */
  async findSilently(): Promise<readonly FoundKey<T>[]> {
    try {
      const { hid, signal } = this.#ceremony;
      return (await this.#examineAll(await hid.list({ signal }), false)).found;
    } catch (error) {
      if (this.#ceremony.signal.aborted || !isUnlockdError(error)) throw error;
      return [];
    }
  }

  /**
   * @returns the key, open; the caller disposes its session
   * @throws {ERR_CTAP_NO_KEY | ERR_CTAP_WRONG_KEY | ERR_CTAP_CANCELLED}, and what opening or examining threw where no
   *   key that is plugged in could be examined
   */
  async find(): Promise<FoundKey<T>> {
    const { hid, signal } = this.#ceremony;
    if (signal.aborted) throw cancelled(signal.reason);
    const present = await hid.list({ signal });
    const round = await this.#examineAll(present, false);
    if (round.found.length > 0) return await this.choose(round.found);
    const [unusable] = round.unusable;
    if (round.wrong.length === 0 && unusable !== undefined) throw unusable.error;
    return await this.#awaitInsertion(present, round);
  }

  async #examineAll(devices: readonly HidDeviceInfo[], justArrived: boolean): Promise<Round<T>> {
    const found: FoundKey<T>[] = [];
    const wrong: HidDeviceInfo[] = [];
    const unusable: Unusable[] = [];
    let failure: unknown;
    const look = async (device: HidDeviceInfo): Promise<void> => {
      let session: KeySession | null = null;
      try {
        session = await openKey(device, this.#ceremony, { stopwatch: this.#stopwatch, justArrived });
        const finding = await this.#examine(session);
        if (finding !== null) {
          found.push({ session, finding });
          return;
        }
        wrong.push(device);
      } catch (error) {
        if (!isUnlockdError(error) || isUnlockdError(error, 'ERR_CTAP_CANCELLED')) failure ??= error;
        else if (!isGone(error)) unusable.push({ device, error });
      }
      await session?.[Symbol.asyncDispose]();
    };
    await Promise.all(devices.map(look));
    if (failure === undefined && !this.#ceremony.signal.aborted) return { found, wrong, unusable };
    await Promise.all(found.map(({ session }) => session[Symbol.asyncDispose]()));
    throw this.#ceremony.signal.aborted ? cancelled(this.#ceremony.signal.reason) : failure;
  }

  /** The one that is touched, where it has to be asked for. Closes the others. @param found at least one */
  async choose(found: readonly FoundKey<T>[]): Promise<FoundKey<T>> {
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    let chosen: FoundKey<T> | null = null;
    try {
      const touched = await firstTouched(
        found,
        ({ session }, signal) => {
          const options = { ...withTouch(this.#ceremony, { device: session.device, why: 'select' }), signal };
          return authenticatorSelection(session.authenticator, session.info, options);
        },
        this.#ceremony.signal,
      );
      chosen = touched;
      return touched;
    } finally {
      const others = found.filter((key) => key !== chosen);
      await Promise.all(others.map(({ session }) => session[Symbol.asyncDispose]()));
    }
  }

  async #awaitInsertion(listed: readonly HidDeviceInfo[], round: Round<T>): Promise<FoundKey<T>> {
    const { hid, clock, signal, onInsert } = this.#ceremony;
    const within = this.#ceremony.insertWithin ?? DEFAULT_INSERT_WITHIN;
    const wrong = new Map(round.wrong.map((device) => [device.path, device]));
    const ask = () => onInsert({ why: wrong.size === 0 ? 'no-key' : 'wrong-key', present: [...wrong.values()] });
    if (within > 0) {
      ask();
      const limit = new AbortController();
      const stop = clock.timer(within, () => limit.abort());
      // What was listed is announced once more when the watch begins.
      const announced = new Map(listed.map((device) => [device.path, device]));
      try {
        for await (const { type, device } of hid.watch({ signal: AbortSignal.any([signal, limit.signal]) })) {
          if (type === 'left') {
            wrong.delete(device.path);
            continue;
          }
          const before = announced.get(device.path);
          announced.delete(device.path);
          if (before !== undefined && before.serial === device.serial && before.productId === device.productId)
            continue;
          const { found, wrong: alsoWrong, unusable } = await this.#examineAll([device], true);
          const [key] = found;
          if (key !== undefined) return key;
          if (unusable[0] !== undefined) throw unusable[0].error;
          for (const other of alsoWrong) wrong.set(other.path, other);
          ask();
        }
      } finally {
        stop();
      }
    }
    if (signal.aborted) throw cancelled(signal.reason);
    if (wrong.size === 0) throw new UnlockdError('ERR_CTAP_NO_KEY', 'no security key was plugged in');
    throw new UnlockdError('ERR_CTAP_WRONG_KEY', 'the security key that is plugged in is not an enrolled one', {
      detail: { present: wrong.size },
    });
  }
}
