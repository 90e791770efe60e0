/**
 * A host that speaks bare CTAPHID frames and CTAP2 maps and leaves every decision to the test: it retries nothing,
 * checks nothing and hides nothing. Time stands still unless the test moves it.
 */
import { createCipheriv, createDecipheriv, createECDH, createHash, createHmac, hkdfSync } from 'node:crypto';
import { concat, fromHex } from '../../../drivers/base/bytes.ts';
import { type CborMap, type CborValue, decodeStrict, encodeCanonical } from '../../../drivers/fido2/wire/cbor.ts';
import { CTAPHID, cidOf, fragment, Reassembler } from '../../../drivers/fido2/wire/ctaphid.ts';
import { PROFILES, type ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { seededEntropy } from '../../../hal-mocks/fido2/seeded.ts';
import type { StateStore } from '../../../hal-mocks/fido2/state.ts';
import { memoryStore } from '../../../hal-mocks/fido2/state.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { ManualClock, settle } from './manual-clock.ts';

export const BROADCAST = 0xffffffff;
const NONCE = fromHex('0102030405060708');

/** One message that came back: `[command, payload]`. */
export interface Heard {
  readonly cid: number;
  readonly command: number;
  readonly payload: Uint8Array;
}

export class RawHost {
  readonly clock = new ManualClock();
  readonly authenticator: VirtualAuthenticator;
  readonly heard: Heard[] = [];
  readonly #reassemblers = new Map<number, Reassembler>();

  constructor(options: { profile?: ProfileName; store?: StateStore; seed?: string } = {}) {
    this.authenticator = new VirtualAuthenticator({
      clock: this.clock,
      entropy: seededEntropy(fromHex(options.seed ?? '00')),
      profile: PROFILES[options.profile ?? '2.1'],
      store: options.store ?? memoryStore(),
    });
    this.listen();
  }

  /** Again after an unplug. */
  listen(): void {
    this.authenticator.listen({ report: (report) => this.#take(report), gone: () => undefined });
  }

  #take(report: Uint8Array): void {
    const cid = cidOf(report) ?? 0;
    const reassembler = this.#reassemblers.get(cid) ?? new Reassembler({ role: 'host', channel: cid });
    this.#reassemblers.set(cid, reassembler);
    const result = reassembler.push(report);
    if (result.kind === 'message') this.heard.push(result.message);
  }

  send(cid: number, command: number, payload: Uint8Array = new Uint8Array(0)): void {
    for (const report of fragment(cid, command, payload)) this.authenticator.receive(report);
  }

  /** What was heard since the last call, as `[command, first byte of the payload]`. */
  async answers(): Promise<[number, number | undefined][]> {
    await settle();
    return this.heard.splice(0).map(({ command, payload }) => [command, payload[0]]);
  }

  /** Allocates a channel. */
  async open(): Promise<number> {
    this.heard.length = 0;
    this.send(BROADCAST, CTAPHID.INIT, NONCE);
    await settle();
    const payload = this.heard.splice(0)[0]?.payload;
    if (payload === undefined) throw new Error('no answer to CTAPHID_INIT');
    return new DataView(payload.buffer, payload.byteOffset).getUint32(8);
  }

  /** Sends a CTAP2 command and touches when it waits. */
  async ctap(cid: number, command: number, parameters?: CborMap): Promise<{ status: number; body: CborMap }> {
    const cbor = parameters ? encodeCanonical(parameters) : new Uint8Array(0);
    return await this.bytes(cid, concat(Uint8Array.of(command), cbor));
  }

  /** The same with bytes that need not be CBOR. */
  async bytes(cid: number, payload: Uint8Array): Promise<{ status: number; body: CborMap }> {
    this.send(cid, CTAPHID.CBOR, payload);
    await settle();
    if (this.authenticator.touch()) await settle();
    const answer = this.heard.splice(0).find((it) => it.command === CTAPHID.CBOR);
    if (answer === undefined) throw new Error('no answer');
    const rest = answer.payload.subarray(1);
    const body = rest.length > 0 ? decodeStrict(rest) : new Map<number, CborValue>();
    return { status: answer.payload[0] ?? -1, body: body as CborMap };
  }
}

const cbc = (
  make: typeof createCipheriv | typeof createDecipheriv,
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
) => {
  const cipher = make('aes-256-cbc', key, iv);
  cipher.setAutoPadding(false);
  return concat(cipher.update(data), cipher.final());
};

/** The platform's half of PIN/UV auth protocols one and two, enough to send right and wrong things. */
export class Platform {
  readonly protocol: 1 | 2;
  readonly keyAgreement: CborMap;
  readonly #hmacKey: Uint8Array;
  readonly #aesKey: Uint8Array;
  readonly #iv: Uint8Array;

  constructor(protocol: 1 | 2, peer: CborMap) {
    this.protocol = protocol;
    const ecdh = createECDH('prime256v1');
    const own = ecdh.generateKeys();
    const z = ecdh.computeSecret(concat(Uint8Array.of(4), peer.get(-2) as Uint8Array, peer.get(-3) as Uint8Array));
    this.keyAgreement = new Map<number, CborValue>([
      [1, 2],
      [3, -25],
      [-1, 1],
      [-2, new Uint8Array(own.subarray(1, 33))],
      [-3, new Uint8Array(own.subarray(33))],
    ]);
    const derive = (info: string) => new Uint8Array(hkdfSync('sha256', z, new Uint8Array(32), info, 32));
    const one = new Uint8Array(createHash('sha256').update(z).digest());
    this.#hmacKey = protocol === 1 ? one : derive('CTAP2 HMAC key');
    this.#aesKey = protocol === 1 ? one : derive('CTAP2 AES key');
    this.#iv = new Uint8Array(16).fill(protocol === 1 ? 0 : 7);
  }

  encrypt(plaintext: Uint8Array): Uint8Array {
    const ciphertext = cbc(createCipheriv, this.#aesKey, this.#iv, plaintext);
    return this.protocol === 1 ? ciphertext : concat(this.#iv, ciphertext);
  }

  decrypt(ciphertext: Uint8Array): Uint8Array {
    const split = this.protocol === 1 ? 0 : 16;
    const iv = this.protocol === 1 ? this.#iv : ciphertext.subarray(0, 16);
    return cbc(createDecipheriv, this.#aesKey, iv, ciphertext.subarray(split));
  }

  mac(message: Uint8Array, key: Uint8Array = this.#hmacKey): Uint8Array {
    const full = new Uint8Array(createHmac('sha256', key).update(message).digest());
    return this.protocol === 1 ? full.slice(0, 16) : full;
  }
}

export const pinHash = (pin: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(pin).digest().subarray(0, 16));

export const padded = (pin: string, length = 64): Uint8Array => {
  const out = new Uint8Array(length);
  out.set(Buffer.from(pin));
  return out;
};

/** Key agreement over the wire. */
export async function platform(host: RawHost, cid: number, protocol: 1 | 2): Promise<Platform> {
  const { body } = await host.ctap(
    cid,
    0x06,
    new Map<number, CborValue>([
      [1, protocol],
      [2, 2],
    ]),
  );
  return new Platform(protocol, body.get(1) as CborMap);
}

/** setPIN with whatever is given as the padded new PIN. */
export async function setPin(host: RawHost, cid: number, newPin: Uint8Array, protocol: 1 | 2 = 2): Promise<number> {
  const side = await platform(host, cid, protocol);
  const newPinEnc = side.encrypt(newPin);
  const { status } = await host.ctap(
    cid,
    0x06,
    new Map<number, CborValue>([
      [1, protocol],
      [2, 3],
      [3, side.keyAgreement],
      [4, side.mac(newPinEnc)],
      [5, newPinEnc],
    ]),
  );
  return status;
}

/** A token for a PIN; `permissions` undefined: the sub-command of CTAP 2.0. */
export async function token(
  host: RawHost,
  cid: number,
  pin: string,
  options: { permissions?: number; rpId?: string; protocol?: 1 | 2 } = {},
): Promise<{ status: number; token: Uint8Array; side: Platform }> {
  const side = await platform(host, cid, options.protocol ?? 2);
  const parameters = new Map<number, CborValue>([
    [1, side.protocol],
    [2, options.permissions === undefined ? 5 : 9],
    [3, side.keyAgreement],
    [6, side.encrypt(pinHash(pin))],
  ]);
  if (options.permissions !== undefined) parameters.set(9, options.permissions);
  if (options.rpId !== undefined) parameters.set(0x0a, options.rpId);
  const { status, body } = await host.ctap(cid, 0x06, parameters);
  const sealed = body.get(2);
  return { status, token: sealed instanceof Uint8Array ? side.decrypt(sealed) : new Uint8Array(0), side };
}

export const CLIENT_DATA_HASH = new Uint8Array(32).fill(0xcd);

/** The parameters of an ordinary authenticatorMakeCredential; `more` adds and replaces. */
export const makeParameters = (
  more: readonly (readonly [number, CborValue])[] = [],
  userId = 1,
): Map<number, CborValue> =>
  new Map<number, CborValue>([
    [1, CLIENT_DATA_HASH],
    [2, new Map([['id', 'example.org']])],
    [
      3,
      new Map<string, CborValue>([
        ['id', Uint8Array.of(userId)],
        ['name', `user ${userId}`],
      ]),
    ],
    [
      4,
      [
        new Map<string, CborValue>([
          ['alg', -7],
          ['type', 'public-key'],
        ]),
      ],
    ],
    ...more,
  ]);

/** The parameters of an ordinary authenticatorGetAssertion. */
export const getParameters = (more: readonly (readonly [number, CborValue])[] = []): Map<number, CborValue> =>
  new Map<number, CborValue>([[1, 'example.org'], [2, CLIENT_DATA_HASH], ...more]);

export const descriptor = (id: Uint8Array): CborValue =>
  new Map<string, CborValue>([
    ['id', id],
    ['type', 'public-key'],
  ]);

/** The credential id inside authenticator data. */
export function credentialIdOf(body: CborMap): Uint8Array {
  const data = body.get(2) as Uint8Array;
  const length = new DataView(data.buffer, data.byteOffset).getUint16(53);
  return data.slice(55, 55 + length);
}

export const flagsOf = (body: CborMap): number => (body.get(2) as Uint8Array)[32] ?? 0;
