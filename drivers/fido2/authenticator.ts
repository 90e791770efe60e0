/**
 * CTAP2 over one channel (CTAP 2.1 §8, §11.2.9.1.2): a command byte and canonical CBOR out, a status byte and CBOR in.
 * The commands themselves stand in files of their own, as functions over this.
 */
import type { Milliseconds } from '../base/brand.ts';
import { concat } from '../base/bytes.ts';
import { UnlockdError } from '../base/errors.ts';
import type { CtapHidChannel, TransactOptions } from './channel.ts';
import { asMap, malformed } from './fields.ts';
import type { KeepaliveStatus } from './keepalive.ts';
import { statusError } from './status.ts';
import { type CborMap, decodeLenient, encodeCanonical } from './wire/cbor.ts';
import { CTAP_COMMAND, DEFAULT_MAX_MSG_SIZE } from './wire/constants.ts';
import { CTAPHID } from './wire/ctaphid.ts';

export type CtapCommandName = keyof typeof CTAP_COMMAND;

export interface CallOptions {
  readonly signal: AbortSignal;
  /** For the whole operation; the channel's own budget unless told. Operations with a touch need more. */
  readonly budget?: Milliseconds;
  readonly onKeepalive?: ((status: KeepaliveStatus) => void) | undefined;
  readonly meanwhile?: TransactOptions['meanwhile'];
}

/** Attestation statements of vendors nest deeper than the four levels of CTAP2's own messages. */
const RESPONSE_DEPTH = 8;

export class Authenticator {
  readonly channel: CtapHidChannel;
  #maxMsgSize = DEFAULT_MAX_MSG_SIZE;
  #canonical = true;

  constructor(channel: CtapHidChannel) {
    this.channel = channel;
  }

  /** False once the key has sent map keys out of order: tolerated, and worth a line in a log. */
  get canonical(): boolean {
    return this.#canonical;
  }

  /** Bytes of a whole request; what authenticatorGetInfo says, 1024 before it was asked. */
  get maxMsgSize(): number {
    return this.#maxMsgSize;
  }

  /** @param size the member maxMsgSize of authenticatorGetInfo, if there is one */
  limitMessages(size: number | undefined): void {
    this.#maxMsgSize = size ?? DEFAULT_MAX_MSG_SIZE;
  }

  /**
   * @param parameters members of the request; null: the command has none
   * @returns members of the response; empty where it has none
   * @throws {ERR_CTAP_REQUEST_TOO_LARGE | ERR_CTAP_INVALID_CBOR | ERR_CTAP_MALFORMED_RESPONSE | ERR_CTAP_STATUS} and
   *   the other codes of a status byte; what {@link CtapHidChannel.transact} throws
   */
  async call(name: CtapCommandName, parameters: CborMap | null, options: CallOptions): Promise<CborMap> {
    const encoded = parameters === null ? new Uint8Array(0) : encodeCanonical(parameters);
    const request = concat(Uint8Array.of(CTAP_COMMAND[name]), encoded);
    if (request.length > this.#maxMsgSize) {
      throw new UnlockdError('ERR_CTAP_REQUEST_TOO_LARGE', `${name}: ${request.length} bytes`, {
        detail: { length: request.length, limit: this.#maxMsgSize },
      });
    }
    const response = await this.channel.transact(CTAPHID.CBOR, request, options);
    const status = response[0];
    if (status === undefined) throw malformed(`${name} was answered with nothing`);
    if (status !== 0) throw statusError(status, name);
    if (response.length === 1) return new Map();
    const { value, canonical } = decodeLenient(response.subarray(1), { maxDepth: RESPONSE_DEPTH });
    if (!canonical) this.#canonical = false;
    return asMap(value, name);
  }
}
