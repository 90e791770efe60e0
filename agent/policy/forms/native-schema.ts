/**
 * The schema of the native policy document, version 2, for JSON and TOML alike. Strict: unknown keys, duplicates and
 * values out of range are errors; what is left out has its default. The published JSON Schema is generated from it.
 */
import ipaddr from 'ipaddr.js';
import * as z from 'zod';
import { INTERFACE_KINDS, WIFI_SECURITIES } from '../../../drivers/observation.ts';
import { FACTOR_KINDS, GESTURE_KINDS, SIGNAL_KINDS } from '../../../drivers/signal.ts';
import { DEFAULT_DYNAMIC_LOCK } from '../dynamic-lock.ts';
import { CONTEXT_NAMES, DEFAULT_DOCUMENT, DEFAULT_MATCHING, DEFAULT_PIN_RULES } from '../model.ts';
import type { FactorName, Requirement } from '../requirement.ts';
import { MAJOR_DEVICE_CLASSES } from '../rules.ts';
import { minuteOf, WEEKDAYS } from '../time-window.ts';
import {
  readDnsSuffix,
  readIpv4Address,
  readIpv4Prefix,
  readIpv6Address,
  readIpv6Prefix,
} from './windows/rule-values.ts';

/** Names of rules and windows. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** Parts in one `any`, `all` or `of`. */
const MAX_PARTS = 32;

const name = z.string().regex(NAME, 'letters, digits, "-" and "_", at most 64');

const factorName = z.union([
  z.enum([...FACTOR_KINDS, 'trustedSignal']),
  z.templateLiteral(['rule:', z.string().regex(NAME)]),
]) as unknown as z.ZodType<FactorName>;

const some = <T>(item: z.ZodType<T>) => z.array(item).min(1).max(MAX_PARTS);

/** A list of factors of which one is to be satisfied: `first` and `then`, as Windows writes it. */
const factorList = z.array(factorName).min(1).max(MAX_PARTS);

/** Windows rule V2: an unlock begins with something that a person does. */
const isSignalName = (name: unknown): boolean =>
  name === 'trustedSignal' ||
  FACTOR_KINDS.some((kind) => kind === name) ||
  (typeof name === 'string' && name.startsWith('rule:'));
const notFirst = ({ input }: { readonly input?: unknown }): string =>
  isSignalName(input) ? 'a signal may stand in "then" only' : `is none of ${GESTURE_KINDS.join(', ')}`;
const firstList = z
  .array(z.enum(GESTURE_KINDS, { error: notFirst }))
  .min(1)
  .max(MAX_PARTS);

export const requirement: z.ZodType<Requirement> = z.lazy(() =>
  z.union([
    factorName,
    z.strictObject({ any: some(requirement) }),
    z.strictObject({ all: some(requirement) }),
    z
      .strictObject({ atLeast: z.int().min(1).max(MAX_PARTS), of: some(requirement) })
      .refine(({ atLeast, of }) => atLeast <= of.length, {
        path: ['atLeast'],
        message: 'is more than there are in "of"',
      }),
    z.strictObject({ during: name, need: requirement }),
  ]),
);
requirement.register(z.globalRegistry, { id: 'requirement' });

const acceptAsserted = z.boolean().default(false);

const contextPolicy = z.union([
  z.strictObject({ require: requirement, acceptAsserted }),
  z
    // biome-ignore lint/suspicious/noThenProperty: list B; an array, which nothing can mistake for a promise
    .strictObject({ first: firstList, then: factorList, acceptAsserted })
    .transform(({ first, then, acceptAsserted: accept }) => ({
      require: { all: [{ any: first }, { any: then }] } as Requirement,
      acceptAsserted: accept,
    })),
]);

