/** Walkthroughs with phones, networks and Wi-Fi: what is refused of them, with line, column and what to do. */
import { describe, expect, it } from 'vitest';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { withRoots } from '../../../agent/walkthrough/roots.ts';
import { isUnlockdError, type UnlockdError } from '../../../drivers/base/errors.ts';

const HEAD = `walkthrough: 1
name: A name
about: Something
given:
  keys: { blue: plugged, red: unplugged }
  phones: { pocket: near }
  networks: { office: { address: 192.0.2.5/24, gateway: 192.0.2.1, dhcpServer: 192.0.2.1, dnsServers: [192.0.2.53] } }
  wifi: { corp: { ssid: Corp, security: WPA2-Enterprise, root: own-root }, twin: { ssid: Corp, security: Open, is: off } }
  joined: corp
  enrolled: { pin: mine, key: blue, phone: pocket }
`;
/** The first step is line 12. */
const read = (text: string) => readWalkthrough(`${HEAD}steps:\n${text}`, checkedDocument);

function refusal(text: string): UnlockdError {
  try {
    read(text);
  } catch (error) {
    if (isUnlockdError(error, 'ERR_WALKTHROUGH_INVALID')) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const OTHER_ADDRESS = 'address: 192.0.2.5/24, gateway: 192.0.2.1, dhcpServer: 192.0.2.1';

describe('a walkthrough with surroundings', () => {
  it('may move all of them', () => {
    const { steps } = read(`  - phone: { pocket: impostor }
    expect: { signals: { bluetooth: not-proved }, rules: { near: fail } }
  - accessPoint: { corp: off }
  - accessPoint: { twin: on }
  - join: twin
  - leave: twin
  - cable: office
  - renumber: { office: { ${OTHER_ADDRESS}, dnsServers: [192.0.2.54] } }
  - cable: out
  - keyboard: idle
  - suspend: true
    expect: { state: locked, log: [locked], dynamicLock: off }
  - tpm: replace
  - setUp: true
  - restart: bluetoothd
  - wait: 5
  - addPhone: { pin: mine, phone: pocket }
  - removePhone: pocket
  - unlock: { pin: mine, finger: other, killAt: touch }
    expect: { verdict: refused }
`);
    expect(steps.map(({ action }) => action)).toHaveLength(17);
    expect(steps.at(-1)).toMatchObject({ value: { finger: 'other', killAt: 'touch', touch: 'always' } });
  });

  it('has policies that name roots, given and set', () => {
    const wifi = '{ type: wifi, ssid: Corp, security: WPA2-Enterprise, trustedRootCA: own-root }';
    const policy = `{ version: 2, contexts: { unlock: { require: { all: [pin, network] } } }, rules: [{ name: r, all: [${wifi}] }] }`;
    const { given, steps } = read(`  - setPolicy: ${policy}\n`);
    const [step] = steps;
    if (step?.action !== 'setPolicy') throw new Error('another step');
    const thumbprint = '0123456789abcdef'.repeat(4);
    const asked: string[] = [];
    const put = withRoots(step.value, given, (root) => {
      asked.push(root);
      return thumbprint;
    });
    expect(asked).toEqual(['own-root']);
    expect(JSON.stringify(put)).toBe(JSON.stringify(step.value).replace('own-root', thumbprint));
    expect(() => withRoots(step.value, given, () => null)).toThrow('the root own-root is not here');
  });

  it.each([
    ['an unknown phone', '  - phone: { purse: away }\n', 12, 5, /there is no phone purse: name it in given\.phones/],
    ['a phone where it is', '  - phone: { pocket: near }\n', 12, 5, /pocket is near already/],
    ['two phones at once', '  - phone: { pocket: away, purse: away }\n', 12, 5, /names one thing/],
    ['a phone that is nowhere', '  - phone: { pocket: gone }\n', 12, 14, /phone\.pocket/],
    ['an unknown Wi-Fi', '  - join: home\n', 12, 5, /there is no Wi-Fi home: name it in given\.wifi/],
    ['a Wi-Fi that is joined', '  - join: corp\n', 12, 5, /corp is joined already/],
    ['a Wi-Fi that is off', '  - join: twin\n', 12, 5, /twin is off/],
    ['a Wi-Fi that was left', '  - leave: corp\n  - leave: corp\n', 13, 5, /corp is not joined/],
    ['a Wi-Fi that went off', '  - accessPoint: { corp: off }\n  - leave: corp\n', 13, 5, /corp is not joined/],
    ['an access point as it is', '  - accessPoint: { twin: off }\n', 12, 5, /twin is off already/],
    ['an unknown network', '  - cable: home\n', 12, 5, /there is no network home: name it in given\.networks/],
    ['no cable to pull', '  - cable: out\n', 12, 5, /there is no cable in the machine/],
    ['a cable that is in', '  - cable: office\n  - cable: office\n', 13, 5, /is in the machine already/],
    ['no address', `  - renumber: { office: { ${OTHER_ADDRESS}, dnsServers: [] } }\n`, 12, 93, /dnsServers/],
    ['a reader that is not given', '  - addFinger: { pin: mine }\n', 12, 5, /say so in given\.fingerprint/],
    ['a phone that cannot be added', '  - addPhone: { pin: mine, phone: purse }\n', 12, 28, /there is no phone purse/],
    ['a wait beyond its deadline', '  - wait: 60\n', 12, 5, /`within` is to be longer/],
    ['a kill without a word of it', '  - unlock: { pin: mine, killAt: touch }\n', 12, 26, /expect `verdict: refused`/],
    [
      'a step after a killed daemon',
      '  - unlock: { pin: mine, killAt: touch }\n    expect: { verdict: refused }\n  - lock: true\n',
      14,
      5,
      /was killed and not started again/,
    ],
    ['a policy that is none', '  - setPolicy: { version: 2, contexts: {} }\n', 12, 30, /setPolicy\.contexts/],
    ['an event of the log', '  - wait: 1\n    expect: { log: [Dynamic Lock] }\n', 13, 21, /an event of the audit log/],
  ])('is refused for %s, with its place', (_what, text, line, column, words) => {
    const error = refusal(text);
    expect(error.message).toMatch(words);
    expect(error.detail).toMatchObject({ line, column });
  });

  it.each([
    ['joined', 'joined: corp', 'joined: twin', /twin is off/],
    ['a phone', 'key: blue, phone: pocket', 'key: blue, phone: purse', /there is no phone purse/],
    ['a network called out', '{ office: {', '{ out: {', /out means that no cable is in/],
    ['an SSID of control characters', 'ssid: Corp,', 'ssid: "a\\u202eb",', /1 to 32 characters of ASCII/],
    ['a cable', '  joined:', '  cable: home\n  joined:', /there is no network home/],
  ])('is refused for %s that cannot be given', (_what, from, to, words) => {
    const text = `${HEAD}steps: [{ lock: true }]`.replace(from, to);
    expect(() => readWalkthrough(text, checkedDocument)).toThrow(words);
  });
});
