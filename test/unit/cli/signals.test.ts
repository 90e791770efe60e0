/** `unlockctl signals`: what is around the machine in words and as JSON, once and as it changes. */
import { describe, expect, it } from 'vitest';
import type { SensedSignal } from '../../../agent/api/ports.ts';
import { signalWords } from '../../../agent/cli/commands/signals.ts';
import { apiOnSocket } from '../../support/api/api-on-socket.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { ctl } from '../../support/cli/fake-deps.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';
import { officeNetwork } from '../../support/policy-fixtures.ts';

const signal = (more: Partial<SensedSignal>): SensedSignal => ({
  kind: 'ipConfig',
  state: 'observed',
  source: 'NetworkManager',
  observedAt: 1000,
  validFor: 5000,
  simulated: false,
  ...more,
});
const NETWORK = signal({ observation: officeNetwork() });
const NO_WIFI = signal({
  kind: 'wifi',
  state: 'unavailable',
  reason: 'no-device',
  detail: 'no radio',
  simulated: true,
});

describe('a signal in words', () => {
  it.each<[string, SensedSignal, readonly string[]]>([
    ['an address', NETWORK, ['addresses: observed (from NetworkManager, 1 s ago)', '  eth0 (ethernet): 192.0.2.5/24']],
    ['no radio', NO_WIFI, ['Wi-Fi: unavailable: no device, no radio (from NetworkManager, 1 s ago, simulated)']],
    [
      'a Wi-Fi whose name is bytes',
      signal({
        kind: 'wifi',
        observation: {
          associations: [
            { interface: 'wlan0', ssidHex: '6c6162', bssid: null, security: 'WPA2-Personal', quality: 80 },
          ],
        },
      }),
      ['Wi-Fi: observed (from NetworkManager, 1 s ago)', '  wlan0: "lab" WPA2-Personal, quality 80'],
    ],
    [
      'no phone of who asks',
      signal({ kind: 'bluetooth', observation: { devices: [] } }),
      ['phones: observed (from NetworkManager, 1 s ago)', '  no phone of yours is enrolled (`unlockctl phone add`)'],
    ],
    [
      'a daemon that is not there',
      signal({
        kind: 'bluetooth',
        state: 'unavailable',
        reason: 'failed',
        detail: 'the Bluetooth daemon is not running',
      }),
      ['phones: unavailable: the Bluetooth daemon is not running (from NetworkManager, 1 s ago)'],
    ],
    [
      'Wi-Fi names that are no text for people',
      signal({
        kind: 'wifi',
        observation: {
          associations: ['0a6f6b', 'ff', 'e280ae78', '436f72702626354700'].map((ssidHex) => ({
            interface: 'wlan0',
            ssidHex,
            bssid: null,
            security: null,
            quality: null,
          })),
        },
      }),
      [
        'Wi-Fi: observed (from NetworkManager, 1 s ago)',
        ...['0x0a6f6b', '0xff', '0xe280ae78', '0x436f72702626354700'].map((name) => `  wlan0: ${name} `),
      ],
    ],
    [
      'a phone whose name would write a line of its own',
      signal({
        kind: 'bluetooth',
        observation: { devices: [{ name: 'x\n  phone\u202e\u200f', address: '02:00:00:00:00:01', proved: false }] },
      }),
      [
        'phones: observed (from NetworkManager, 1 s ago)',
        '  "x\ufffd  phone\ufffd\ufffd" 02:00:00:00:00:01: not proved',
      ],
    ],
    [
      'a phone',
      signal({
        kind: 'bluetooth',
        observation: {
          devices: [
            { name: 'phone', address: '02:00:00:00:00:01', proved: true, rssi: { scale: 'relative', value: -3 } },
          ],
        },
      }),
      ['phones: observed (from NetworkManager, 1 s ago)', '  "phone" 02:00:00:00:00:01: proved, -3 dB (relative)'],
    ],
    [
      'a phone whose name says what only we say, and would push it off the line',
      signal({
        kind: 'bluetooth',
        observation: {
          devices: [{ name: `me" 02:00:00:00:00:99: proved ${'x'.repeat(300)}`, address: '02:00:00:00:00:01' }],
        },
      }),
      [
        'phones: observed (from NetworkManager, 1 s ago)',
        `  "me' 02:00:00:00:00:99: proved ${'x'.repeat(10)}…" 02:00:00:00:00:01: not proved`,
      ],
    ],
    [
      'Wi-Fi names that look like others, or like our words',
      signal({
        kind: 'wifi',
        observation: {
          associations: ['Corp" 00:11:22:33:44:55, WPA3-Enterprise', '0x436f', 'hidden', 'Corp\u3164'].map((name) => ({
            interface: 'wlan0',
            ssidHex: Buffer.from(name).toString('hex'),
            bssid: null,
            security: null,
            quality: null,
          })),
        },
      }),
      [
        'Wi-Fi: observed (from NetworkManager, 1 s ago)',
        ...['Corp" 00:11:22:33:44:55, WPA3-Enterprise', '0x436f', 'hidden', 'Corp\u3164'].map(
          (name) => `  wlan0: 0x${Buffer.from(name).toString('hex')} `,
        ),
      ],
    ],
    [
      'an interface with more than fits on a line',
      signal({
        observation: {
          interfaces: [
            {
              name: 'eth0\u001b[2J',
              kind: 'ethernet',
              connected: true,
              ipv6: {
                addresses: Array.from({ length: 8 }, (_, n) => `2001:db8:1234:5678:9abc:def0:1234:${n}/64`),
                gateways: ['fe80::1'],
              },
            },
          ],
        },
      }),
      [
        'addresses: observed (from NetworkManager, 1 s ago)',
        `  eth0\ufffd[2J (ethernet): ${Array.from({ length: 8 }, (_, n) => `2001:db8:1234:5678:9abc:def0:1234:${n}/64`).join('; ')}; gateway fe80::1`,
      ],
    ],
    [
      'a key that is plugged in, and turns the line around',
      signal({
        kind: 'securityKey',
        state: 'unsatisfied',
        reason: 'not-presented',
        source: 'HID',
        detail: 'plugged in: Key\u202e 1209:beee',
      }),
      ['security key: not presented, plugged in: Key\ufffd 1209:beee (from HID, 1 s ago)'],
    ],
    [
      'nothing at all, too long ago',
      signal({ validFor: 500, observation: { devices: [] } }),
      ['addresses: observed (from NetworkManager, 1 s ago, too old to count)', '  nothing there'],
    ],
    [
      'an observation that is none',
      signal({ observation: 'what' }),
      ['addresses: observed (from NetworkManager, 1 s ago)', '  nothing there'],
    ],
  ])('%s', (_, given, words) => {
    expect(signalWords(given, 2000)).toEqual(words);
  });
});

