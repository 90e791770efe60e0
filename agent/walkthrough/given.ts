/**
 * What is there before the first step of a walkthrough: the policy, keys, phones, networks and who is enrolled. Things have
 * names, which the steps use; a lane makes them up or asks for them.
 */
import * as z from 'zod';
import { PHONE_PLACES } from '../../drivers/hal/operator.ts';
import { WIFI_SECURITIES } from '../../drivers/observation.ts';

/** Names of keys, PINs, phones, networks and roots. */
export const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a name is a small letter, then letters, digits and -, at most 32');
export const text = (longest: number) => z.string().min(1).max(longest);

export const phoneState = z
  .enum(PHONE_PLACES)
  .describe('`impostor`: another device answers at its address, of its class, without the key of the pairing');

/** What a network hands out over DHCP. */
export const handedOut = z.strictObject({
  address: z.cidrv4('is an IPv4 address with the length of its prefix, e.g. 192.0.2.5/24'),
  gateway: z.ipv4('is an IPv4 address'),
  dhcpServer: z.ipv4('is an IPv4 address'),
  dnsServers: z.array(z.ipv4('is an IPv4 address')).min(1).max(3),
});

export const policy = z.record(z.string(), z.unknown());

const accessPoint = z.strictObject({
  ssid: z.string().regex(/^[ -~]{1,32}$/, 'is 1 to 32 characters of ASCII'),
  security: z.enum(WIFI_SECURITIES),
  bssid: z
    .string()
    .regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/, 'is written like 02:00:00:00:00:01')
    .optional()
    .describe('left out: any'),
  root: name
    .optional()
    .describe('the root that the login server has its certificate from; a policy names it as `trustedRootCA`'),
  is: z.enum(['on', 'off']).default('on').describe('when it begins'),
});

export const given = z
  .strictObject({
    policy: policy
      .optional()
      .describe('a policy document as in policy.schema.json; left out: the one that a machine begins with'),
    keys: z
      .record(name, z.enum(['plugged', 'unplugged']))
      .default({})
      .describe('the security keys by name, and where they are when it begins'),
    enrolled: z
      .strictObject({
        pin: name.describe('how the PIN is called'),
        key: name.optional().describe('the key that was plugged in; left out: the policy wants none'),
        phone: name.optional().describe('a phone that was enrolled with it'),
      })
      .optional()
      .describe('the person is enrolled before the first step; left out: is not'),
    phones: z
      .record(name, phoneState.exclude(['impostor']))
      .default({})
      .describe('phones that are paired with the machine (numbers were compared), and where they are'),
    fingerprint: z
      .enum(['known', 'unknown'])
      .optional()
      .describe('whether the reader knows a finger of the person; left out: there is no reader'),
    networks: z.record(name, handedOut).default({}).describe('wired networks by name, and what they hand out'),
    cable: name.optional().describe('the network whose cable is in the machine when it begins; left out: none'),
    wifi: z.record(name, accessPoint).default({}).describe('access points by name; two of them may have the same SSID'),
    joined: name.optional().describe('the Wi-Fi that the machine has joined when it begins; left out: none'),
  })
  .describe('what is there before the first step');
