/**
 * Fingerprint readers of a Linux host: fprintd over the system bus (net.reactivated.Fprint.Manager(5) and .Device(5)).
 * fprintd is visited when something is asked of it and left at once, so that it may end in between. There is no service
 * for faces that Linux hosts have in common: a face has no reader here.
 */
import { type Milliseconds, milliseconds, seconds } from '../../base/brand.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { startDeadline } from '../../base/deadline.ts';
import { isUnlockdError, UnlockdError } from '../../base/errors.ts';
import type { BiometricHal, BiometricReader, Modality, VerifyOptions, VerifyOutcome } from '../../hal/biometric.ts';
import { SYSTEM_BUS } from '../dbus/address.ts';
import type { BusSignal } from '../dbus/connection.ts';
import { dictOf, listOf, textOf } from '../dbus/values.ts';
import { DEVICE, VerificationSignals, verifyFinger } from './fprintd-verification.ts';
import { FPRINTD, FprintdVisit } from './fprintd-visit.ts';
import { errorOfFprintd, isFinger, isLoginName, reasonOf } from './fprintd-words.ts';

export interface FprintdOptions {
  /** Address of the bus; the system bus. */
  readonly bus?: string;
  readonly clock?: Clock;
  /** Longest time of one call. Starting fprintd and opening a reader are among them. */
  readonly within?: Milliseconds;
}

type Waiting = { readonly signal: AbortSignal };

const MANAGER = { path: '/net/reactivated/Fprint/Manager', interface: `${FPRINTD}.Manager` } as const;
const PATHS = '/net/reactivated/Fprint/Device/';
/** More than any machine has. */
const MAX_READERS = 16;
const NAME_LENGTH = 128;
/** Milliseconds before each look whether a reader that failed is there still. */
const FORGETTING_PAUSES = [0, 100, 300];
const WITHIN = seconds(10);
const NO_FACE = 'no service of this host knows faces';

class Fprintd implements BiometricHal {
  readonly name = 'fprintd';
  readonly simulated = false;
  readonly #options: Required<FprintdOptions>;
  readonly #closing = new AbortController();

  constructor(options: Required<FprintdOptions>) {
    this.#options = options;
  }

