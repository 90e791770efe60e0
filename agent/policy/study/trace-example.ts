/** A short trace, as the reference shows it: a network, a wrong PIN and the right one, and the network that is gone. */
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import type { IpFamily } from '../../../drivers/observation.ts';
import { formatTrace, traceHeader } from './trace.ts';

const UNKNOWN: IpFamily = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };
const base = (source: string, observedAt: number, validFor: number) => ({
  source,
  observedAt: monotonicMs(observedAt),
  validFor: milliseconds(validFor),
  simulated: false,
});

export const TRACE_EXAMPLE: string = formatTrace({
  header: traceHeader(
    { monotonicMs: 0, wall: '2026-01-05T08:00:00Z', localTime: { day: 'monday', minute: 540 } },
    1000,
    false,
  ),
  entries: [
    {
      ...base('NetworkManager', 2000, 60_000),
      kind: 'ipConfig',
      state: 'observed',
      observation: {
        primaryDnsSuffix: null,
        interfaces: [
          {
            name: 'eth0',
            kind: 'ethernet',
            connected: true,
            ipv4: { ...UNKNOWN, addresses: ['192.0.2.5/24'], dnsServers: ['192.0.2.53'] },
            ipv6: UNKNOWN,
          },
        ],
      },
    },
    { ...base('TPM', 9500, 0), kind: 'pin', state: 'unsatisfied', reason: 'wrong' },
    { ...base('TPM', 14_250, 120_000), kind: 'pin', state: 'satisfied', strength: 'bound', evidence: {} },
    { ...base('security key', 14_300, 1000), kind: 'securityKey', state: 'unavailable', reason: 'no-device' },
    { lost: 'ipConfig', at: monotonicMs(40_000) },
  ],
});
