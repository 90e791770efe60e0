/** authenticatorClientPIN of the virtual authenticator (CTAP 2.1 §6.5.5), both PIN/UV protocols. */
import { describe, expect, it } from 'vitest';
import type { CborValue } from '../../../drivers/fido2/wire/cbor.ts';
import { padded, pinHash, platform, RawHost, setPin, token } from './raw-host.ts';

const CLIENT_PIN = 0x06;
const PIN = '12345678';

async function start(profile: '2.1' | '2.0' | '2.1-no-pin' = '2.1') {
  const host = new RawHost({ profile });
  return { host, cid: await host.open() };
}

const ask = (host: RawHost, cid: number, ...entries: readonly (readonly [number, CborValue])[]) =>
  host.ctap(cid, CLIENT_PIN, new Map<number, CborValue>(entries));

describe('setPIN', () => {
  it.each([
    ['three characters', padded('123'), 0x37],
    ['four characters of eleven bytes, which count as four', padded('ü€😀ä'), 0],
    ['63 bytes', padded('x'.repeat(63)), 0],
    ['64 bytes without padding', padded('x'.repeat(64)), 0x37],
    ['32 bytes in all', padded(PIN, 32), 0x02],
    ['80 bytes in all', padded(PIN, 80), 0x02],
    ['bytes that are not UTF-8', new Uint8Array(64).fill(0xff, 0, 8), 0x37],
  ])('with %s', async (_title, newPin, status) => {
    for (const protocol of [1, 2] as const) {
      const { host, cid } = await start();
      expect(await setPin(host, cid, newPin, protocol)).toBe(status);
      expect(host.authenticator.state.pinHash !== null).toBe(status === 0);
    }
  });

  it('is refused where a PIN is set, without counting a try', async () => {
    const { host, cid } = await start();
    await setPin(host, cid, padded(PIN));
    expect(await setPin(host, cid, padded('other'))).toBe(0x33);
    expect(host.authenticator.state.pinRetries).toBe(8);
  });

  it('follows a longer minimum length', async () => {
    const { host, cid } = await start();
    host.authenticator.configure((state) => {
      state.minPinLength = 6;
    });
    expect([await setPin(host, cid, padded('12345')), await setPin(host, cid, padded('123456'))]).toEqual([0x37, 0]);
  });
});

describe('changePIN', () => {
  async function change(host: RawHost, cid: number, oldPin: string, newPin: string, spoil = false) {
    const side = await platform(host, cid, 2);
    const [newPinEnc, pinHashEnc] = [side.encrypt(padded(newPin)), side.encrypt(pinHash(oldPin))];
    const both = new Uint8Array([...newPinEnc, ...pinHashEnc]);
    const mac = side.mac(spoil ? newPinEnc : both);
    const { status } = await ask(
      host,
      cid,
      [1, 2],
      [2, 4],
      [3, side.keyAgreement],
      [4, mac],
      [5, newPinEnc],
      [6, pinHashEnc],
    );
    return status;
  }

  it('wants the old PIN, and counts a wrong one', async () => {
    const { host, cid } = await start();
    expect(await change(host, cid, PIN, 'abcdef')).toBe(0x35);
    await setPin(host, cid, padded(PIN));
    expect(await change(host, cid, '0000', 'abcdef')).toBe(0x31);
    expect(host.authenticator.state.pinRetries).toBe(7);
    expect(await change(host, cid, PIN, 'abcdef')).toBe(0);
    expect(host.authenticator.state.pinHash).toEqual(pinHash('abcdef'));
  });

  it('refuses a MAC over the new PIN alone, without counting a try', async () => {
    const { host, cid } = await start();
    await setPin(host, cid, padded(PIN));
    expect(await change(host, cid, PIN, 'abcdef', true)).toBe(0x33);
    expect(host.authenticator.state.pinRetries).toBe(8);
  });

  it('that is forced refuses the same PIN, and lifts the force with another', async () => {
    const { host, cid } = await start();
    await setPin(host, cid, padded(PIN));
    host.authenticator.configure((state) => {
      state.forcePinChange = true;
    });
    expect((await token(host, cid, PIN, { permissions: 1, rpId: 'example.org' })).status).toBe(0x31);
    expect(await change(host, cid, PIN, PIN)).toBe(0x37);
    expect(await change(host, cid, PIN, 'abcdef')).toBe(0);
    expect((await token(host, cid, 'abcdef', { permissions: 1, rpId: 'example.org' })).status).toBe(0);
  });
});