  async readers(options: Waiting): Promise<readonly BiometricReader[]> {
    return await this.#visit(options, async (visit, waiting) => {
      const out: BiometricReader[] = [];
      for (const path of await pathsOf(visit, waiting)) out.push(await readerAt(visit, path, waiting));
      return out;
    });
  }

  async enrolled(user: string, modality: Modality, options: Waiting): Promise<readonly string[]> {
    if (modality === 'face' || !isLoginName(user)) return [];
    return await this.#visit(options, async (visit, waiting) => {
      const fingers = new Set<string>();
      for (const path of await pathsOf(visit, waiting)) {
        for (const finger of await fingersAt(visit, path, user, waiting)) fingers.add(finger);
      }
      return [...fingers];
    });
  }

  async verify(options: VerifyOptions): Promise<VerifyOutcome> {
    options.signal.throwIfAborted();
    if (options.modality === 'face') return { is: 'unavailable', reason: 'no-reader', detail: NO_FACE };
    if (!isLoginName(options.user)) return { is: 'unavailable', reason: 'not-enrolled', detail: null };
    using deadline = startDeadline(this.#options.clock, options.within, { what: 'the finger', signal: options.signal });
    try {
      const outcome = await this.#verify(options, deadline.signal);
      // Whoever has given up gets no match any more.
      options.signal.throwIfAborted();
      return outcome;
    } catch (error) {
      options.signal.throwIfAborted();
      if (!isUnlockdError(error)) throw error;
      const reason = deadline.signal.aborted ? 'timed-out' : reasonOf(error, false);
      return { is: 'unavailable', reason, detail: error.message };
    }
  }

  async #verify({ user, onRetry }: VerifyOptions, signal: AbortSignal): Promise<VerifyOutcome> {
    const signals = new VerificationSignals(onRetry);
    const work = async (visit: FprintdVisit, waiting: Waiting): Promise<VerifyOutcome> => {
      const paths = await pathsOf(visit, waiting);
      if (paths.length === 0) return { is: 'unavailable', reason: 'no-reader', detail: null };
      const path = await firstWithFingers(visit, paths, user, waiting);
      if (path === null) return { is: 'unavailable', reason: 'not-enrolled', detail: null };
      const outcome = await verifyFinger(visit, { path, user, clock: this.#options.clock, signals, ...waiting });
      if (outcome.is !== 'unavailable' || outcome.reason !== 'failed') return outcome;
      // A reader that was pulled ends with whatever error its driver makes of it.
      const stays = await this.#stays(visit, path, waiting);
      return stays ? outcome : { ...outcome, reason: 'disconnected' };
    };
    return await this.#visit({ signal }, work, (sent) => signals.receive(sent));
  }

  /** libfprint lets go of a pulled reader only when it was closed, and fprintd forgets it after that. */
  async #stays(visit: FprintdVisit, path: string, options: Waiting): Promise<boolean> {
    for (const pause of FORGETTING_PAUSES) {
      await this.#options.clock.sleep(milliseconds(pause), options).catch(() => undefined);
      if (options.signal.aborted) break;
      if (!(await isThere(visit, path, options))) return false;
    }
    return true;
  }

  /** @throws {ERR_HAL_CLOSED} also in the midst of it, when the host is closed */
  async #visit<T>(
    { signal }: Waiting,
    work: (visit: FprintdVisit, options: Waiting) => Promise<T>,
    onSignal?: (signal: BusSignal) => void,
  ): Promise<T> {
    const either = { signal: AbortSignal.any([signal, this.#closing.signal]) };
    const { bus: address, clock, within } = this.#options;
    const visit = await FprintdVisit.open({ address, clock, within, ...either }, onSignal);
    try {
      return await work(visit, either);
    } finally {
      await visit.close();
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new UnlockdError('ERR_HAL_CLOSED', 'fprintd was closed'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function pathsOf(visit: FprintdVisit, options: Waiting): Promise<readonly string[]> {
  const [list] = await visit.call({ ...MANAGER, member: 'GetDevices' }, options);
  const paths = listOf(list, 'GetDevices').map((path) => textOf(path, 'GetDevices'));
  return paths.filter((path) => path.startsWith(PATHS)).slice(0, MAX_READERS);
}

async function readerAt(visit: FprintdVisit, path: string, options: Waiting): Promise<BiometricReader> {
  const call = { path, interface: 'org.freedesktop.DBus.Properties', member: 'GetAll', signature: 's', body: [DEVICE] };
  const [all] = await visit.call(call, options);
  const properties = dictOf(all, 'Device');
  const manner = properties.get('scan-type');
  return {
    name: textOf(properties.get('name'), 'name').slice(0, NAME_LENGTH),
    modality: 'fingerprint',
    manner: manner === 'press' || manner === 'swipe' ? manner : null,
  };
}

async function fingersAt(
  visit: FprintdVisit,
  path: string,
  user: string,
  options: Waiting,
): Promise<readonly string[]> {
  try {
    const call = { path, interface: DEVICE, member: 'ListEnrolledFingers', signature: 's', body: [user] };
    const [list] = await visit.call(call, options);
    return listOf(list, 'ListEnrolledFingers').filter(isFinger);
  } catch (error) {
    const own = errorOfFprintd(error);
    if (own === 'NoEnrolledPrints') return [];
    if (own === 'PermissionDenied') {
      throw new UnlockdError('ERR_HAL_PERMISSION', 'fprintd does not tell what is enrolled', { cause: error });
    }
    throw error;
  }
}

async function firstWithFingers(
  visit: FprintdVisit,
  paths: readonly string[],
  user: string,
  options: Waiting,
): Promise<string | null> {
  for (const path of paths) if ((await fingersAt(visit, path, user, options)).length > 0) return path;
  return null;
}

async function isThere(visit: FprintdVisit, path: string, options: Waiting): Promise<boolean> {
  try {
    return (await pathsOf(visit, options)).includes(path);
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    return true;
  }
}

/** The biometric part of a Linux machine. Connects when it is asked, and holds nothing in between. */
export function fprintd(options: FprintdOptions = {}): BiometricHal {
  return new Fprintd({ bus: SYSTEM_BUS, clock: systemClock, within: WITHIN, ...options });
}