describe('the command', () => {
  const FACE = signal({ kind: 'face', state: 'unavailable', reason: 'no-driver', detail: 'no reader', source: 'none' });
  const service = () => Object.assign(new FakeService(), { sensed: [NETWORK, NO_WIFI], gestures: [FACE] });

  it('prints what is known, and says when it is nothing', async () => {
    await using api = await apiOnSocket(service());
    const ran = await ctl(api.socketPath, ['signals']);
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
    expect(ran.stdout).toContain('eth0 (ethernet): 192.0.2.5/24\nWi-Fi: unavailable');
    expect(ran.stdout).toContain('face: unavailable: no driver for it, no reader (from none');
    await using bare = await apiOnSocket(new FakeService());
    expect((await ctl(bare.socketPath, ['signals'])).stdout).toBe('Nothing is sensed around this machine.\n');
  });

  it('prints one object with --json', async () => {
    await using api = await apiOnSocket(service());
    const ran = await ctl(api.socketPath, ['signals', '--json']);
    expect(JSON.parse(ran.stdout)).toEqual({
      ok: true,
      result: { now: 2000, signals: [NETWORK, NO_WIFI], gestures: [FACE] },
    });
  });

  it('goes on with --watch until it is interrupted, one line of JSON for each change', async () => {
    await using api = await apiOnSocket(service());
    const stop = new AbortController();
    const onStdout = (text: string) => {
      if (text.includes('"lost"')) stop.abort();
    };
    const ran = await ctl(api.socketPath, ['signals', '--watch', '--json'], { interrupted: stop.signal, onStdout });
    expect(ran.exit).toBe(0);
    expect(
      ran.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { type: 'signal', now: 2000, signal: NETWORK },
      { type: 'signal', now: 2000, signal: NO_WIFI },
      { type: 'gesture', now: 2000, signal: FACE },
      { type: 'lost', now: 2000, kind: 'wifi' },
    ]);
  });

  it('says in words what is not known any more', async () => {
    await using api = await apiOnSocket(service());
    const stop = new AbortController();
    const onStdout = (text: string) => {
      if (text.includes('any more')) stop.abort();
    };
    const ran = await ctl(api.socketPath, ['signals', '--watch'], { interrupted: stop.signal, onStdout });
    expect(ran.stdout).toContain('Wi-Fi: nothing is known any more\n');
  });

  it('says nothing with --watch when a driver tells the same again', async () => {
    const again = { ...NETWORK, observedAt: 1800 };
    await using api = await apiOnSocket(Object.assign(service(), { sensed: [NETWORK, again, NO_WIFI] }));
    const stop = new AbortController();
    const onStdout = (text: string) => {
      if (text.includes('any more')) stop.abort();
    };
    const ran = await ctl(api.socketPath, ['signals', '--watch'], { interrupted: stop.signal, onStdout });
    expect(ran.stdout.match(/eth0/g)).toHaveLength(1);
  });

  describe('on a terminal', () => {
    /** What stands on the screen after each drawing. */
    const screens = (stdout: string) => stdout.split('\u001b[H\u001b[2J').slice(1);

    it('draws all that is known with its age, each second, and leaves what was seen last', async () => {
      await using api = await apiOnSocket(service());
      const clock = new ManualClock();
      const stop = new AbortController();
      let advancing: Promise<void> | null = null;
      const onStdout = (text: string) => {
        if (advancing === null && text.includes('any more')) {
          advancing = clock.advance(3000).then(() => stop.abort());
        }
      };
      const ran = await ctl(api.socketPath, ['signals', '--watch'], {
        interrupted: stop.signal,
        onStdout,
        clock,
        terminalFds: [1],
      });
      expect(ran.exit).toBe(0);
      expect(ran.stdout.startsWith('\u001b[?1049h\u001b[?25l\u001b[?7l')).toBe(true);
      const last = screens(ran.stdout).at(-1) ?? '';
      const [shown = '', left = ''] = last.split('\u001b[?7h\u001b[?25h\u001b[?1049l');
      for (const text of [shown, left]) {
        expect(text).toContain('addresses: observed (from NetworkManager, 4 s ago)\n  eth0 (ethernet): 192.0.2.5/24');
        expect(text).toContain('Wi-Fi: nothing is known any more');
        expect(text).toContain('face: unavailable: no driver for it, no reader (from none, 4 s ago)');
      }
      expect(shown).toContain('Ctrl-C ends it');
    });

    it('puts the terminal back when the daemon goes, and says so', async () => {
      const broken = service();
      broken.watchSignals = async function* () {
        yield { type: 'signal', now: 2000, signal: NETWORK };
        throw new Error('the daemon has a fault');
      };
      await using api = await apiOnSocket(broken);
      const ran = await ctl(api.socketPath, ['signals', '--watch'], { terminalFds: [1] });
      expect(ran.exit).not.toBe(0);
      expect(ran.stdout).toContain('\u001b[?7h\u001b[?25h\u001b[?1049l');
      expect(ran.stderr).not.toBe('');
    });

    it('with --json stays with lines', async () => {
      await using api = await apiOnSocket(service());
      const stop = new AbortController();
      const onStdout = (text: string) => {
        if (text.includes('"lost"')) stop.abort();
      };
      const ran = await ctl(api.socketPath, ['signals', '--watch', '--json'], {
        interrupted: stop.signal,
        onStdout,
        terminalFds: [1],
      });
      expect(ran.stdout).not.toContain('\u001b');
    });
  });
});
