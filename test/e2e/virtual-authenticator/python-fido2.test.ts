/** A foreign client that verifies by its own code: python-fido2 (Debian's python3-fido2) over UDP. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { PROFILES, type ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { showFingerAutomatically, touchAutomatically } from '../../../hal-mocks/fido2/touch.ts';
import { UdpServer } from '../../../hal-mocks/fido2/udp-server.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { missingPythonModule, runToEnd, SYSTEM_PYTHON } from '../../support/umockdev/bridge.ts';

const CLIENT = fileURLToPath(new URL('../../support/umockdev/python_fido2_client.py', import.meta.url));
const missing = missingPythonModule('import fido2.ctap2', 'python3-fido2');
const UP = 0x01;
const UV = 0x04;

interface Step {
  readonly error?: number;
  readonly flags?: number;
  readonly outputs?: readonly string[];
  readonly user?: string | null;
  readonly fmt?: string;
  readonly waits?: readonly number[];
  readonly options?: Readonly<Record<string, boolean>>;
  readonly versions?: readonly string[];
}

function authenticatorOf(profile: ProfileName): VirtualAuthenticator {
  return new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy, profile: PROFILES[profile] });
}

/** Runs the client's steps one after the other on one channel. */
async function client(authenticator: VirtualAuthenticator, ...steps: readonly string[]): Promise<readonly Step[]> {
  await using server = await UdpServer.start(authenticator, 0);
  const stops = [touchAutomatically, showFingerAutomatically].map((hand) =>
    hand(authenticator, systemClock, milliseconds(5)),
  );
  try {
    const { status, stdout, stderr } = await runToEnd([SYSTEM_PYTHON, CLIENT, String(server.port), ...steps]);
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as readonly Step[];
  } finally {
    for (const stop of stops) stop();
  }
}

