/** A channel over a strict transcript: the packets of requests and answers, and the frame that checks them all. */
import { expect } from 'vitest';
import { concat, u32 } from '../../../drivers/base/bytes.ts';
import type { Entropy } from '../../../drivers/base/entropy.ts';
import { CtapHidChannel, type TransactOptions } from '../../../drivers/fido2/channel.ts';
import { BROADCAST_CID, CTAPHID, fragment } from '../../../drivers/fido2/wire/ctaphid.ts';
import { ManualClock } from './manual-clock.ts';
import { reads, type Step, TranscriptConnection, writes } from './transcript-hid.ts';

export const CID = 0x11223344;
export const FOREIGN = 0x55667788;
/** Every draw is the same byte, so that nonces and pauses are known. */
export const entropy: Entropy = { bytes: (count) => new Uint8Array(count).fill(0xa5) };
export const NONCE = entropy.bytes(8);
export const initAnswer = (nonce: Uint8Array, cid: number, capabilities = 0x04) =>
  concat(nonce, u32(cid), Uint8Array.of(2, 5, 1, 2, capabilities));

export const REQUEST = Uint8Array.of(0x04);
export const ANSWER = Uint8Array.of(0x00, 0xa0);

export const send = (command: number, payload: Uint8Array, cid = CID, size = 64): Step[] =>
  writes(fragment(cid, command, payload, size));
export const answer = (command: number, payload: Uint8Array, cid = CID, size = 64): Step[] =>
  reads(fragment(cid, command, payload, size));
export const error = (byte: number, cid = CID): Step[] => answer(CTAPHID.ERROR, Uint8Array.of(byte), cid);
export const alive = (status: number): Step[] => answer(CTAPHID.KEEPALIVE, Uint8Array.of(status));
export const init = (size = 64): Step[] => [
  ...send(CTAPHID.INIT, NONCE, BROADCAST_CID, size),
  ...answer(CTAPHID.INIT, initAnswer(NONCE, CID), BROADCAST_CID, size),
];
export const resync: Step[] = [...send(CTAPHID.INIT, NONCE), ...answer(CTAPHID.INIT, initAnswer(NONCE, CID))];
export const cancel = send(CTAPHID.CANCEL, new Uint8Array(0));

export interface Scene {
  readonly channel: CtapHidChannel;
  readonly clock: ManualClock;
  readonly connection: TranscriptConnection;
  readonly abort: AbortController;
  ask(options?: Partial<TransactOptions>): Promise<Uint8Array>;
}

/** Opens a channel over the transcript, runs `body`, and holds the transcript against what happened. */
export async function scene(
  steps: (unplug: () => void, abort: AbortController) => readonly Step[],
  body: (scene: Scene) => Promise<void>,
  size = 64,
): Promise<void> {
  const clock = new ManualClock();
  const abort = new AbortController();
  const later: { connection: TranscriptConnection | null } = { connection: null };
  const all = [...init(size), ...steps(() => later.connection?.unplug(), abort)];
  const connection = new TranscriptConnection(clock, all, size);
  later.connection = connection;
  const channel = await CtapHidChannel.open(connection, { clock, entropy, signal: new AbortController().signal });
  const ask = (options: Partial<TransactOptions> = {}) =>
    channel.transact(CTAPHID.CBOR, REQUEST, { signal: abort.signal, ...options });
  await body({ channel, clock, connection, abort, ask });
  await channel.close();
  expect(await connection.problems()).toEqual([]);
  expect(connection.closed).toBe(true);
  expect(clock.pending).toBe(0);
}
