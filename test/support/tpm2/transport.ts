/** Transports for tests: one that stands between this program and a TPM, and one that answers by a script. */
import { concat, u16, u32 } from '../../../drivers/base/bytes.ts';
import type { TpmTransport } from '../../../drivers/hal/tpm.ts';

type Submit = TpmTransport['submit'];

/** Everything passes through `between`, which gets the real `submit`. */
export const interposed = (
  inner: TpmTransport,
  between: (command: Uint8Array, submit: (command: Uint8Array) => Promise<Uint8Array>) => Promise<Uint8Array>,
): TpmTransport => ({
  description: inner.description,
  managesHandles: inner.managesHandles,
  submit: (command, options) => between(command, (bytes) => inner.submit(bytes, options)),
  close: () => inner.close(),
  [Symbol.asyncDispose]: () => inner.close(),
});

/** No TPM at all: `submit` answers. */
export const scripted = (submit: Submit, managesHandles = false): TpmTransport => ({
  description: 'a script',
  managesHandles,
  submit,
  close: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
});

export const commandCode = (command: Uint8Array): number => Buffer.from(command).readUInt32BE(6);

/** A response without sessions: tag, size, response code, body. */
export const response = (rc: number, ...body: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const content = concat(...body);
  return concat(u16(0x8001), u32(10 + content.length), u32(rc), content);
};
