/**
 * The shape of observations. Drivers are typed, and still whatever stands in a signal `evaluate()` returns: what is not
 * of this shape matches nothing.
 */
import type { Observations } from '../../../drivers/observation.ts';
import type { SurroundingKind } from '../../../drivers/signal.ts';

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => Number.isFinite(value);
const isFlag: Check = (value) => typeof value === 'boolean';
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const unlessLeftOut =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const textsByName: Check = (value) => typeof value === 'object' && value !== null && Object.values(value).every(isText);
const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const texts = orNull(listOf(isText));
const ipFamily = shape({ addresses: texts, gateways: texts, dhcpServers: texts, dnsServers: texts });

const SHAPES: Readonly<Record<SurroundingKind, Check>> = {
  bluetooth: shape({
    devices: listOf(
      shape({
        address: isText,
        name: orNull(isText),
        classOfDevice: orNull(isNumber),
        users: listOf(isNumber),
        proved: isFlag,
        rssi: orNull(shape({ scale: isText, value: isNumber })),
        rssiBest: orNull(isNumber),
      }),
    ),
  }),
  ipConfig: shape({
    primaryDnsSuffix: orNull(isText),
    primaryDnsSuffixSource: unlessLeftOut(isText),
    interfaces: listOf(
      shape({
        name: isText,
        kind: isText,
        connected: isFlag,
        ipv4: ipFamily,
        ipv6: ipFamily,
        sources: unlessLeftOut(textsByName),
      }),
    ),
  }),
  wifi: shape({
    associations: listOf(
      shape({
        interface: isText,
        ssidHex: isText,
        bssid: orNull(isText),
        security: orNull(isText),
        quality: orNull(isNumber),
        rootThumbprints: texts,
      }),
    ),
  }),
};

export const isObservationOf = <K extends SurroundingKind>(kind: K, value: unknown): value is Observations[K] =>
  SHAPES[kind](value);