describe('tokens', () => {
  it.each([
    ['permissions 0', { permissions: 0, rpId: 'example.org' }, 0x02],
    ['bio enrolment, which it does not have', { permissions: 8 }, 0x40],
    ['credential management and no relying party', { permissions: 4 }, 0],
    ['no relying party', { permissions: 1 }, 0x14],
    ['the sub-command of CTAP 2.0 and a relying party', { rpId: 'example.org' }, 0x02],
    ['the sub-command of CTAP 2.0', {}, 0],
    ['permissions for both commands', { permissions: 3, rpId: 'example.org' }, 0],
  ])('with %s', async (_title, options, status) => {
    const { host, cid } = await start();
    await setPin(host, cid, padded(PIN));
    const got = await token(host, cid, PIN, options);
    expect([got.status, got.token.length]).toEqual([status, status === 0 ? 32 : 0]);
  });

  it('with permissions do not exist on CTAP 2.0', async () => {
    const { host, cid } = await start('2.0');
    await setPin(host, cid, padded(PIN), 1);
    const got = await token(host, cid, PIN, { permissions: 1, rpId: 'example.org', protocol: 1 });
    expect(got.status).toBe(0x3e);
  });

  it('of before are worthless after the next one', async () => {
    const { host, cid } = await start();
    await setPin(host, cid, padded(PIN));
    const tokens = [await token(host, cid, PIN, {}), await token(host, cid, PIN, {})];
    expect(tokens[0]?.token).not.toEqual(tokens[1]?.token);
  });

  it('are refused for a new key agreement key after a wrong PIN: the old shared secret is dead', async () => {
    const { host, cid } = await start();
    await setPin(host, cid, padded(PIN));
    const side = await platform(host, cid, 2);
    const attempt = (pin: string) =>
      ask(host, cid, [1, 2], [2, 5], [3, side.keyAgreement], [6, side.encrypt(pinHash(pin))]);
    expect((await attempt('0000')).status).toBe(0x31);
    expect((await attempt(PIN)).status).toBe(0x31);
    expect(host.authenticator.state.pinRetries).toBe(6);
  });
});

describe('sub-commands', () => {
  it.each([0x00, 0x06, 0x07, 0x08, 0x0a, 0xff])('%i does not exist', async (subCommand) => {
    const { host, cid } = await start();
    expect((await ask(host, cid, [1, 2], [2, subCommand])).status).toBe(0x3e);
  });

  it('other than key agreement do not exist where there is no PIN', async () => {
    const { host, cid } = await start('2.1-no-pin');
    expect((await ask(host, cid, [1, 2], [2, 1])).status).toBe(0x3e);
    expect((await ask(host, cid, [1, 2], [2, 2])).status).toBe(0);
  });

  it('tell of retries and of a power cycle that is needed', async () => {
    const { host, cid } = await start();
    await setPin(host, cid, padded(PIN));
    for (const pin of ['a', 'b', 'c']) await token(host, cid, pin, {});
    const { body } = await ask(host, cid, [2, 1]);
    expect([body.get(3), body.get(4)]).toEqual([5, true]);
    host.authenticator.powerCycle();
    const after = await ask(host, await host.open(), [2, 1]);
    expect([after.body.get(3), after.body.get(4)]).toEqual([5, false]);
  });

  it.each([
    ['without a protocol', [[2, 2]], 0x14],
    [
      'of protocol 3',
      [
        [1, 3],
        [2, 2],
      ],
      0x02,
    ],
    ['without a sub-command', [[1, 2]], 0x14],
  ] as const)('%s are refused', async (_title, entries, status) => {
    const { host, cid } = await start();
    expect((await ask(host, cid, ...entries)).status).toBe(status);
  });
});

it('a try is counted before the PIN is compared, so that pulling the plug wins nothing', async () => {
  const saved: number[] = [];
  const host = new RawHost({ store: { load: () => null, save: (state) => saved.push(state.pinRetries) } });
  const cid = await host.open();
  await setPin(host, cid, padded(PIN));
  saved.length = 0;
  await token(host, cid, PIN, {});
  expect(saved).toEqual([7, 8]);
});
