/** The fingers that a key knows (CTAP 2.1 §6.7). */
import { utf8 } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import {
  BioEnrollment,
  type EnrolledSample,
  type FingerprintSensor,
  type FingerprintTemplate,
} from '../../drivers/fido2/bio-enrollment.ts';
import { withTouch } from '../../drivers/fido2/ceremony.ts';
import type { PinUvAuthToken } from '../../drivers/fido2/client-pin.ts';
import { authenticatorGetInfo } from '../../drivers/fido2/get-info.ts';
import { PERMISSION } from '../../drivers/fido2/wire/constants.ts';
import { byId } from './ids.ts';
import { type OpenKey, tokenFor } from './session.ts';

export type { FingerprintTemplate as Finger, SampleStatus } from '../../drivers/fido2/bio-enrollment.ts';

export interface Fingers {
  readonly sensor: FingerprintSensor;
  readonly fingers: readonly FingerprintTemplate[];
}

const WHAT = 'the fingers that the security key knows';

const optionsOf = ({ ceremony }: OpenKey) => ({ signal: ceremony.signal });

/** @throws {ERR_CTAP_STORAGE_FULL} it is longer than the reader keeps */
function requireName(name: string, { maxNameLength }: FingerprintSensor): void {
  const { length } = utf8(name);
  if (maxNameLength === null || length <= maxNameLength) return;
  throw new UnlockdError(
    'ERR_CTAP_STORAGE_FULL',
    `the name has ${length} bytes, and the security key keeps ${maxNameLength}`,
    {
      detail: { length, limit: maxNameLength },
    },
  );
}

/** Whether any finger is enrolled; where none is, nobody has to type a PIN to learn it. */
const hasFingers = ({ session: { info } }: OpenKey): boolean =>
  (info.options.get('bioEnroll') ?? info.options.get('userVerificationMgmtPreview')) === true;

/** @throws {ERR_CTAP_UNSUPPORTED} the key has no reader */
export async function listFingers(key: OpenKey): Promise<Fingers> {
  const { authenticator, info } = key.session;
  const bio = new BioEnrollment(authenticator, info);
  const sensor = await bio.sensor(optionsOf(key));
  if (!hasFingers(key)) return { sensor, fingers: [] };
  using token = await tokenFor(key, PERMISSION.be);
  return { sensor, fingers: await bio.templates(token, info, optionsOf(key)) };
}

/** Who enrols is told what to do: before the first sample, and after each. */
export interface FingerProgress {
  readonly onReady: (sensor: FingerprintSensor) => void;
  readonly onSample: (sample: EnrolledSample) => void;
}

/**
 * Enrols a finger; cancelled or failed, the key forgets what it has of it.
 * @param name null: none
 * @throws {ERR_CTAP_UNSUPPORTED | ERR_CTAP_STORAGE_FULL | ERR_CTAP_TOUCH_TIMEOUT | ERR_CTAP_CANCELLED}
 */
export async function addFinger(
  key: OpenKey,
  name: string | null,
  progress: FingerProgress,
): Promise<FingerprintTemplate> {
  const { authenticator, info, device } = key.session;
  const bio = new BioEnrollment(authenticator, info);
  const sensor = await bio.sensor(optionsOf(key));
  if (name !== null) requireName(name, sensor);
  using token = await tokenFor(key, PERMISSION.be);
  progress.onReady(sensor);
  // What to do is said by `progress`; the time for each sample is that of a touch.
  const { onKeepalive: _, ...options } = withTouch(key.ceremony, { device, why: 'enrol' });
  const id = await bio.enrol(token, progress.onSample, options);
  if (name !== null) await bio.rename(token, id, name, optionsOf(key));
  return { id, name };
}

async function withFinger<T>(
  key: OpenKey,
  prefix: string,
  use: (finger: FingerprintTemplate, bio: BioEnrollment, token: PinUvAuthToken) => Promise<T>,
): Promise<T> {
  const { authenticator, info } = key.session;
  const bio = new BioEnrollment(authenticator, info);
  if (!hasFingers(key)) byId<FingerprintTemplate>([], prefix, WHAT);
  using token = await tokenFor(key, PERMISSION.be);
  return await use(byId(await bio.templates(token, info, optionsOf(key)), prefix, WHAT), bio, token);
}

/** @param prefix of its id, hexadecimal @throws {ERR_CTAP_NO_SUCH_ID | ERR_CTAP_STORAGE_FULL} */
export async function renameFinger(key: OpenKey, prefix: string, name: string): Promise<FingerprintTemplate> {
  return await withFinger(key, prefix, async (finger, bio, token) => {
    requireName(name, await bio.sensor(optionsOf(key)));
    await bio.rename(token, finger.id, name, optionsOf(key));
    return { ...finger, name };
  });
}

/**
 * @param confirm rejects where the person does not want it, knowing which it is
 * @returns what was removed, and whether another one is left
 * @throws {ERR_CTAP_NO_SUCH_ID}
 */
export async function removeFinger(
  key: OpenKey,
  prefix: string,
  confirm: (finger: FingerprintTemplate) => Promise<void>,
): Promise<{ readonly finger: FingerprintTemplate; readonly last: boolean }> {
  return await withFinger(key, prefix, async (finger, bio, token) => {
    await confirm(finger);
    await bio.remove(token, finger.id, optionsOf(key));
    const { options } = await authenticatorGetInfo(key.session.authenticator, optionsOf(key));
    return { finger, last: (options.get('bioEnroll') ?? options.get('userVerificationMgmtPreview')) !== true };
  });
}
