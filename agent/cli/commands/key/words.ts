/** Security keys in words: what a device is called, what it says of itself. Texts of keys and accounts are others' texts. */
import type { UnlockdError } from '../../../../drivers/base/errors.ts';
import type { HidDeviceInfo } from '../../../../drivers/hal/hid.ts';
import type { KeyDescription } from '../../../keys/describe.ts';
import type { ListedKey } from '../../../keys/list.ts';
import { oneLine, triesLeft } from '../../output.ts';

type Named = Pick<HidDeviceInfo, 'path' | 'product' | 'manufacturer' | 'vendorId' | 'productId'>;

const usbId = ({ vendorId, productId }: Named): string =>
  [vendorId, productId].map((id) => id.toString(16).padStart(4, '0')).join(':');

/** `Virtual Security Key (/dev/hidraw0)`: two keys of one kind differ by their path only. */
export const deviceWords = (device: Named): string =>
  `${oneLine(device.product ?? `security key ${usbId(device)}`)} (${device.path})`;

const PIN_WORDS: Readonly<Record<KeyDescription['pin'], string>> = {
  set: 'set',
  'not-set': 'not set',
  'not-supported': 'cannot have one',
};

const FINGER_WORDS: Readonly<Record<KeyDescription['fingerprints'], string>> = {
  enrolled: 'at least one finger',
  'none-enrolled': 'no finger yet',
  'no-reader': 'no reader',
};

function pinWords(key: KeyDescription): string {
  if (key.pin === 'not-supported') return PIN_WORDS[key.pin];
  const parts = [PIN_WORDS[key.pin]];
  if (key.pinTriesLeft !== null) parts.push(key.pinTriesLeft === 0 ? 'blocked for good' : triesLeft(key.pinTriesLeft));
  if (key.pinNeedsReplug) parts.push('taken again only after the key was unplugged');
  if (key.pinMustChange) parts.push('has to be changed');
  parts.push(`at least ${key.minPinLength} characters`);
  return parts.join(', ');
}

const ALGORITHMS: Readonly<Record<string, string>> = { '-7': 'ES256', '-8': 'EdDSA', '-35': 'ES384', '-257': 'RS256' };

const onOff = (state: boolean | null): string => (state === null ? 'cannot' : state ? 'on' : 'off');
const list = (texts: readonly (string | number)[]): string =>
  texts.length === 0 ? 'none' : texts.map((text) => oneLine(String(text))).join(', ');

/** Label and value, aligned; null: the key does not say, and the row is left out. */
function rows(pairs: readonly (readonly [string, string | null])[]): readonly string[] {
  const said = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== null);
  const width = Math.max(...said.map(([label]) => label.length));
  return said.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
}

const bytes = (count: number | null): string | null => (count === null ? null : `${count} bytes`);

/** @param device of the key */
export function infoWords(device: HidDeviceInfo, key: KeyDescription): readonly string[] {
  const fingers = key.fingerprintTriesLeft === null ? '' : `, ${triesLeft(key.fingerprintTriesLeft)}`;
  const plainText = (value: unknown): string => oneLine(typeof value === 'string' ? value : JSON.stringify(value));
  return [
    deviceWords(device),
    ...rows([
      ['made by', device.manufacturer === null ? null : oneLine(device.manufacturer)],
      ['serial number', device.serial === null ? null : oneLine(device.serial)],
      ['USB id', usbId(device)],
      ['model (AAGUID)', key.aaguid],
      ['firmware', key.firmwareVersion === null ? null : String(key.firmwareVersion)],
      ['device version', key.deviceVersion],
      ['speaks', list(key.versions)],
      ['PIN', pinWords(key)],
      ['fingerprints', `${FINGER_WORDS[key.fingerprints]}${fingers}`],
      ['always verifies', onOff(key.alwaysVerifies)],
      ['enterprise attestation', onOff(key.enterpriseAttestation)],
      ['room for accounts', key.remainingCredentials === null ? null : `${key.remainingCredentials} more`],
      ['large blobs', key.largeBlobBytes === null ? 'none' : `up to ${key.largeBlobBytes} bytes`],
      ['credBlob', bytes(key.credBlobBytes)],
      ['extensions', list(key.extensions)],
      ['algorithms', key.algorithms === null ? null : list(key.algorithms.map((alg) => ALGORITHMS[alg] ?? alg))],
      ['PIN/UV protocols', list(key.pinUvAuthProtocols)],
      ['options', list(Object.entries(key.options).map(([name, on]) => (on ? name : `no ${name}`)))],
      ['transports', key.transports.length === 0 ? null : list(key.transports)],
      ['messages', `up to ${key.maxMessageBytes} bytes`],
      ['credentials in a list', key.maxCredentialsInList === null ? null : `up to ${key.maxCredentialsInList}`],
      ['credential ids', key.maxCredentialIdBytes === null ? null : `up to ${key.maxCredentialIdBytes} bytes`],
      ['winks', key.winks ? 'yes' : 'no'],
      ['tries at the reader', key.preferredUvAttempts === null ? null : String(key.preferredUvAttempts)],
      ['verifies by', key.uvModality === null ? null : `0x${key.uvModality.toString(16)}`],
      ...Object.entries(key.certifications).map(([name, level]) => [oneLine(name), plainText(level)] as const),
      ...Object.entries(key.unknown).map(([name, value]) => [`member ${oneLine(name)}`, plainText(value)] as const),
    ]),
  ];
}

const summary = (key: KeyDescription): string =>
  [list(key.versions), `PIN ${pinWords(key)}`, FINGER_WORDS[key.fingerprints]].join('; ');

export function listWords(keys: readonly ListedKey[]): readonly string[] {
  if (keys.length === 0) {
    return ['No security key is plugged in. (Windows shows them to administrators only.)'];
  }
  return keys.flatMap((listed) => [
    `${deviceWords(listed)}${listed.serial === null ? '' : `, serial number ${oneLine(listed.serial)}`}`,
    listed.problem === null ? `  ${summary(listed.key)}` : `  cannot be used: ${problemWords(listed.problem)}`,
  ]);
}

export const problemWords = ({ message, code }: UnlockdError): string => `${message} (${code})`;