const isPrefix = (family: 'ipv4' | 'ipv6') => (text: string) => {
  if (!/^[^/%]+\/\d{1,3}$/.test(text)) return false;
  const valid = family === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  const [host = '', bits = ''] = text.split('/');
  if (Number(bits) > (family === 'ipv4' ? 32 : 128)) return false;
  return family === 'ipv4' ? ipaddr.IPv4.isValidFourPartDecimal(host) : valid.isValid(host) && host.includes(':');
};
const isAddress = (family: 'ipv4' | 'ipv6') => (text: string) =>
  family === 'ipv4' ? ipaddr.IPv4.isValidFourPartDecimal(text) : text.includes(':') && ipaddr.IPv6.isValid(text);

/** The one spelling of a value, where the rule language has one: bits beyond a prefix are zero, names are in lower case. */
const canonical =
  (read: (text: string) => { readonly value: string } | undefined) =>
  (text: string): string =>
    read(text)?.value ?? text;

const address = (family: 'ipv4' | 'ipv6') =>
  z
    .string()
    .max(80)
    .refine(isAddress(family), `an ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address without a length`)
    .transform(canonical(family === 'ipv4' ? readIpv4Address : readIpv6Address));
const prefix = (family: 'ipv4' | 'ipv6') =>
  z
    .string()
    .max(80)
    .refine(isPrefix(family), `an ${family === 'ipv4' ? 'IPv4' : 'IPv6'} prefix with its length, without a scope`)
    .transform(canonical(family === 'ipv4' ? readIpv4Prefix : readIpv6Prefix));

const LABEL = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/;
const dnsName = z
  .string()
  .max(253)
  .refine(
    (text) =>
      text
        .replace(/\.$/, '')
        .split('.')
        .every((label) => LABEL.test(label)),
    'a DNS name',
  )
  .transform(canonical(readDnsSuffix));

const several = <T>(item: z.ZodType<T>) => z.array(item).min(1).max(64);

const deviceClass = z.literal(Object.keys(MAJOR_DEVICE_CLASSES).map(Number), 'a major device class: 512 is a phone');
/** The range of the RSSI in HCI. */
const decibel = z.number().min(-128).max(127);

const bluetooth = z
  .strictObject({
    type: z.literal('bluetooth'),
    classOfDevice: deviceClass.optional(),
    rssiMin: decibel.optional(),
    rssiMaxDelta: z.number().min(-128).max(0).optional(),
    rssiFar: decibel.optional(),
  })
  .refine(({ rssiMin = -10, rssiFar }) => rssiFar === undefined || rssiFar <= rssiMin, {
    path: ['rssiFar'],
    message: 'is above rssiMin',
  });

const ipConfig = z
  .strictObject({
    type: z.literal('ipConfig'),
    ipv4Prefix: prefix('ipv4').optional(),
    ipv4Gateway: address('ipv4').optional(),
    ipv4DhcpServer: address('ipv4').optional(),
    ipv4DnsServer: several(address('ipv4')).optional(),
    ipv6Prefix: prefix('ipv6').optional(),
    ipv6Gateway: address('ipv6').optional(),
    ipv6DhcpServer: address('ipv6').optional(),
    ipv6DnsServer: several(address('ipv6')).optional(),
    dnsSuffix: several(dnsName).optional(),
  })
  .refine((condition) => Object.values(condition).filter((value) => value !== undefined).length > 1, {
    message: 'asks for nothing',
  });

const utf8Length = (text: string) => new TextEncoder().encode(text).length;

const wifi = z.strictObject({
  type: z.literal('wifi'),
  ssid: z
    .string()
    .min(1)
    .refine((text) => utf8Length(text) <= 32 && !/\p{Surrogate}/u.test(text), 'at most 32 bytes'),
  bssid: z
    .string()
    .regex(/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'six bytes in lower-case hexadecimal with colons')
    .optional(),
  security: z.enum(WIFI_SECURITIES),
  trustedRootCA: z
    .string()
    .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'a SHA-1 or SHA-256 thumbprint in lower-case hexadecimal')
    .optional(),
  signalQuality: z.int().min(0).max(100).optional(),
});

