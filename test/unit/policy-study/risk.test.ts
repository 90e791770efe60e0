import { describe, expect, test } from 'vitest';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { DEFAULT_DOCUMENT } from '../../../agent/policy/model.ts';
import { riskOf, riskWords, typicalUsers, type UserFacts } from '../../../agent/policy/study/risk.ts';

const OPTIONS = { pinIsBound: true };
const ALICE: UserFacts = { user: 'alice', gestures: ['pin', 'securityKey'], keys: 1, phones: 0 };
const BOB: UserFacts = { user: 'bob', gestures: ['pin'], keys: 0, phones: 1 };
const CAROL: UserFacts = { user: 'carol', gestures: ['pin', 'securityKey'], keys: 2, phones: 1 };
const server = (name: string, address: string) => ({
  name,
  all: [{ type: 'ipConfig', ipv4DnsServer: [address] }],
});
const document = (require: unknown, rules: readonly unknown[] = [], more: Record<string, unknown> = {}) =>
  checkedDocument({ version: 2, contexts: { unlock: { require } }, rules, ...more });
const hit = (of: ReturnType<typeof document>, users: readonly UserFacts[]) =>
  Object.fromEntries(riskOf(of, users, OPTIONS).lines.map(({ key, users: out }) => [key, out]));

describe('who needs the recovery sheet', () => {
  test('a forgotten PIN hits everybody under the default policy, a lost key whoever has no second one', () => {
    expect(hit(DEFAULT_DOCUMENT, [ALICE, CAROL])).toEqual({
      pin: ['alice', 'carol'],
      securityKey: ['alice', 'carol'],
      'one securityKey': ['alice'],
    });
  });

  test('a DNS server hits those who have nothing but the signal beside the PIN', () => {
    const of = document({ all: ['pin', { any: ['network', 'securityKey'] }] }, [server('office', '192.0.2.53')]);
    expect(hit(of, [ALICE, BOB])).toEqual({
      'ipv4DnsServer 192.0.2.53': ['bob'],
      network: ['bob'],
      pin: ['alice', 'bob'],
    });
    expect(riskWords(riskOf(of, [ALICE, BOB], OPTIONS))).toContain(
      'unlock: if DNS server 192.0.2.53 goes (rules[0].all[0].ipv4DnsServer), bob needs the recovery sheet',
    );
  });

  test('a second rule with another server stands in, one with the same server does not', () => {
    const signal = { all: ['pin', 'network'] };
    const key = 'ipv4DnsServer 192.0.2.53';
    const other = document(signal, [server('a', '192.0.2.53'), server('b', '192.0.2.54')]);
    expect(hit(other, [BOB])[key]).toBeUndefined();
    const same = document(signal, [server('a', '192.0.2.53'), server('b', '192.0.2.53')]);
    expect(hit(same, [BOB])[key]).toEqual(['bob']);
    expect(riskOf(same, [BOB], OPTIONS).lines[0]?.elements).toEqual([
      'rules[0].all[0].ipv4DnsServer',
      'rules[1].all[0].ipv4DnsServer',
    ]);
  });

  test('where any of a list is enough, one of it may go', () => {
    const rule = { name: 'a', all: [{ type: 'ipConfig', ipv4DnsServer: ['192.0.2.53', '192.0.2.54'] }] };
    const signal = { all: ['pin', 'network'] };
    const key = 'ipv4DnsServer 192.0.2.53';
    expect(hit(document(signal, [rule]), [BOB])[key]).toEqual(['bob']);
    expect(hit(document(signal, [rule], { matching: { repeated: 'any' } }), [BOB])[key]).toBeUndefined();
  });

  test('a rule that never holds stands in for nothing', () => {
    const of = document({ all: ['pin', 'network'] }, [server('a', '192.0.2.53'), server('b', '0.0.0.0')]);
    expect(hit(of, [BOB])['ipv4DnsServer 192.0.2.53']).toEqual(['bob']);
  });

  test('the phone, an access point and a root certificate are single things too', () => {
    const rules = [
      { name: 'near', all: [{ type: 'bluetooth' }] },
      {
        name: 'wifi',
        all: [
          {
            type: 'wifi',
            ssid: 'depot-7',
            bssid: '02:00:00:00:00:0a',
            security: 'WPA2-Enterprise',
            trustedRootCA: '0f'.repeat(20),
          },
        ],
      },
    ];
    expect(hit(document({ all: ['pin', 'rule:near'] }, rules), [BOB]).phone).toEqual(['bob']);
    const without = riskOf(document({ all: ['pin', 'rule:near'] }, rules), [{ ...BOB, phones: 0 }], OPTIONS).without;
    expect(without).toEqual([{ context: 'unlock', users: ['bob'] }]);
    const keys = Object.keys(hit(document({ all: ['pin', 'rule:wifi'] }, rules), [BOB]));
    expect(keys).toEqual(
      expect.arrayContaining(['ssid depot-7', 'bssid 02:00:00:00:00:0a', `trustedRootCA ${'0f'.repeat(20)}`, 'wifi']),
    );
  });

  test('who is out already is said, and not counted again', () => {
    const report = riskOf(DEFAULT_DOCUMENT, [BOB], OPTIONS);
    expect(report).toEqual({ lines: [], without: [{ context: 'unlock', users: ['bob'] }] });
    expect(riskWords(report)).toEqual(['unlock: bob cannot unlock at all with what is enrolled']);
  });

  test('every context is looked at by itself', () => {
    const of = checkedDocument({
      version: 2,
      contexts: {
        unlock: { require: { atLeast: 2, of: ['pin', 'securityKey', 'face'] } },
        wallet: { require: { all: ['pin', 'securityKey'] } },
      },
    });
    const all = { ...ALICE, gestures: ['pin', 'securityKey', 'face'] as const };
    expect(riskOf(of, [all], OPTIONS).lines.map(({ context, key }) => `${context} ${key}`)).toEqual([
      'wallet pin',
      'wallet securityKey',
      'wallet one securityKey',
    ]);
    expect(
      riskWords(
        riskOf(
          checkedDocument({
            version: 2,
            contexts: { unlock: { require: { atLeast: 2, of: ['pin', 'securityKey', 'face'] } } },
          }),
          [{ ...all, keys: 2 }],
          OPTIONS,
        ),
      ),
    ).toEqual(['No single loss locks anybody out.']);
  });

  test('without facts about users, one is made up for each set of gestures that a way in takes', () => {
    const of = document({ all: ['pin', { any: ['network', 'securityKey'] }] }, [server('office', '192.0.2.53')]);
    expect(
      typicalUsers(of, OPTIONS)
        .map(({ user }) => user)
        .sort(),
    ).toEqual(['somebody with a PIN and a security key only', 'somebody with a PIN only']);
  });
});
