/** hmac-secret of the virtual authenticator (CTAP 2.1 §12.5): what it refuses, and where it works. */
import { describe, expect, it } from 'vitest';
import type { CborValue } from '../../../drivers/fido2/wire/cbor.ts';
import type { ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { credentialIdOf, descriptor, flagsOf, getParameters, makeParameters, platform, RawHost } from './raw-host.ts';

const [MAKE, GET] = [0x01, 0x02];
const map = (...entries: readonly (readonly [string | number, CborValue])[]): CborValue => new Map(entries);

async function start(profile: ProfileName) {
  const host = new RawHost({ profile });
  return { host, cid: await host.open() };
}

describe('hmac-secret', () => {
  async function ask(
    host: RawHost,
    cid: number,
    id: Uint8Array,
    salts: Uint8Array,
    change = (_: Map<number, CborValue>) => {},
  ) {
    const side = await platform(host, cid, 2);
    const saltEnc = side.encrypt(salts);
    const input = new Map<number, CborValue>([
      [1, side.keyAgreement],
      [2, saltEnc],
      [3, side.mac(saltEnc)],
      [4, 2],
    ]);
    change(input);
    return await host.ctap(
      cid,
      GET,
      getParameters([
        [3, [descriptor(id)]],
        [4, map(['hmac-secret', input])],
      ]),
    );
  }
  async function credential(profile: ProfileName = '2.1') {
    const { host, cid } = await start(profile);
    const made = await host.ctap(cid, MAKE, makeParameters([[6, map(['hmac-secret', true])]]));
    return { host, cid, id: credentialIdOf(made.body), flags: flagsOf(made.body) };
  }

  it.each([16, 48, 96])('with %i bytes of salt is refused', async (length) => {
    const { host, cid, id } = await credential();
    expect((await ask(host, cid, id, new Uint8Array(length))).status).toBe(0x02);
  });

  it('with a wrong saltAuth is refused with PIN_AUTH_INVALID', async () => {
    const { host, cid, id } = await credential();
    const { status } = await ask(host, cid, id, new Uint8Array(32), (it) => it.set(3, new Uint8Array(32)));
    expect(status).toBe(0x33);
  });

  it('with a point that is not on the curve is refused', async () => {
    const { host, cid, id } = await credential();
    const bad = new Map<number, CborValue>([
      [1, 2],
      [3, -25],
      [-1, 1],
      [-2, new Uint8Array(32)],
      [-3, new Uint8Array(32)],
    ]);
    expect((await ask(host, cid, id, new Uint8Array(32), (it) => it.set(1, bad))).status).toBe(0x02);
  });

  it('is ignored by an authenticator that does not have it', async () => {
    const { host, cid, id, flags } = await credential('no-hmac-secret');
    const { status, body } = await ask(host, cid, id, new Uint8Array(32));
    expect([status, flags & 0x80, flagsOf(body) & 0x80]).toEqual([0, 0, 0]);
  });

  it('works where there is no PIN at all, because key agreement does', async () => {
    const { host, cid, id } = await credential('2.1-no-pin');
    const { status, body } = await ask(host, cid, id, new Uint8Array(64));
    expect([status, flagsOf(body) & 0x80]).toEqual([0, 0x80]);
  });
});
