/** What behaviours ask of reports (CTAP 2.1 §11.2.4). */
import { CTAPHID } from '../../drivers/fido2/wire/ctaphid.ts';

const INITIALIZATION = 0x80;

/** Whether the report begins a message with `command`. */
export const begins = (report: Uint8Array, command: number): boolean => report[4] === (INITIALIZATION | command);

/** Reports that carry an answer to the host's own question, not keep-alives. */
export const isAnswer = (reports: readonly Uint8Array[]): boolean => {
  const first = reports[0];
  return first !== undefined && begins(first, CTAPHID.CBOR);
};
