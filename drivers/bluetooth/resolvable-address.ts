/**
 * Which bonded device may hide behind a resolvable private address: 24 bits of randomness and 24 bits of their encryption
 * under the identity key. Core specification, vol. 3 part H, 2.2.2 (ah), vol. 6 part B, 1.3.2.2. Addresses are matched in
 * batches, one run of the cipher for each key, and what is remembered has a fixed size however many come. An address can
 * be recorded and sent again by anybody for ever: what is found is a hint.
 */
import { type Cipher, createCipheriv } from 'node:crypto';

/** What is needed of a bonded device; see `BondedDevice`. */
export interface Identity {
  readonly address: string;
  readonly addressType: 'public' | 'random';
  /** 16 bytes, most significant first. */
  readonly identityKey: Uint8Array | null;
}

/** Something that calls itself by an address of a bonded device. */
export interface Heard {
  /** Identity address. */
  readonly address: string;
  /** dBm, the strongest of the batch; null: none was told. */
  readonly strength: number | null;
}

const REPORT = 8;
const RANDOM = 1;
const UNKNOWN_STRENGTH = 127;
const BLOCK = 16;
/** Blocks of one run of the cipher. */
const BATCH = 512;
/** A power of two. Half a minute of a very busy place. */
const SLOTS = 8192;
const NOBODY = -1;
const MAX_IDENTITIES = 64;
/** Above every 48-bit address. */
const RANDOM_SPACE = 2 ** 48;

/** Private and resolvable: the two most significant bits are 01. */
const isResolvable = (mostSignificant: number): boolean => (mostSignificant & 0xc0) === 0x40;

const usable = (key: Uint8Array | null): key is Uint8Array => key?.length === 16 && key.some((byte) => byte !== 0);

/** Seen as a number, with the space of random addresses apart from that of public ones; null: not an address. */
function identityNumber({ address, addressType }: Identity): number | null {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(address)) return null;
  return Number.parseInt(address.replaceAll(':', ''), 16) + (addressType === 'random' ? RANDOM_SPACE : 0);
}

export class AddressResolver {
  readonly #addresses: readonly string[];
  readonly #direct = new Map<number, number>();
  /** ECB keeps no state between blocks, so one cipher serves for ever. */
  readonly #keys: { readonly who: number; readonly cipher: Cipher }[] = [];
  readonly #seen = new Float64Array(SLOTS).fill(Number.NaN);
  readonly #who = new Int8Array(SLOTS).fill(NOBODY);
  readonly #blocks = new Uint8Array(BATCH * BLOCK);
  readonly #pending = new Uint32Array(BATCH);
  #filled = 0;
  /** Of the batch, by device; NaN: not heard. */
  readonly #strongest: Float64Array;

  /** @param identities the bonded devices; of more than 64, the first */
  constructor(identities: readonly Identity[]) {
    const known = identities.slice(0, MAX_IDENTITIES);
    this.#addresses = known.map(({ address }) => address);
    this.#strongest = new Float64Array(known.length).fill(Number.NaN);
    for (const [who, identity] of known.entries()) {
      const number = identityNumber(identity);
      if (number !== null) this.#direct.set(number, who);
      const { identityKey } = identity;
      if (!usable(identityKey)) continue;
      const cipher = createCipheriv('aes-128-ecb', identityKey, null).setAutoPadding(false);
      this.#keys.push({ who, cipher });
    }
  }

  /**
   * The bonded devices that the reports may be of, each once.
   * @param reports as in `AdvertisementHal`; an incomplete last one is ignored
   */
  resolve(reports: Uint8Array): readonly Heard[] {
    for (let at = 0; at + REPORT <= reports.length; at += REPORT) {
      const who = this.#lookUp(reports, at);
      if (who !== NOBODY) this.#note(who, reports, at);
      if (this.#filled === BATCH) this.#match(reports);
    }
    this.#match(reports);
    return this.#taken();
  }

  /** Who it is by what is remembered; what has to be calculated waits for the rest of the batch. */
  #lookUp(reports: Uint8Array, at: number): number {
    const first = reports[at] ?? 0;
    const high = (first << 16) | ((reports[at + 1] ?? 0) << 8) | (reports[at + 2] ?? 0);
    const low = ((reports[at + 3] ?? 0) << 16) | ((reports[at + 4] ?? 0) << 8) | (reports[at + 5] ?? 0);
    const number = high * 2 ** 24 + low;
    const random = reports[at + 6] === RANDOM;
    if (!random || !isResolvable(first)) {
      return this.#direct.get(random ? number + RANDOM_SPACE : number) ?? NOBODY;
    }
    const slot = (high ^ low) & (SLOTS - 1);
    if (this.#seen[slot] === number) return this.#who[slot] ?? NOBODY;
    if (this.#keys.length === 0) return NOBODY;
    // ah: thirteen zeros, then the random part.
    this.#blocks.set(reports.subarray(at, at + 3), this.#filled * BLOCK + 13);
    this.#pending[this.#filled++] = at;
    return NOBODY;
  }

  #match(reports: Uint8Array): void {
    const count = this.#filled;
    this.#filled = 0;
    if (count === 0) return;
    const blocks = this.#blocks.subarray(0, count * BLOCK);
    for (let n = 0; n < count; n++) this.#remember(reports, this.#pending[n] ?? 0, NOBODY);
    for (const { who, cipher } of this.#keys) {
      const encrypted = cipher.update(blocks);
      for (let n = 0; n < count; n++) {
        const at = this.#pending[n] ?? 0;
        const end = n * BLOCK + 15;
        if (encrypted[end] !== reports[at + 5]) continue;
        if (encrypted[end - 1] === reports[at + 4] && encrypted[end - 2] === reports[at + 3]) {
          this.#remember(reports, at, who);
          this.#note(who, reports, at);
        }
      }
    }
  }

  #remember(reports: Uint8Array, at: number, who: number): void {
    const low = ((reports[at + 3] ?? 0) << 16) | ((reports[at + 4] ?? 0) << 8) | (reports[at + 5] ?? 0);
    const high = ((reports[at] ?? 0) << 16) | ((reports[at + 1] ?? 0) << 8) | (reports[at + 2] ?? 0);
    const slot = (high ^ low) & (SLOTS - 1);
    this.#seen[slot] = high * 2 ** 24 + low;
    this.#who[slot] = who;
  }

  #note(who: number, reports: Uint8Array, at: number): void {
    const byte = reports[at + 7] ?? UNKNOWN_STRENGTH;
    const strength = byte === UNKNOWN_STRENGTH ? Number.NEGATIVE_INFINITY : (byte << 24) >> 24;
    const before = this.#strongest[who] ?? Number.NaN;
    if (!(before >= strength)) this.#strongest[who] = strength;
  }

  #taken(): readonly Heard[] {
    const heard: Heard[] = [];
    for (const [who, strength] of this.#strongest.entries()) {
      if (Number.isNaN(strength)) continue;
      this.#strongest[who] = Number.NaN;
      heard.push({ address: this.#addresses[who] ?? '', strength: Number.isFinite(strength) ? strength : null });
    }
    return heard;
  }
}