const rule = z.strictObject({
  name,
  all: z
    .array(z.discriminatedUnion('type', [bluetooth, ipConfig, wifi]))
    .min(1)
    .max(32),
});

const time = (what: string, isIn: (minute: number) => boolean) =>
  z.string().refine((text) => {
    const minute = minuteOf(text);
    return minute !== null && isIn(minute);
  }, what);

const timeWindow = z.strictObject({
  days: z
    .array(z.enum(WEEKDAYS))
    .min(1)
    .max(7)
    .refine((days) => new Set(days).size === days.length, 'a day is listed twice'),
  from: time('a time of day, 00:00 to 23:59', (minute) => minute < 1440),
  to: time('a time of day, 00:01 to 24:00', (minute) => minute > 0),
});

const matching = z.strictObject({
  dnsSuffix: z.enum(['labels', 'substring']).default(DEFAULT_MATCHING.dnsSuffix),
  adapters: z.enum(['same', 'mixed']).default(DEFAULT_MATCHING.adapters),
  repeated: z.enum(['all', 'any']).default(DEFAULT_MATCHING.repeated),
  phones: z.enum(['enrolled', 'any-paired']).default(DEFAULT_MATCHING.phones),
  interfaceKinds: z
    .array(z.enum(INTERFACE_KINDS))
    .max(INTERFACE_KINDS.length)
    .default([...DEFAULT_MATCHING.interfaceKinds]),
});

const characterRule = z.enum(['allowed', 'required', 'disallowed']);

export const pinRules = z
  .strictObject({
    minLength: z.int().min(4).max(127).default(DEFAULT_PIN_RULES.minLength),
    maxLength: z.int().min(4).max(127).default(DEFAULT_PIN_RULES.maxLength),
    digits: characterRule.default(DEFAULT_PIN_RULES.digits),
    lowercase: characterRule.default(DEFAULT_PIN_RULES.lowercase),
    uppercase: characterRule.default(DEFAULT_PIN_RULES.uppercase),
    special: characterRule.default(DEFAULT_PIN_RULES.special),
    refuseSimple: z.boolean().default(DEFAULT_PIN_RULES.refuseSimple),
    history: z.int().min(0).max(50).default(DEFAULT_PIN_RULES.history),
    expiryDays: z.int().min(0).max(730).default(DEFAULT_PIN_RULES.expiryDays),
  })
  .superRefine((pin, context) => {
    if (pin.minLength >= pin.maxLength) {
      context.addIssue({ code: 'custom', path: ['minLength'], message: 'has to be below maxLength' });
    }
    if ([pin.digits, pin.lowercase, pin.uppercase, pin.special].every((r) => r === 'disallowed')) {
      context.addIssue({ code: 'custom', path: ['digits'], message: 'one class of characters has to be left' });
    }
  });

/** Seconds; at most a day, as nothing observed says anything for longer. */
export const seconds = z.number().positive().max(86_400);

export const securityKey = z
  .strictObject({ userVerification: z.enum(['required', 'preferred', 'discouraged']) })
  .default(DEFAULT_DOCUMENT.securityKey);

const span = (min: number, max: number, fallback: number) => z.number().min(min).max(max).default(fallback);
const outage = (fallback: { means: 'gone' | 'hold'; afterSeconds: number }) =>
  z
    .strictObject({
      means: z.enum(['gone', 'hold']).default(fallback.means),
      afterSeconds: span(0, 3600, fallback.afterSeconds),
    })
    .prefault({});

/** By how much, in dB, a phone that was near may be weaker before it is weak, where the document does not say. */
const FAR_BELOW_NEAR = DEFAULT_DYNAMIC_LOCK.rule.rssiMin - DEFAULT_DYNAMIC_LOCK.rule.rssiFar;

