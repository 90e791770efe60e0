/**
 * The values of signal rules: from the text that Windows documents to the model's canonical text. Each reader gives
 * undefined for what is not exactly of the documented form, so that nothing is guessed.
 */
import ipaddr from 'ipaddr.js';
import { WIFI_SECURITIES, type WifiSecurity } from '../../../../drivers/observation.ts';
import { MAJOR_DEVICE_CLASSES } from '../../rules.ts';

export interface ReadValue<T> {
  readonly value: T;
  /** The text says the same in another way than the export will. */
  readonly respelled?: string;
}
type Reader<T> = (text: string) => ReadValue<T> | undefined;

const DECIMAL = /^(?:0|[1-9]\d{0,4})$/;

const decimal = (text: string, max: number): number | undefined => {
  if (!DECIMAL.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
};

const ipv4 = (text: string): string | undefined => {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => decimal(part, 255) !== undefined) ? text : undefined;
};

const ipv6 = (text: string): string | undefined => {
  if (text.length > 45 || !/^[\dA-Fa-f:.]+$/.test(text) || !ipaddr.IPv6.isValid(text)) return undefined;
  return ipaddr.IPv6.parse(text).toRFC5952String();
};

/** Clears the host bits, as an address in a prefix means its network. */
const network = (address: string, length: number): string => {
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray().map((byte, i) => {
    const kept = Math.max(0, Math.min(8, length - 8 * i));
    return byte & (0xff << (8 - kept));
  });
  const cleared = ipaddr.fromByteArray(bytes);
  return `${cleared instanceof ipaddr.IPv6 ? cleared.toRFC5952String() : cleared.toString()}/${length}`;
};

const prefix =
  (address: (text: string) => string | undefined, bits: number): Reader<string> =>
  (text) => {
    const slash = text.indexOf('/');
    if (slash < 0) return undefined;
    const canonical = address(text.slice(0, slash));
    const length = decimal(text.slice(slash + 1), bits);
    if (canonical === undefined || length === undefined) return undefined;
    const value = network(canonical, length);
    return value === `${canonical}/${length}`
      ? { value }
      : { value, respelled: `${text} has bits beyond its length set; it means ${value}` };
  };

export const readIpv4Prefix = prefix(ipv4, 32);
export const readIpv6Prefix = prefix(ipv6, 128);

export const readIpv4Address: Reader<string> = (text) => {
  const value = ipv4(text);
  return value === undefined ? undefined : { value };
};

/** With or without a numeric scope id. */
export const readIpv6Address: Reader<string> = (text) => {
  const [address = '', scope, ...rest] = text.split('%');
  const value = ipv6(address);
  if (value === undefined || rest.length > 0) return undefined;
  if (scope === undefined) return { value };
  return /^(?:0|[1-9]\d{0,9})$/.test(scope) ? { value: `${value}%${scope}` } : undefined;
};

const LABEL = /^[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?$/;

/** A domain name in A-labels; the model has it in lower case and without the final dot. */
export const readDnsSuffix: Reader<string> = (text) => {
  const value = text.toLowerCase().replace(/\.$/, '');
  if (value.length > 253 || !value.split('.').every((label) => LABEL.test(label))) return undefined;
  return value === text ? { value } : { value, respelled: `${text} is compared as ${value}` };
};

/** What an SSID of the rule language may hold: 1 to 32 octets of UTF-8 that XML can carry on one line. */
export const isSsid = (text: string): boolean => {
  const bytes = new TextEncoder().encode(text).length;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return bytes >= 1 && bytes <= 32 && !/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]|\p{Surrogate}/u.test(text);
};
export const readSsid: Reader<string> = (text) => (isSsid(text) ? { value: text } : undefined);

export const readBssid: Reader<string> = (text) =>
  /^[\dA-Fa-f]{2}(?:-[\dA-Fa-f]{2}){5}$/.test(text) ? { value: text.toLowerCase().replaceAll('-', ':') } : undefined;

export const readSecurity: Reader<WifiSecurity> = (text) => {
  const value = WIFI_SECURITIES.find((security) => security === text);
  return value === undefined ? undefined : { value };
};

/** 20 octets (SHA-1) or 32 (SHA-256), with one space between two. */
export const readThumbprint: Reader<string> = (text) =>
  /^[\dA-Fa-f]{2}(?:(?: [\dA-Fa-f]{2}){19}|(?: [\dA-Fa-f]{2}){31})$/.test(text)
    ? { value: text.toLowerCase().replaceAll(' ', '') }
    : undefined;

export const readQuality: Reader<number> = (text) => {
  const value = decimal(text, 100);
  return value === undefined ? undefined : { value };
};

export const readDeviceClass: Reader<number> = (text) => {
  const value = decimal(text, 7936);
  return value === undefined || MAJOR_DEVICE_CLASSES[value] === undefined ? undefined : { value };
};

const decibel =
  (min: number, max: number): Reader<number> =>
  (text) => {
    const size = decimal(text.replace(/^-(?=[1-9])/, ''), 128);
    if (size === undefined) return undefined;
    const value = text.startsWith('-') ? -size : size;
    return value >= min && value <= max ? { value } : undefined;
  };

/** The range of the RSSI in HCI, dB. */
export const readRssiMin = decibel(-128, 127);
export const readRssiMaxDelta = decibel(-128, 0);
