/** What there is to know and to prove of phones: the list for people, and the proof that enrols one. */
import { seconds, unixMs } from '../../drivers/base/brand.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { BluetoothHal, BondedDevice, ProbeFailure } from '../../drivers/hal/bluetooth.ts';
import type { PhoneLine, PhonesView } from '../api/ports.ts';
import { toRefusal } from '../api/refusal.ts';
import type { EnrolledPhone } from '../container/phones.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import type { ServiceParts } from './parts.ts';

type Parts = Pick<ServiceParts, 'bluetooth' | 'clock' | 'phones'>;

/** A page of a phone that is away takes five seconds, and it may be paged twice. */
const PROBE_WITHIN = seconds(15);

const WHY: Readonly<Record<ProbeFailure, string>> = {
  unreachable: 'it does not answer',
  refused: 'who answers there does not have the key of the pairing',
  'weak-link': 'the link was not authenticated, or its key is too short',
  'not-bonded': 'it is not paired any more',
  'radio-off': 'Bluetooth is switched off',
  'no-permission': 'the daemon may not use the radio',
  unsupported: 'phones that are paired over Bluetooth LE alone cannot be proved here',
  failed: 'the probe failed',
};

function requireBluetooth({ bluetooth }: Parts): BluetoothHal {
  if (bluetooth !== null) return bluetooth;
  throw new UnlockdError('ERR_HAL_NOT_FOUND', 'this machine has no Bluetooth that the daemon could use');
}

const NAME_LENGTH = 248;

/**
 * As it is shown to people from then on: whole characters, of which none begins a line, turns the direction of writing, or
 * is invisible (but the joiner of emoji).
 */
const nameOf = ({ name }: BondedDevice): string | null =>
  name === null
    ? null
    : [...name.slice(0, NAME_LENGTH)].join('').replace(/(?!\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');

/**
 * The phone as it is to be pinned, after it has proved the key of its pairing just now.
 * @throws {ERR_PHONE_UNKNOWN | ERR_PHONE_WEAK_BOND | ERR_PHONE_NOT_PROVED | ERR_HAL_*}
 */
export async function provePhone(parts: Parts, run: CeremonyRun, address: string): Promise<EnrolledPhone> {
  const hal = requireBluetooth(parts);
  const { signal } = run;
  const device = (await hal.bonded({ signal })).find((bonded) => bonded.address === address);
  if (device === undefined) throw new UnlockdError('ERR_PHONE_UNKNOWN', `${address} is not paired with this machine`);
  if (device.key !== 'authenticated') {
    throw new UnlockdError('ERR_PHONE_WEAK_BOND', `the key of ${address} is ${device.key}`, {
      detail: { address, key: device.key },
    });
  }
  run.emit({ type: 'progress', step: `asking ${nameOf(device) ?? address} for a proof of its pairing` });
  const { outcome, bond } = await hal.probe(address, { minLevel: 'high', within: PROBE_WITHIN, signal });
  signal.throwIfAborted();
  if (!outcome.proved) {
    const { reason, detail } = outcome;
    throw new UnlockdError('ERR_PHONE_NOT_PROVED', `${address}: ${WHY[reason]}`, {
      detail: { address, reason, detail },
    });
  }
  if (!outcome.authenticated) {
    throw new UnlockdError('ERR_PHONE_NOT_PROVED', `${address}: ${WHY['weak-link']}`, { detail: { address } });
  }
  // What was looked at has to be what was proved.
  if (bond !== device.bond) throw new UnlockdError('ERR_PHONE_NOT_PROVED', `${address}: ${WHY['not-bonded']}`);
  const { addressType, classOfDevice } = device;
  const enrolledAt = unixMs(parts.clock.wall());
  return { uid: run.uid, address, addressType, name: nameOf(device), classOfDevice, bond: bond ?? null, enrolledAt };
}

/** @param uid who asks; 0 sees everybody's */
export async function phonesView(parts: Parts, uid: number, signal: AbortSignal): Promise<PhonesView> {
  const enrolled = await parts.phones.all();
  let bonded: readonly BondedDevice[] | null = null;
  let problem: PhonesView['problem'] = null;
  try {
    bonded = await requireBluetooth(parts).bonded({ signal });
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    problem = toRefusal(error);
  }
  const lines: PhoneLine[] = [];
  for (const phone of enrolled) {
    if (phone.uid !== uid && uid !== 0) continue;
    const now = bonded?.find(({ address }) => address === phone.address);
    lines.push({
      address: phone.address,
      name: phone.name,
      uid: phone.uid,
      enrolledAt: phone.enrolledAt,
      // One that was paired anew is not the phone that was enrolled.
      paired: bonded === null ? null : now !== undefined && (phone.bond === null || phone.bond === now.bond),
      key: now?.key ?? null,
      pinned: phone.bond !== null,
    });
  }
  for (const device of bonded ?? []) {
    // Whose it is, and that it is somebody's, is not said to others.
    if (enrolled.some(({ address }) => address === device.address)) continue;
    const { address, key } = device;
    lines.push({ address, name: nameOf(device), uid: null, enrolledAt: null, paired: true, key, pinned: null });
  }
  return { phones: lines, problem };
}

/**
 * Does `work` with a phone enrolled for it; when that comes to nothing, the phone is not enrolled any more either.
 * @param address null: none
 */
export async function withPhone<T>(
  parts: Parts,
  run: CeremonyRun,
  address: string | null,
  work: () => Promise<T>,
): Promise<T> {
  if (address === null) return await work();
  const before = await parts.phones.all();
  const wasEnrolled = before.some((phone) => phone.address === address && phone.uid === run.uid);
  await parts.phones.add(await provePhone(parts, run, address));
  try {
    return await work();
  } catch (error) {
    // A container that is in place and not revoked yet keeps it.
    if (!wasEnrolled && !isUnlockdError(error, 'ERR_CHANGE_NOT_REVOKED')) await parts.phones.remove(run.uid, address);
    throw error;
  }
}
