/** The TPM 2.0 protocol room: what other rooms may use of it. */
export * from './authorization.ts';
export * from './commands/management.ts';
export * from './commands/nv.ts';
export * from './commands/object.ts';
export * from './commands/policy.ts';
export * from './commands/session.ts';
export * from './commands/signing.ts';
export { LoadedObject } from './loaded-object.ts';
export * from './policy-digest.ts';
export { isTpmResponse, TpmResponseError } from './response-error.ts';
export { Session } from './session.ts';
export * from './templates.ts';
export { Tpm, type TpmOptions } from './tpm.ts';
export * from './wire/constants.ts';
export { sha256 } from './wire/hash.ts';
export { decodeNvPublic, encodeNvPublic, type NvPublic, nvNameOf } from './wire/nv-public.ts';
export type { PcrSelection } from './wire/pcr.ts';
export * from './wire/public-area.ts';
export * from './wire/response-codes.ts';
export {
  encodeSignature,
  encodeTicket,
  nullTicket,
  readSignature,
  type Signature,
  type Ticket,
} from './wire/signature.ts';
