/** What the driver says of who told a field reaches people: through the policy's reasons, and through a recorded trace. */
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { explain } from '../../../agent/policy/explain.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { checkedEntry } from '../../../agent/policy/forms/trace.ts';
import { policyFor } from '../../../agent/policy/model.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import type { IpInterface } from '../../../drivers/observation.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';

const FACE: IpInterface = {
  name: 'eth0',
  kind: 'ethernet',
  connected: true,
  ipv4: { addresses: ['192.0.2.5/24'], gateways: ['192.0.2.1'], dhcpServers: ['192.0.2.1'], dnsServers: null },
  ipv6: { addresses: null, gateways: null, dhcpServers: null, dnsServers: null },
  sources: { 'ipv4.addresses': 'kernel', 'ipv4.dhcpServers': 'DHCP via NetworkManager' },
};

const signalOf = (face: unknown, suffixSource: unknown = 'host name') =>
  ({
    kind: 'ipConfig',
    state: 'observed',
    source: 'NetworkManager',
    observedAt: monotonicMs(1000),
    validFor: milliseconds(30_000),
    simulated: false,
    observation: {
      primaryDnsSuffix: 'ward.clinic.example',
      primaryDnsSuffixSource: suffixSource,
      interfaces: [face],
    },
  }) as FactorSignal;

const POLICY = policyFor(
  checkedDocument({
    version: 2,
    contexts: { unlock: { require: { all: ['pin', 'network'] }, acceptAsserted: true } },
    rules: [
      {
        name: 'ward',
        all: [
          {
            type: 'ipConfig',
            ipv4Prefix: '192.0.2.0/24',
            ipv4Gateway: '192.0.2.9',
            ipv4DhcpServer: '192.0.2.1',
            ipv4DnsServer: ['192.0.2.53'],
            dnsSuffix: ['clinic.example'],
          },
        ],
      },
    ],
  }),
  'unlock',
);

function reasonsOf(signal: FactorSignal): readonly string[] {
  const snapshot = new Map([['ipConfig', signal]] as const);
  const decision = evaluate(POLICY, snapshot, monotonicMs(2000), { machineSimulated: false, pinIsBound: true });
  return explain(decision).map(({ ok, text }) => `${ok ? 'yes' : 'no'}: ${text}`);
}

describe('who told a field of an interface', () => {
  it('stands with every element in the reasons, and nowhere where nobody said who', () => {
    const reasons = reasonsOf(signalOf(FACE));
    expect(reasons).toContain('yes: ipv4Prefix: 192.0.2.5/24 (source: kernel)');
    expect(reasons).toContain('yes: ipv4DhcpServer: 192.0.2.1 (source: DHCP via NetworkManager)');
    expect(reasons).toContain('yes: dnsSuffix: ward.clinic.example (source: host name)');
    expect(reasons).toContain('no: ipv4Gateway: 192.0.2.1, asked for is 192.0.2.9');
    expect(reasons).toContain('no: ipv4DnsServer: not known, asked for is 192.0.2.53');
  });

  it('is no condition: without it the same elements hold', () => {
    const { sources: _sources, ...without } = FACE;
    expect(reasonsOf(signalOf(without))).toContain('yes: ipv4Prefix: 192.0.2.5/24');
  });

  for (const [what, sources] of [
    ['a text', 'NetworkManager'],
    ['null', null],
    ['numbers', { 'ipv4.addresses': 4 }],
  ] as const) {
    it(`makes the observation one that nothing matches when it is ${what}`, () => {
      expect(reasonsOf(signalOf({ ...FACE, sources })).join('\n')).not.toContain('yes: ipv4Prefix');
    });
  }

  it('survives a trace', () => {
    const signal = signalOf(FACE);
    expect(checkedEntry(JSON.parse(JSON.stringify(signal)))).toEqual(signal);
  });

  it('is refused in a trace under a name that is no field', () => {
    const signal = signalOf({ ...FACE, sources: { 'ipv4.colour': 'red' } });
    expect(() => checkedEntry(JSON.parse(JSON.stringify(signal)))).toThrow(/ERR_POLICY_TRACE|line 0/);
  });
});
