/** CTAP2 commands of the virtual authenticator (CTAP 2.1 §6.1 to §6.4, §6.6, §6.9, §12), status by status. */
import { describe, expect, it } from 'vitest';
import { bytesEqual, concat, fromHex } from '../../../drivers/base/bytes.ts';
import { type CborValue, encodeCanonical } from '../../../drivers/fido2/wire/cbor.ts';
import type { ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import {
  CLIENT_DATA_HASH,
  credentialIdOf,
  descriptor,
  flagsOf,
  getParameters,
  makeParameters,
  padded,
  RawHost,
  setPin,
  token,
} from './raw-host.ts';

const [MAKE, GET, INFO, RESET, NEXT, SELECT] = [0x01, 0x02, 0x04, 0x07, 0x08, 0x0b];
const [UP, UV] = [0x01, 0x04];
const PIN = '12345678';
const map = (...entries: readonly (readonly [string | number, CborValue])[]): CborValue => new Map(entries);
const RK: readonly [number, CborValue] = [7, map(['rk', true])];

async function start(profile: ProfileName = '2.1') {
  const host = new RawHost({ profile });
  return { host, cid: await host.open() };
}

async function withPin(profile: ProfileName = '2.1') {
  const { host, cid } = await start(profile);
  expect(await setPin(host, cid, padded(PIN))).toBe(0);
  return { host, cid };
}

/** pinUvAuthParam and its protocol for a command, under fresh permissions. */
async function proof(host: RawHost, cid: number, permissions: number, keys: readonly [number, number]) {
  const got = await token(host, cid, PIN, { permissions, rpId: 'example.org' });
  return [
    [keys[0], got.side.mac(CLIENT_DATA_HASH, got.token)],
    [keys[1], 2],
  ] as const;
}

describe('requests', () => {
  const canonical = encodeCanonical(getParameters());
  it.each([
    ['unsorted keys', concat(fromHex('a2025820'), new Uint8Array(32), fromHex('016161'))],
    ['a map head that is not minimal', concat(fromHex('b802'), canonical.subarray(1))],
    ['a map of indefinite length', concat(fromHex('bf'), canonical.subarray(1), fromHex('ff'))],
    ['a key that is not minimal', concat(fromHex('a21801'), canonical.subarray(2))],
    ['a duplicate key', fromHex('a2016161016161')],
    ['a byte behind the end', concat(canonical, fromHex('00'))],
    ['a missing end', canonical.subarray(0, -1)],
    ['a tag', fromHex('a101d84041ff')],
    ['a float', fromHex('a101f93c00')],
    ['text that is not UTF-8', fromHex('a10161ff')],
    ['nothing behind the command', new Uint8Array(0)],
  ])('with %s are refused with INVALID_CBOR', async (_title, cbor) => {
    const { host, cid } = await start();
    expect((await host.bytes(cid, concat(Uint8Array.of(GET), cbor))).status).toBe(0x12);
  });

  it('that are no map are refused with CBOR_UNEXPECTED_TYPE', async () => {
    const { host, cid } = await start();
    expect((await host.bytes(cid, Uint8Array.of(GET, 0x80))).status).toBe(0x11);
  });

  it('with a byte where there are no parameters are refused with INVALID_LENGTH', async () => {
    const { host, cid } = await start();
    expect((await host.bytes(cid, Uint8Array.of(INFO, 0xa0))).status).toBe(0x03);
  });

  it.each([
    ['2.1', 0x00],
    ['2.1', 0x03],
    ['2.1', 0x09],
    ['2.1', 0x40],
    ['2.1', 0xff],
    ['2.0', 0x0a],
    ['2.0', 0x0b],
    ['2.0', 0x0c],
    ['2.0', 0x0d],
    ['2.1-no-pin', 0x41],
    ['bio-preview', 0x09],
  ] as const)('of a %s key with command %i do not exist', async (profile, command) => {
    const { host, cid } = await start(profile);
    expect((await host.bytes(cid, Uint8Array.of(command))).status).toBe(0x01);
  });

  it('longer than maxMsgSize are refused with REQUEST_TOO_LARGE', async () => {
    const { host, cid } = await start('small-messages');
    const parameters = makeParameters([[2, map(['id', 'example.org'], ['name', 'x'.repeat(1024)])]]);
    expect((await host.ctap(cid, MAKE, parameters)).status).toBe(0x39);
  });
});

describe('authenticatorGetInfo', () => {
  it.each([
    ['2.1', { versions: ['FIDO_2_0', 'FIDO_2_1'], clientPin: false, protocols: [2, 1], members: true }],
    ['2.0', { versions: ['FIDO_2_0'], clientPin: false, protocols: [1], members: false }],
    ['2.1-no-pin', { versions: ['FIDO_2_0', 'FIDO_2_1'], clientPin: undefined, protocols: [2, 1], members: true }],
  ] as const)('says what profile %s is', async (profile, expected) => {
    const { host, cid } = await start(profile);
    const { body } = await host.ctap(cid, INFO);
    const options = body.get(4) as ReadonlyMap<string, CborValue>;
    const { versions, clientPin, protocols, members } = expected;
    expect([body.get(1), options.get('clientPin'), body.get(6), body.has(7)]).toEqual([
      versions,
      clientPin,
      protocols,
      members,
    ]);
  });
});

describe('authenticatorMakeCredential', () => {
  it.each([
    ['without clientDataHash', (it: Map<number, CborValue>) => it.delete(1), 0x14],
    ['without pubKeyCredParams', (it: Map<number, CborValue>) => it.delete(4), 0x14],
    ['with a clientDataHash of 31 bytes', (it: Map<number, CborValue>) => it.set(1, new Uint8Array(31)), 0x02],
    ['with a text as clientDataHash', (it: Map<number, CborValue>) => it.set(1, 'x'), 0x11],
    ['with a user id of 65 bytes', (it: Map<number, CborValue>) => it.set(3, map(['id', new Uint8Array(65)])), 0x02],
    ['for RS256 alone', (it: Map<number, CborValue>) => it.set(4, [map(['alg', -257], ['type', 'public-key'])]), 0x26],
    ['with up false', (it: Map<number, CborValue>) => it.set(7, map(['up', false])), 0x2c],
    ['with uv, which it does not have', (it: Map<number, CborValue>) => it.set(7, map(['uv', true])), 0x2c],
    ['with enterprise attestation', (it: Map<number, CborValue>) => it.set(10, 1), 0x02],
    ['with an empty excludeList', (it: Map<number, CborValue>) => it.set(5, []), 0x02],
    ['with pinUvAuthParam but no protocol', (it: Map<number, CborValue>) => it.set(8, new Uint8Array(32)), 0x14],
    ['with protocol 3', (it: Map<number, CborValue>) => it.set(8, new Uint8Array(32)).set(9, 3), 0x02],
    ['with credProtect 4', (it: Map<number, CborValue>) => it.set(6, map(['credProtect', 4])), 0x2c],
  ])('%s is refused', async (_title, change, status) => {
    const { host, cid } = await start();
    const parameters = makeParameters();
    change(parameters);
    expect((await host.ctap(cid, MAKE, parameters)).status).toBe(status);
    expect(host.authenticator.state.signCount).toBe(0);
  });

  it('needs a token for a resident credential where a PIN is set, and none for another', async () => {
    const { host, cid } = await withPin();
    expect((await host.ctap(cid, MAKE, makeParameters([RK]))).status).toBe(0x36);
    const { status, body } = await host.ctap(cid, MAKE, makeParameters());
    expect([status, flagsOf(body) & UV]).toEqual([0, 0]);
  });

  it('needs a token always on CTAP 2.0 where a PIN is set', async () => {
    const { host, cid } = await start('2.0');
    await setPin(host, cid, padded(PIN), 1);
    expect((await host.ctap(cid, MAKE, makeParameters())).status).toBe(0x36);
  });

  it('takes a token once, and only with its permission and relying party', async () => {
    const { host, cid } = await withPin();
    const more = await proof(host, cid, 1, [8, 9]);
    const other: readonly [number, CborValue] = [2, map(['id', 'elsewhere.example'])];
    expect((await host.ctap(cid, MAKE, makeParameters([...more, other]))).status).toBe(0x33);
    expect(
      (
        await host.ctap(
          cid,
          GET,
          getParameters([
            [6, more[0][1]],
            [7, 2],
          ]),
        )
      ).status,
    ).toBe(0x33);
    const made = await host.ctap(cid, MAKE, makeParameters(more));
    expect([made.status, flagsOf(made.body) & (UP | UV)]).toEqual([0, UP | UV]);
    expect((await host.ctap(cid, MAKE, makeParameters(more))).status).toBe(0x33);
  });

  it('forgets a token that is not used within 30 s', async () => {
    const { host, cid } = await withPin();
    const more = await proof(host, cid, 1, [8, 9]);
    await host.clock.advance(30_000);
    expect((await host.ctap(cid, MAKE, makeParameters(more))).status).toBe(0x33);
  });

  it.each([
    [undefined, 0x35],
    [PIN, 0x31],
  ])('with an empty pinUvAuthParam only wants a touch (PIN %s)', async (pin, status) => {
    const { host, cid } = pin === undefined ? await start() : await withPin();
    expect(
      (
        await host.ctap(
          cid,
          MAKE,
          makeParameters([
            [8, new Uint8Array(0)],
            [9, 2],
          ]),
        )
      ).status,
    ).toBe(status);
  });

  it('tells of an excluded credential only after the touch', async () => {
    const { host, cid } = await start();
    const made = await host.ctap(cid, MAKE, makeParameters());
    const exclude: readonly [number, CborValue] = [5, [descriptor(credentialIdOf(made.body))]];
    expect((await host.ctap(cid, MAKE, makeParameters([exclude]))).status).toBe(0x19);
  });

  it('replaces the resident credential of the same user, and is full at its capacity', async () => {
    const { host, cid } = await start();
    for (let user = 1; user <= 25; user++) {
      expect((await host.ctap(cid, MAKE, makeParameters([RK], user))).status).toBe(0);
    }
    expect((await host.ctap(cid, MAKE, makeParameters([RK], 26))).status).toBe(0x28);
    expect((await host.ctap(cid, MAKE, makeParameters([RK], 25))).status).toBe(0);
    expect(host.authenticator.state.residents).toHaveLength(25);
  });
});

describe('authenticatorGetAssertion', () => {
  it('finds nothing for another relying party, another authenticator, or a changed id', async () => {
    const { host, cid } = await start();
    const id = credentialIdOf((await host.ctap(cid, MAKE, makeParameters())).body);
    const changed = new Uint8Array(id);
    changed[20] = (changed[20] ?? 0) ^ 1;
    const ask = async (from: RawHost, on: number, what: Uint8Array, rpId = 'example.org') =>
      (
        await from.ctap(
          on,
          GET,
          getParameters([
            [1, rpId],
            [3, [descriptor(what)]],
          ]),
        )
      ).status;
    const stranger = new RawHost({ seed: '01' });
    expect([
      await ask(host, cid, id),
      await ask(host, cid, id, 'elsewhere.example'),
      await ask(host, cid, changed),
      await ask(stranger, await stranger.open(), id),
    ]).toEqual([0, 0x2e, 0x2e, 0x2e]);
  });

  it.each([
    ['with option rk', [5, map(['rk', true])], 0x2b],
    ['with option uv, which it does not have', [5, map(['uv', true])], 0x2c],
    ['with an empty allowList', [3, []], 0x02],
    [
      'with nine credentials in the allowList',
      [3, Array.from({ length: 9 }, () => descriptor(new Uint8Array(61)))],
      0x15,
    ],
    ['with an allowList of numbers', [3, [1]], 0x11],
    ['for a relying party it does not know', [1, 'nobody.example'], 0x2e],
  ] as const)('%s is refused', async (_title, entry, status) => {
    const { host, cid } = await start();
    expect((await host.ctap(cid, GET, getParameters([entry]))).status).toBe(status);
  });

  it('without user presence waits for nobody and says so', async () => {
    const { host, cid } = await start();
    const id = credentialIdOf((await host.ctap(cid, MAKE, makeParameters())).body);
    let waits = 0;
    host.authenticator.presence.onWait(() => {
      waits++;
    });
    const { status, body } = await host.ctap(
      cid,
      GET,
      getParameters([
        [3, [descriptor(id)]],
        [5, map(['up', false])],
      ]),
    );
    expect([status, flagsOf(body) & UP, waits]).toEqual([0, 0, 0]);
  });

  it.each([
    [1, { withList: 0, without: 0 }],
    [2, { withList: 0, without: 0x2e }],
    [3, { withList: 0x2e, without: 0x2e }],
  ])('without verification sees of credProtect %i what it may', async (level, expected) => {
    const { host, cid } = await start();
    const made = await host.ctap(cid, MAKE, makeParameters([RK, [6, map(['credProtect', level])]]));
    const list: readonly [number, CborValue] = [3, [descriptor(credentialIdOf(made.body))]];
    expect({
      withList: (await host.ctap(cid, GET, getParameters([list]))).status,
      without: (await host.ctap(cid, GET, getParameters())).status,
    }).toEqual(expected);
  });

  it('offers several accounts newest first, with names only after verification', async () => {
    const { host, cid } = await start();
    for (const user of [1, 2, 3]) await host.ctap(cid, MAKE, makeParameters([RK], user));
    const plain = await host.ctap(cid, GET, getParameters());
    expect([plain.body.get(5), plain.body.get(4)]).toEqual([3, map(['id', Uint8Array.of(3)])]);
    await setPin(host, cid, padded(PIN));
    const more = await proof(host, cid, 2, [6, 7]);
    const verified = await host.ctap(cid, GET, getParameters(more));
    expect(verified.body.get(4)).toEqual(map(['id', Uint8Array.of(3)], ['name', 'user 3']));
    const next = await host.ctap(cid, NEXT);
    expect(next.body.get(4)).toEqual(map(['id', Uint8Array.of(2)], ['name', 'user 2']));
    expect((await host.ctap(cid, NEXT)).status).toBe(0);
    expect((await host.ctap(cid, NEXT)).status).toBe(0x30);
  });

  it('is not gone on with after 30 s, or after another command', async () => {
    const { host, cid } = await start();
    for (const user of [1, 2]) await host.ctap(cid, MAKE, makeParameters([RK], user));
    await host.ctap(cid, GET, getParameters());
    await host.clock.advance(30_000);
    expect((await host.ctap(cid, NEXT)).status).toBe(0x30);
    await host.ctap(cid, GET, getParameters());
    await host.ctap(cid, INFO);
    expect((await host.ctap(cid, NEXT)).status).toBe(0x30);
  });

  it('counts up with every assertion', async () => {
    const { host, cid } = await start();
    const id = credentialIdOf((await host.ctap(cid, MAKE, makeParameters())).body);
    const counters: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { body } = await host.ctap(cid, GET, getParameters([[3, [descriptor(id)]]]));
      const data = body.get(2) as Uint8Array;
      counters.push(new DataView(data.buffer, data.byteOffset).getUint32(33));
    }
    expect(counters).toEqual([2, 3, 4]);
  });
});