const dynamicLockRule = z
  .strictObject({
    classOfDevice: deviceClass.default(DEFAULT_DYNAMIC_LOCK.rule.classOfDevice),
    rssiMin: span(-100, 20, DEFAULT_DYNAMIC_LOCK.rule.rssiMin),
    rssiMaxDelta: span(-100, 0, DEFAULT_DYNAMIC_LOCK.rule.rssiMaxDelta),
    rssiFar: z.number().min(-100).max(20).optional(),
  })
  .transform((rule) => ({ ...rule, rssiFar: rule.rssiFar ?? Math.max(-100, rule.rssiMin - FAR_BELOW_NEAR) }))
  .refine(({ rssiMin, rssiFar }) => rssiFar <= rssiMin, { path: ['rssiFar'], message: 'is above rssiMin' })
  .prefault({});

const dynamicLock = z
  .strictObject({
    enabled: z.boolean().default(DEFAULT_DYNAMIC_LOCK.enabled),
    rule: dynamicLockRule,
    sampleEverySeconds: span(5, 600, DEFAULT_DYNAMIC_LOCK.sampleEverySeconds),
    smoothing: span(0.05, 1, DEFAULT_DYNAMIC_LOCK.smoothing),
    weakSamples: z.int().min(1).max(100).default(DEFAULT_DYNAMIC_LOCK.weakSamples),
    staleAfterSeconds: span(10, 3600, DEFAULT_DYNAMIC_LOCK.staleAfterSeconds),
    hintSeconds: span(0, 3600, DEFAULT_DYNAMIC_LOCK.hintSeconds),
    idleSeconds: span(5, 3600, DEFAULT_DYNAMIC_LOCK.idleSeconds),
    lockDelaySeconds: span(0, 3600, DEFAULT_DYNAMIC_LOCK.lockDelaySeconds),
    withoutStrength: z.enum(['near', 'ignored']).default(DEFAULT_DYNAMIC_LOCK.withoutStrength),
    unboundPhones: z.enum(['ignored', 'counted']).default(DEFAULT_DYNAMIC_LOCK.unboundPhones),
    radioOff: outage(DEFAULT_DYNAMIC_LOCK.radioOff),
    daemonGone: z
      .strictObject({ afterSeconds: span(0, 3600, DEFAULT_DYNAMIC_LOCK.daemonGone.afterSeconds) })
      .prefault({}),
    failed: outage(DEFAULT_DYNAMIC_LOCK.failed),
  })
  .refine(({ sampleEverySeconds, staleAfterSeconds }) => staleAfterSeconds > sampleEverySeconds, {
    path: ['staleAfterSeconds'],
    message: 'has to be more than sampleEverySeconds',
  });

/** Half of a surrogate pair is no character, and no TOML. */
const wellFormed = (text: z.ZodString) => text.refine((value) => !/\p{Surrogate}/u.test(value), 'is no text');

const [, ...otherContexts] = CONTEXT_NAMES;

export const documentSchema = z.strictObject({
  version: z.literal(2),
  contexts: z.strictObject({
    unlock: contextPolicy,
    ...(Object.fromEntries(otherContexts.map((context) => [context, contextPolicy.optional()])) as Record<
      (typeof otherContexts)[number],
      z.ZodOptional<typeof contextPolicy>
    >),
  }),
  rules: z.array(rule).max(10_000).default([]),
  windows: z.record(name, timeWindow).default({}),
  matching: matching.default({ ...DEFAULT_MATCHING, interfaceKinds: [...DEFAULT_MATCHING.interfaceKinds] }),
  freshnessSeconds: z.partialRecord(z.enum(SIGNAL_KINDS), seconds).default({}),
  securityKey,
  pin: pinRules.default(DEFAULT_PIN_RULES),
  dynamicLock: dynamicLock.optional(),
  windowsSettings: z
    .record(
      wellFormed(z.string().min(1).max(512)),
      z.union([wellFormed(z.string().max(32_768)), z.number(), z.boolean()]),
    )
    .default({}),
});
