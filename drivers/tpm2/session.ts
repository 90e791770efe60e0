/**
 * Sessions (Part 1 §19): a salted HMAC session proves an authValue without sending it, encrypts the first parameter in
 * both directions and authenticates every answer; a policy session collects what a policy asks for. This file keeps
 * what a session knows and does its arithmetic; `commands/session.ts` starts them.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { concat } from '../base/bytes.ts';
import { Secret } from '../base/secret.ts';
import { cryptParameter } from './kdf.ts';
import { TPM_ALG } from './wire/constants.ts';
import { hashInfo } from './wire/hash.ts';
import { malformed, trimAuthValue } from './wire/marshal.ts';

export type SessionKind = 'hmac' | 'policy' | 'trial';

/** Who frees a session or object when its scope ends; implemented by {@link Tpm}. */
export interface HandleOwner {
  /** Flushes the handle. */
  release(handle: number): Promise<void>;
  /** The TPM has freed the handle by itself. */
  disown(handle: number): void;
}

const NOTHING = new Uint8Array(0);

export class Session implements AsyncDisposable {
  readonly handle: number;
  readonly kind: SessionKind;
  readonly authHash: number = TPM_ALG.SHA256;
  /** The TPM's newest nonce: the one that PolicySecret and PolicySigned may be tied to. */
  nonceTPM: Uint8Array;
  /** The nonce of the command under way. */
  nonceCaller: Uint8Array;
  /** Set by PolicyAuthValue: the HMAC of the authorised command then covers the entity's authValue. */
  needsAuthValue = false;
  readonly #key: Secret;
  readonly #owner: HandleOwner;
  #open = true;

  constructor(init: {
    handle: number;
    kind: SessionKind;
    nonceTPM: Uint8Array;
    nonceCaller: Uint8Array;
    key: Secret;
    owner: HandleOwner;
  }) {
    this.handle = init.handle;
    this.kind = init.kind;
    this.nonceTPM = init.nonceTPM;
    this.nonceCaller = init.nonceCaller;
    this.#key = init.key;
    this.#owner = init.owner;
  }

  get open(): boolean {
    return this.#open;
  }

  /** True when the session was salted: only then may secrets travel under it. */
  get salted(): boolean {
    return this.#key.length > 0;
  }

  /**
   * sessionKey ‖ authValue (Part 1 §19.6.5), which keys both HMAC and parameter encryption. The caller zeroes it.
   * @param authValue of the entity that this session authorises; undefined when it authorises none
   */
  sessionValue(authValue: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
    return concat(this.#key.disposed ? NOTHING : this.#key.expose(), authValue ? trimAuthValue(authValue) : NOTHING);
  }

  /** The same for HMAC: a policy session leaves the authValue out unless PolicyAuthValue was executed (§19.6.14). */
  #hmacKey(authValue: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
    return this.sessionValue(this.kind === 'hmac' || this.needsAuthValue ? authValue : undefined);
  }

  /** HMAC over pHash ‖ nonceNewer ‖ nonceOlder ‖ other nonces ‖ attributes; empty when there is no key (§19.6.5). */
  #hmac(authValue: Uint8Array | undefined, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
    const key = this.#hmacKey(authValue);
    if (key.length === 0 && this.kind !== 'hmac') return new Uint8Array(0);
    const mac = createHmac(hashInfo(this.authHash).node, key);
    for (const part of parts) mac.update(part);
    key.fill(0);
    return new Uint8Array(mac.digest());
  }

  commandHmac(
    cpHash: Uint8Array,
    attributes: number,
    authValue: Uint8Array | undefined,
    otherNonces: readonly Uint8Array[],
  ): Uint8Array<ArrayBuffer> {
    const attrs = Uint8Array.of(attributes);
    return this.#hmac(authValue, [cpHash, this.nonceCaller, this.nonceTPM, ...otherNonces, attrs]);
  }

  /**
   * Takes the TPM's answer for this session after checking its HMAC in constant time. Nothing of a response may be
   * used before this returned.
   * @throws {ERR_TPM_MALFORMED_RESPONSE} when the HMAC is not right: the answer did not come from that TPM
   */
  acceptResponse(
    rpHash: Uint8Array,
    answer: { nonce: Uint8Array; attributes: number; hmac: Uint8Array },
    authValue: Uint8Array | undefined,
  ): void {
    const attrs = Uint8Array.of(answer.attributes);
    const expected = this.#hmac(authValue, [rpHash, answer.nonce, this.nonceCaller, attrs]);
    if (expected.length !== answer.hmac.length || !timingSafeEqual(expected, answer.hmac)) {
      throw malformed('the HMAC of the response is wrong: something between this program and the TPM answers for it');
    }
    this.nonceTPM = answer.nonce;
  }

  encryptParameter(data: Uint8Array, authValue: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
    const value = this.sessionValue(authValue);
    try {
      return cryptParameter('encrypt', value, this.nonceCaller, this.nonceTPM, this.authHash, data);
    } finally {
      value.fill(0);
    }
  }

  /** To be called after {@link acceptResponse}: the nonces are then the response's. */
  decryptParameter(data: Uint8Array, authValue: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
    const value = this.sessionValue(authValue);
    try {
      return cryptParameter('decrypt', value, this.nonceTPM, this.nonceCaller, this.authHash, data);
    } finally {
      value.fill(0);
    }
  }

  /** The TPM has freed the session by itself: continueSession was clear and the command succeeded. */
  freedByTpm(): void {
    this.#end();
    this.#owner.disown(this.handle);
  }

  #end(): void {
    this.#open = false;
    this.#key.dispose();
  }

  /** Flushes the session if it is still there. Idempotent. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#end();
    await this.#owner.release(this.handle);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The key of a session that was neither salted nor bound. */
export const noSessionKey = (): Secret => Secret.copyOf(NOTHING);
