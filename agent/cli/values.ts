/** Values on the command line: durations, descriptors, counts. Each parser refuses with words that say what is valid. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { PURPOSE, PURPOSE_WORDS } from '../api/purpose.ts';

const usage = (message: string): UnlockdError => new UnlockdError('ERR_CLI_USAGE', message);

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const MAX_SECONDS = 30 * 86_400;
/** Of a trace: a year. */
const MAX_INSTANT = 366 * 86_400;
const MAX_FD = 1023;
const MAX_UID = 0xffff_fffe;

/** `90s`, `10m`, `8h`, `1d`, or seconds without a unit. @returns whole seconds @throws {ERR_CLI_USAGE} */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9})([smhd]?)$/.exec(text);
  const seconds = match === null ? 0 : Number(match[1]) * (UNIT_SECONDS[match[2] || 's'] ?? 0);
  if (seconds < 1 || seconds > MAX_SECONDS) {
    throw usage(`"${text}" is no time: write 90s, 10m, 8h or 1d, from 1s to 30d`);
  }
  return seconds;
}

function parseNumber(text: string, max: number, what: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max)) throw usage(`"${text}" is no ${what}`);
  return value;
}

/** @throws {ERR_CLI_USAGE} */
export const parseFd = (text: string): number => parseNumber(text, MAX_FD, 'descriptor (0 to 1023)');
/** @throws {ERR_CLI_USAGE} */
export const parseUid = (text: string): number => parseNumber(text, MAX_UID, 'uid');
/** @throws {ERR_CLI_USAGE} */
export const parseCount = (text: string): number => parseNumber(text, 10_000, 'count (0 to 10000)');

/** What `status` calls a security key of the container. @throws {ERR_CLI_USAGE} */
export function parseKeyId(text: string): string {
  if (/^[0-9a-f]{8}$/i.test(text)) return text.toLowerCase();
  throw usage(`"${text}" is no key of a container: write the eight digits that \`unlockctl status\` lists`);
}

/** The id of an account or a finger on a security key, or how it begins. @throws {ERR_CLI_USAGE} */
export function parseKeyItemId(text: string): string {
  if (/^[0-9a-f]{2,2048}$/i.test(text)) return text.toLowerCase();
  throw usage(`"${text}" is no id: write the hexadecimal digits that the list shows, or the first of them`);
}

/** The least length of a PIN, in characters (CTAP 2.1 §6.5.1). @throws {ERR_CLI_USAGE} */
export function parsePinLength(text: string): number {
  const length = parseNumber(text, 63, 'length of a PIN (4 to 63)');
  if (length < 4) throw usage('a PIN of a security key has at least 4 characters');
  return length;
}

/** A Bluetooth address, in lower case. @throws {ERR_CLI_USAGE} */
export function parseAddress(text: string): string {
  if (/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(text)) return text.toLowerCase();
  throw usage(`"${text}" is no Bluetooth address: write a0:b1:c2:d3:e4:f5`);
}

/** Seconds, also with a fraction. @throws {ERR_CLI_USAGE} */
export function parseSeconds(text: string): number {
  const seconds = /^\d{1,9}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MAX_INSTANT))
    throw usage(`"${text}" is no number of seconds: write 12 or 12.5, up to ${MAX_INSTANT}`);
  return seconds;
}

/** The version of a signed document. @throws {ERR_CLI_USAGE} */
export function parseVersion(text: string): number {
  const version = parseNumber(text, 0xffff_ffff, 'version (1 to 4294967295)');
  if (version === 0) throw usage('versions begin with 1');
  return version;
}

/** The name of a purpose as the API takes it. @throws {ERR_CLI_USAGE} */
export function parsePurpose(text: string): string {
  if (PURPOSE.test(text)) return text;
  throw usage(PURPOSE_WORDS);
}

/** A SHA-256, hexadecimal, in lower case. @throws {ERR_CLI_USAGE} */
export function parseHash(text: string): string {
  if (/^[\da-f]{64}$/i.test(text)) return text.toLowerCase();
  throw usage(`"${text}" is no SHA-256: write 64 hexadecimal digits`);
}

/** A GUID, in braces or without. @throws {ERR_CLI_USAGE} */
export function parseGuid(text: string): string {
  if (/^(?:\{[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i.test(text))
    return text;
  throw usage(`"${text}" is no GUID: write 11111111-2222-3333-4444-555555555555`);
}
