import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Given, HardwareMissing, missingFor } from '../../../agent/lanes/hardware-needs.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { daemonFound, EVERYTHING, found, NOTHING, walkthroughOf } from '../../support/hardware-lane/found.ts';

const NO_NAMES: Given = { daemonComes: false, ownDaemon: false, phones: new Map(), roots: new Map() };

const lines = (...args: Parameters<typeof missingFor>): readonly string[] =>
  missingFor(...args).map(({ what, words }) => `${what}: ${words}`);

const to = { address: '192.0.2.5/24', gateway: '192.0.2.1', dhcpServer: '192.0.2.1', dnsServers: ['192.0.2.53'] };
const EVERY_DEVICE = walkthroughOf(
  {
    policy: { version: 2 },
    keys: { blue: 'plugged', red: 'unplugged' },
    phones: { mine: 'near' },
    fingerprint: 'known',
    networks: { office: to },
    wifi: { lobby: { ssid: 'Lobby', security: 'WPA2-Enterprise', root: 'campus' } },
  },
  [{ daemon: 'restart' }, { restart: 'bluetoothd' }, { lock: true }],
);

test('a machine with nothing is told everything at once', () => {
  const nothing = found({
    surface: NOTHING,
    daemon: null,
    daemonProblem: 'no daemon listens on /run/unlockd/unlockd.sock',
    keys: 0,
    root: false,
  });
  expect(lines(EVERY_DEVICE, nothing, NO_NAMES)).toMatchInlineSnapshot(`
    [
      "the daemon: no daemon listens on /run/unlockd/unlockd.sock; start it (systemctl start unlockd), or let the run have one of its own (--own-daemon FOLDER)",
      "a TPM: there is no /dev/tpmrm0; switch the TPM on in the firmware of this machine, or put one in",
      "2 security keys: none is plugged in; have blue, red at hand and plug in one of them",
      "Bluetooth: there is no adapter; plug one in",
      "Wi-Fi: there is no adapter; plug one in, within reach of lobby",
      "Ethernet: there is no socket for a cable; plug an adapter in, for office",
      "the root campus: say which certificate the login server has it from (--root campus=SHA256)",
      "root: it sets the policy that is given, stops and starts daemons; use sudo",
    ]
  `);
});

test('a machine with everything lacks nothing', () => {
  const names = { ...NO_NAMES, roots: new Map([['campus', 'ab'.repeat(32)]]) };
  expect(lines(EVERY_DEVICE, found(), names)).toEqual([]);
});

test('a walkthrough of keys needs neither radio nor network', () => {
  const firstUnlock = readWalkthrough(readFileSync('docs/walkthroughs/first-unlock.yaml', 'utf8'), () => undefined);
  const machine = found({ surface: { ...NOTHING, tpm: true }, root: false });
  expect(lines(firstUnlock, machine, NO_NAMES)).toEqual([]);
  expect(lines(firstUnlock, { ...machine, keys: 0 }, NO_NAMES)).toEqual([
    'a security key: none is plugged in; plug in the one that is to be blue',
  ]);
});

test('of a daemon that runs its own words count', () => {
  const problems = new Map([
    ['wifi', 'NetworkManager does not run'],
    ['ipConfig', 'no netlink'],
    ['fingerprint', 'fprintd is not installed'],
  ]);
  const machine = found({
    daemon: daemonFound({ problems, paired: null, bluetoothProblem: 'bluetoothd does not run' }),
  });
  expect(lines(EVERY_DEVICE, machine, { ...NO_NAMES, roots: new Map([['campus', 'ab']]) })).toMatchInlineSnapshot(`
    [
      "Bluetooth: bluetoothd does not run",
      "Wi-Fi: NetworkManager does not run",
      "the networks: no netlink",
      "a fingerprint reader: fprintd is not installed; a finger is taught to it with fprintd-enroll",
    ]
  `);
});

test('a kind of signal that is switched off is named with its setting', () => {
  const machine = found({ daemon: daemonFound({ kinds: new Set() }) });
  expect(lines(EVERY_DEVICE, machine, { ...NO_NAMES, roots: new Map([['campus', 'ab']]) })).toEqual([
    'Wi-Fi: the daemon tells nothing of it: signals.wifi is off',
    'the networks: the daemon tells nothing of it: signals.network is off',
  ]);
});

test.each([
  ['none is paired', [], 'no phone is paired: pair it; then say which it is (--phone mine=ADDRESS)'],
  ['two are paired', ['a', 'b'], 'paired are a, b; then say which it is (--phone mine=ADDRESS)'],
])('which phone is meant is asked when %s', (_name, paired, words) => {
  const walkthrough = walkthroughOf({ phones: { mine: 'near' } });
  const machine = found({ daemon: daemonFound({ paired }) });
  expect(lines(walkthrough, machine, NO_NAMES)).toEqual([`the phone mine: ${words}`]);
  expect(lines(walkthrough, machine, { ...NO_NAMES, phones: new Map([['mine', 'c']]) })).toEqual([
    'the phone mine: c is not paired with this machine',
  ]);
});

test('a machine that is not set up, or whose TPM is silent, is not run on', () => {
  const walkthrough = walkthroughOf({});
  const { status } = daemonFound();
  const withTpm = (tpm: Partial<typeof status.tpm>) =>
    found({ daemon: daemonFound({ status: { ...status, tpm: { ...status.tpm, ...tpm } } }) });
  expect(lines(walkthrough, withTpm({ setUp: false }), NO_NAMES)).toEqual([
    'the set-up of this machine: run `unlockctl setup` as root',
  ]);
  expect(lines(walkthrough, withTpm({ setUp: false }), { ...NO_NAMES, ownDaemon: true })).toEqual([]);
  const problem = {
    code: 'ERR_TPM_UNREACHABLE',
    message: 'no TPM answers at device:/dev/tpmrm0',
    cure: '',
    detail: {},
  };
  expect(lines(walkthrough, withTpm({ reachable: false, problem }), NO_NAMES)).toEqual([
    'a TPM: no TPM answers at device:/dev/tpmrm0',
  ]);
});

test('a daemon of the run’s own needs root and a TPM', () => {
  const walkthrough = walkthroughOf({});
  const machine = found({ daemon: null, root: false, surface: { ...EVERYTHING, tpm: false } });
  expect(lines(walkthrough, machine, { ...NO_NAMES, daemonComes: true, ownDaemon: true })).toEqual([
    'a TPM: there is no /dev/tpmrm0; switch the TPM on in the firmware of this machine, or put one in',
    'root: it starts a daemon; use sudo',
  ]);
});

test('the error lists it in one line, and each with its words', () => {
  const missing = [
    { what: 'a TPM', words: 'put one in' },
    { what: 'root', words: 'use sudo' },
  ];
  const error = new HardwareMissing(missing);
  expect([error.code, error.message, error.reasons]).toEqual([
    'ERR_LANE_HARDWARE',
    'this machine lacks what the walkthrough needs: a TPM, root',
    missing,
  ]);
});