describe.skipIf(missing)(`python-fido2 meets the virtual authenticator${missing ? ` (${missing})` : ''}`, () => {
  it('reads getInfo, gets a long PING back and makes it wink', async () => {
    const authenticator = authenticatorOf('2.1');
    const [info, ping, wink] = await client(authenticator, 'info', 'ping', 'wink');
    expect(info).toMatchObject({ versions: ['FIDO_2_0', 'FIDO_2_1'], options: { clientPin: false, rk: true } });
    expect([ping, wink, authenticator.winks]).toEqual([true, true, 1]);
  });

  it.each([1, 2])('sets, changes and verifies the PIN with PIN/UV protocol %i', async (protocol) => {
    const steps = await client(
      authenticatorOf('2.1'),
      `set_pin:12345678:${protocol}`,
      `set_pin:87654321:${protocol}`,
      `change_pin:12345678:geheim:${protocol}`,
      `wrong_pin:12345678:${protocol}`,
      'retries',
      `wrong_pin:geheim:${protocol}`,
      'retries',
    );
    // The second setPIN is refused, because one is set; a right PIN brings the retries back.
    expect(steps).toEqual([true, { error: 0x33 }, true, { error: 0x31 }, 7, null, 8]);
  });

  it('blocks the PIN until a power cycle after three wrong ones, and for good after eight', async () => {
    const authenticator = authenticatorOf('2.1');
    const first = ['set_pin:12345678', 'wrong_pin:0000', 'wrong_pin:0001', 'wrong_pin:0002', 'wrong_pin:12345678'];
    const errors = await client(authenticator, ...first);
    expect(errors.map((it) => it.error)).toEqual([undefined, 0x31, 0x31, 0x34, 0x34]);
    authenticator.powerCycle();
    const wrong = await client(authenticator, 'wrong_pin:0003', 'wrong_pin:0004', 'wrong_pin:0005', 'retries');
    expect(wrong).toEqual([{ error: 0x31 }, { error: 0x31 }, { error: 0x34 }, 2]);
    authenticator.powerCycle();
    const last = await client(authenticator, 'wrong_pin:0006', 'wrong_pin:0007', 'wrong_pin:12345678', 'retries');
    expect(last).toEqual([{ error: 0x31 }, { error: 0x32 }, { error: 0x32 }, 0]);
  });

  it.each([
    ['2.1', 1],
    ['2.1', 2],
    ['2.0', 1],
    ['always-uv', 2],
    ['small-messages', 2],
  ] as const)('gives it hmac-secret of one and two salts under a PIN (profile %s, protocol %i)', async (profile, n) => {
    const steps = await client(
      authenticatorOf(profile),
      `set_pin:12345678:${n}`,
      `make:12345678:${n}`,
      `assertion:12345678:${n}:1`,
      `assertion:12345678:${n}:2`,
      `assertion:12345678:${n}:1`,
    );
    const [, made, one, two, again] = steps;
    expect(made).toMatchObject({ fmt: 'packed', extensions: { 'hmac-secret': true } });
    expect((one?.flags ?? 0) & (UP | UV)).toBe(UP | UV);
    expect(one?.outputs).toHaveLength(1);
    expect(two?.outputs).toHaveLength(2);
    expect(two?.outputs?.[0]).toBe(one?.outputs?.[0]);
    expect(two?.outputs?.[1]).not.toBe(two?.outputs?.[0]);
    expect(again?.outputs).toEqual(one?.outputs);
  });

  it('gives it other secrets with user verification than without, the same under both protocols', async () => {
    const [, , with1, with2, without1, without2] = await client(
      authenticatorOf('2.1'),
      'set_pin:12345678',
      'make:12345678',
      'assertion:12345678:1:1',
      'assertion:12345678:2:1',
      'assertion::1:1',
      'assertion::2:1',
    );
    expect((without1?.flags ?? UV) & UV).toBe(0);
    expect(with1?.outputs).toEqual(with2?.outputs);
    expect(without1?.outputs).toEqual(without2?.outputs);
    expect(with1?.outputs).not.toEqual(without1?.outputs);
  });

  it('finds a resident credential without an allowList, and excludes a second registration', async () => {
    const [, made, assertion, excluded] = await client(
      authenticatorOf('2.1'),
      'set_pin:12345678',
      'make:12345678:2:rk',
      'assertion:12345678:2:0:resident',
      'exclude',
    );
    expect(made?.fmt).toBe('packed');
    expect(assertion?.user).toBe('u1');
    expect(excluded?.error).toBe(0x19);
  });

  it('insists on verification where the profile is always-uv', async () => {
    const steps = await client(authenticatorOf('always-uv'), 'make', 'set_pin:12345678', 'make', 'make:12345678');
    expect(steps.map((it) => it?.error ?? 0)).toEqual([0x36, 0, 0x36, 0]);
  });

  it('hides a credential of credProtect 3 from who is not verified, and not one of 2 from who knows its id', async () => {
    const steps = await client(
      authenticatorOf('2.1'),
      'set_pin:12345678',
      'protected:3:12345678',
      'assertion',
      'assertion:12345678',
      'protected:2:12345678',
      'assertion',
    );
    expect(steps.map((it) => it?.error ?? 0)).toEqual([0, 0, 0x2e, 0, 0, 0]);
    expect(steps[1]).toMatchObject({ extensions: { credProtect: 3 } });
  });

  it('is managed by it: accounts, settings, large blobs, fingers, selection', async () => {
    const steps = await client(
      authenticatorOf('bio'),
      'set_pin:12345678',
      'make:12345678:2:rk',
      'manage:12345678',
      'blobs:12345678:600',
      'selection',
      'fingers:12345678',
      'config:12345678',
    );
    expect(steps.slice(2)).toEqual([
      { stored: 1, parties: ['example.org'], name: 'renamed', left: 0 },
      { same: true, other: null, after: null },
      true,
      { samples: 3, names: ['left thumb'], verified: false },
      { minPinLength: 6, alwaysUv: true },
    ]);
  });

  it('lets it cancel a request that waits for the touch', async () => {
    const authenticator = authenticatorOf('2.1');
    await using server = await UdpServer.start(authenticator, 0);
    const { stdout } = await runToEnd([SYSTEM_PYTHON, CLIENT, String(server.port), 'cancel', 'info']);
    expect(JSON.parse(stdout)).toMatchObject([{ error: 0x2d }, { maxMsgSize: 1200 }]);
    expect(authenticator.presence.waiting).toBe(false);
  });

  it('forgets everything at a reset', async () => {
    const authenticator = authenticatorOf('2.1');
    const steps = await client(authenticator, 'set_pin:12345678', 'make:12345678', 'reset', 'info', 'assertion');
    expect(steps[2]).toBe(true);
    expect(steps[3]?.options?.clientPin).toBe(false);
    expect(steps[4]?.error).toBe(0x2e);
  });
});
