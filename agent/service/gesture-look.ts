/**
 * What there is to know of PIN, security key, finger and face before any of them is presented: whether it could be, with
 * which device, and whether the user has it. It is told to people and satisfies nothing: it never comes into the ledger.
 * Keys are listed and not opened, a reader is asked and not claimed.
 */
import { type Milliseconds, seconds } from '../../drivers/base/brand.ts';
import { deferred } from '../../drivers/base/deferred.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';
import type { HidDeviceInfo } from '../../drivers/hal/hid.ts';
import { GESTURE_KINDS, type GestureKind, type UnavailableReason } from '../../drivers/signal.ts';
import type { SensedSignal } from '../api/ports.ts';
import type { ContainerState } from '../container/state.ts';
import type { ServiceParts } from './parts.ts';

type Parts = Pick<ServiceParts, 'hid' | 'biometric' | 'store' | 'clock' | 'userName' | 'simulated'>;
type Waiting = { readonly signal: AbortSignal };

/** Nobody tells of readers that come and go: they are asked anew so often, while somebody watches. */
const ASK_AGAIN = seconds(30);
const VALID_FOR = seconds(60);
const NAME_LENGTH = 64;

/** What is known of one of them; the rest of a signal is the same for all. */
type Facts = Pick<SensedSignal, 'source' | 'state'> & {
  readonly reason: string;
  readonly detail: string;
  readonly simulated?: boolean;
};

const ready = (source: string, detail: string): Facts => ({
  source,
  state: 'unsatisfied',
  reason: 'not-presented',
  detail,
});
const notEnrolled = (source: string, detail: string): Facts => ({
  ...ready(source, detail),
  reason: 'not-enrolled',
});
const unavailable = (source: string, reason: UnavailableReason, detail: string): Facts => ({
  source,
  state: 'unavailable',
  reason,
  detail,
});

const NO_FACES = unavailable('none', 'no-driver', 'no reader of faces is driven on this system');

/** Devices call themselves as they like. */
const named = (text: string): string =>
  [...text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd')].slice(0, NAME_LENGTH).join('').trim();

const hex4 = (value: number): string => value.toString(16).padStart(4, '0');
const keyName = ({ product, vendorId, productId }: HidDeviceInfo): string =>
  `${named(product ?? '') || 'a key'} ${hex4(vendorId)}:${hex4(productId)}`;

function pinFacts(state: ContainerState | null): Facts {
  const source = 'unlockd';
  return state === null ? notEnrolled(source, 'set at `unlockctl enrol`') : ready(source, 'asked for at an unlock');
}

function problemFacts(source: string, error: unknown): Facts {
  if (!isUnlockdError(error)) return unavailable(source, 'failed', 'it cannot be asked');
  const { code, message } = error;
  if (code === 'ERR_HAL_PERMISSION') return unavailable(source, 'no-permission', message);
  const absent = code === 'ERR_HAL_NOT_FOUND' || code === 'ERR_HAL_MODULE_MISSING';
  return unavailable(source, absent ? 'no-driver' : 'failed', message);
}

async function keyFacts({ hid }: Parts, options: Waiting): Promise<Facts> {
  const source = 'HID';
  if (hid === null) return unavailable(source, 'no-driver', 'security keys are switched off: `hid.enabled`');
  try {
    const keys = await hid.list(options);
    if (keys.length === 0) return unavailable(source, 'no-device', 'no key is plugged in');
    return ready(source, `plugged in: ${keys.map(keyName).join(', ')}`);
  } catch (error) {
    options.signal.throwIfAborted();
    return problemFacts(source, error);
  }
}

async function readerFacts(
  { biometric, userName }: Parts,
  modality: 'fingerprint' | 'face',
  uid: number,
  state: ContainerState | null,
  options: Waiting,
): Promise<Facts> {
  if (biometric === null) return unavailable('none', 'no-driver', 'it is switched off: `signals.biometric`');
  const { name: source, simulated } = biometric;
  try {
    const readers = (await biometric.readers(options)).filter((reader) => reader.modality === modality);
    if (readers.length === 0) {
      return modality === 'face' ? NO_FACES : unavailable(source, 'no-device', 'there is no reader');
    }
    const there = readers.map((reader) => named(reader.name)).join(', ');
    const shown = await biometric.enrolled(userName(uid), modality, options);
    if (shown.length === 0) return { ...notEnrolled(source, `${there}: it knows nothing of this user`), simulated };
    if (state !== null && !state.biometrics.includes(modality)) {
      return { ...notEnrolled(source, `${there}: not yet added (\`unlockctl biometric add ${modality}\`)`), simulated };
    }
    return { ...ready(source, there), simulated };
  } catch (error) {
    options.signal.throwIfAborted();
    // That the service of fingers cannot be asked says nothing of faces.
    return modality === 'face' ? NO_FACES : { ...problemFacts(source, error), simulated };
  }
}

/** One row for each gesture. @throws the reason of the signal */
export async function lookAtGestures(parts: Parts, uid: number, options: Waiting): Promise<readonly SensedSignal[]> {
  const { clock } = parts;
  const observedAt = clock.now();
  // A container that cannot be read is for `status` to tell.
  const state = await parts.store.readContainer(uid).catch(() => null);
  const look: Readonly<Record<GestureKind, () => Facts | Promise<Facts>>> = {
    pin: () => pinFacts(state),
    securityKey: () => keyFacts(parts, options),
    fingerprint: () => readerFacts(parts, 'fingerprint', uid, state, options),
    face: () => readerFacts(parts, 'face', uid, state, options),
  };
  const facts = await Promise.all(GESTURE_KINDS.map(async (kind) => ({ kind, ...(await look[kind]()) })));
  return facts.map(({ simulated = parts.simulated, ...each }) => ({
    ...each,
    observedAt,
    validFor: VALID_FOR,
    simulated,
  }));
}

/** What is new in it, or half as old as it may become. */
class News {
  readonly #told = new Map<string, { readonly what: string; readonly at: number }>();

  isNew({ observedAt, ...what }: SensedSignal): boolean {
    const now = { what: JSON.stringify(what), at: observedAt };
    const last = this.#told.get(what.kind);
    if (last !== undefined && last.what === now.what && observedAt - last.at < what.validFor / 2) return false;
    this.#told.set(what.kind, now);
    return true;
  }
}

/** Tells each row, and again when it changes: at once when a key comes or goes. Until `signal` aborts; never throws. */
export async function followGestures(
  parts: Parts,
  uid: number,
  tell: (row: SensedSignal) => void,
  { signal }: Waiting,
): Promise<void> {
  const news = new News();
  let wake = deferred<void>();
  const onAbort = () => wake.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  const keys = followKeys(parts, () => wake.resolve(), { signal });
  try {
    while (!signal.aborted) {
      const rows = await lookAtGestures(parts, uid, { signal }).catch(() => []);
      if (signal.aborted) break;
      for (const row of rows) if (news.isNew(row)) tell(row);
      await atMost(parts, ASK_AGAIN, wake.promise);
      wake = deferred<void>();
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    await keys;
  }
}

async function atMost({ clock }: Pick<Parts, 'clock'>, span: Milliseconds, event: Promise<void>): Promise<void> {
  const over = deferred<void>();
  const stop = clock.timer(span, () => over.resolve());
  await Promise.race([event, over.promise]);
  stop();
}

/** A host that cannot tell is asked again after a while all the same. */
async function followKeys({ hid }: Parts, changed: () => void, options: Waiting): Promise<void> {
  if (hid === null) return;
  try {
    for await (const _ of hid.watch(options)) changed();
  } catch {
    // As above.
  }
}
