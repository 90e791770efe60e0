/**
 * The hmac-secret extension (CTAP 2.1 §12.5): one or two salts in, as many HMAC-SHA-256 values out, encrypted for the
 * platform. Which of the two secrets of a credential is used depends on whether the user was verified.
 */
import { createHmac } from 'node:crypto';
import { concat } from '../../drivers/base/bytes.ts';
import { HMAC_SECRET_INPUT } from '../../drivers/fido2/wire/constants.ts';
import { type Credential, credRandom } from './credential.ts';
import type { Params } from './params.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';

const SALT = 32;

/** The checked input of the extension, ready to be answered for one credential after another. */
export interface HmacSecretRequest {
  answer(credential: Credential, uv: boolean): Uint8Array;
}

/**
 * @throws {CtapRefusal} CTAP2_ERR_MISSING_PARAMETER, CTAP1_ERR_INVALID_PARAMETER (protocol, key or length of the salts),
 *   CTAP2_ERR_PIN_AUTH_INVALID (saltAuth)
 */
export function hmacSecretRequest(context: CommandContext, input: Params): HmacSecretRequest {
  const protocol = context.session.protocol(input.intOr(HMAC_SECRET_INPUT.pinUvAuthProtocol) ?? 1);
  const saltEnc = input.bytes(HMAC_SECRET_INPUT.saltEnc);
  const saltAuth = input.bytes(HMAC_SECRET_INPUT.saltAuth);
  const shared = protocol.decapsulate(input.map(HMAC_SECRET_INPUT.keyAgreement));
  protocol.verify(shared, saltEnc, saltAuth);
  const salts = protocol.decrypt(shared, saltEnc);
  if (salts === undefined || (salts.length !== SALT && salts.length !== 2 * SALT)) {
    throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  }
  return {
    answer: (credential, uv) => {
      const random = credRandom(context.state, credential, uv);
      const output = (at: number) =>
        createHmac('sha256', random)
          .update(salts.subarray(at, at + SALT))
          .digest();
      const plain = salts.length === SALT ? concat(output(0)) : concat(output(0), output(SALT));
      random.fill(0);
      const encrypted = protocol.encrypt(shared, plain);
      plain.fill(0);
      return encrypted;
    },
  };
}
