/**
 * How a command of the virtual authenticator ends badly: with a CTAP status byte (CTAP 2.1 §8.2). It never leaves this
 * room as an exception; the dispatcher turns it into the one-byte answer that a real authenticator would give.
 */
import { CTAP_STATUS, type CtapStatusName } from '../../drivers/fido2/wire/status-codes.ts';

export class CtapRefusal extends Error {
  readonly status: number;

  constructor(name: CtapStatusName) {
    super(name);
    this.name = 'CtapRefusal';
    this.status = CTAP_STATUS[name];
  }
}

export const refusal = (name: CtapStatusName): CtapRefusal => new CtapRefusal(name);
