/** A few commands of TPM 2.0 as bytes, for tests below the protocol. */
import { concat, u16, u32 } from '../../../drivers/base/bytes.ts';

const command = (code: number, parameters: Uint8Array): Uint8Array =>
  concat(u16(0x8001), u32(10 + parameters.length), u32(code), parameters);

/** TPM2_GetRandom, Part 3 §16.1. */
export const getRandomCommand = (count: number): Uint8Array => command(0x17b, u16(count));

/** TPM2_GetCapability(TPM_CAP_COMMANDS), Part 3 §30.2: an answer of several hundred bytes. */
export const getCommandsCommand = (): Uint8Array => command(0x17a, concat(u32(2), u32(0x11f), u32(256)));

/** A command code that no TPM has. */
export const unknownCommand = (): Uint8Array => command(0x3ff, new Uint8Array(0));

/** A response of `responseCode` with `body` behind the header. */
export const response = (responseCode: number, body: Uint8Array): Uint8Array =>
  concat(u16(0x8001), u32(10 + body.length), u32(responseCode), body);

/** What a TPM answers to TPM2_GetRandom. */
export const randomResponse = (bytes: Uint8Array): Uint8Array => response(0, concat(u16(bytes.length), bytes));

export const responseCodeOf = (bytes: Uint8Array): number => Buffer.from(bytes).readUInt32BE(6);

/** The random bytes in a response to TPM2_GetRandom. */
export const randomOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(12, 12 + Buffer.from(bytes).readUInt16BE(10));