describe('authenticatorReset', () => {
  it('is refused later than 10 s after power-up, and works again after a power cycle', async () => {
    const { host } = await withPin();
    await host.clock.advance(10_001);
    const late = await host.open();
    expect((await host.ctap(late, RESET)).status).toBe(0x30);
    host.authenticator.powerCycle();
    expect((await host.ctap(await host.open(), RESET)).status).toBe(0);
    expect(host.authenticator.state.pinHash).toBe(null);
  });

  it('makes every credential worthless, resident or not', async () => {
    const { host, cid } = await start();
    const before = new Uint8Array(host.authenticator.state.masterSecret);
    const id = credentialIdOf((await host.ctap(cid, MAKE, makeParameters([RK]))).body);
    await host.ctap(cid, RESET);
    expect((await host.ctap(cid, GET, getParameters([[3, [descriptor(id)]]]))).status).toBe(0x2e);
    expect((await host.ctap(cid, GET, getParameters())).status).toBe(0x2e);
    expect(bytesEqual(before, host.authenticator.state.masterSecret)).toBe(false);
  });
});

describe('authenticatorSelection', () => {
  it.each([
    ['2.1', 0],
    ['2.0', 0x01],
  ] as const)('of profile %s gives status %i', async (profile, status) => {
    const { host, cid } = await start(profile);
    expect((await host.ctap(cid, SELECT)).status).toBe(status);
  });
});
