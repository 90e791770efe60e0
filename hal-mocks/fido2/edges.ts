/**
 * What real firmwares do at the edges of CTAPHID (CTAP 2.1 §11.2) where the specification says something else or nothing,
 * as behaviours. The virtual authenticator itself keeps to the text; these make it as lax, and as odd, as keys that exist.
 */
import { BROADCAST_CID, CTAPHID, CTAPHID_ERR, cidOf, fragment } from '../../drivers/fido2/wire/ctaphid.ts';
import { CTAP_STATUS } from '../../drivers/fido2/wire/status-codes.ts';
import type { Behaviour, BehaviourHost } from './behaviour.ts';
import { begins, isAnswer } from './reports.ts';

const errorOn = (report: Uint8Array, error: number, host: BehaviourHost): void =>
  host.send(fragment(cidOf(report) ?? 0, CTAPHID.ERROR, Uint8Array.of(error), host.reportSize));

/** Answers the next `times` requests with a CTAPHID_ERROR, whatever they are. */
export function hidError(error: number, times = 1): Behaviour {
  let left = times;
  return {
    name: `CTAPHID_ERROR ${error} for ${times} requests`,
    incoming: (report, host) => {
      if (left === 0 || !begins(report, CTAPHID.CBOR)) return true;
      left--;
      errorOn(report, error, host);
      return false;
    },
  };
}

/** Forgets `times` requests without a word, as a key does whose message another program's got in the middle of. */
export function lostRequests(times: number): Behaviour {
  let left = times;
  return {
    name: `${times} requests lost`,
    incoming: (report) => {
      if (left === 0 || !begins(report, CTAPHID.CBOR)) return true;
      left--;
      return false;
    },
  };
}

/** Sends an error behind every answer, which belongs to nothing. */
export const strayError = (error: number = CTAPHID_ERR.MSG_TIMEOUT): Behaviour => ({
  name: `a stray CTAPHID_ERROR ${error} behind every answer`,
  outgoing: (reports, host) => {
    const cid = reports[0] && cidOf(reports[0]);
    if (!isAnswer(reports) || typeof cid !== 'number') return reports;
    return [...reports, ...fragment(cid, CTAPHID.ERROR, Uint8Array.of(error), host.reportSize)];
  },
});

/** Takes channel 0 and channels that it never gave out: PING comes back on any. */
export const anyChannel = (): Behaviour => ({
  name: 'answers on channels that were never allocated',
  incoming: (report, host) => {
    const cid = cidOf(report) ?? BROADCAST_CID;
    if (cid === BROADCAST_CID || !begins(report, CTAPHID.PING)) return true;
    host.send([report.slice()]);
    return false;
  },
});

/** Takes CTAPHID_INIT with a nonce that is too short. */
export const shortNonce = (): Behaviour => ({
  name: 'answers CTAPHID_INIT with a short nonce',
  incoming: (report, host) => {
    if (!begins(report, CTAPHID.INIT) || report[6] === 8) return true;
    host.send(fragment(cidOf(report) ?? 0, CTAPHID.INIT, new Uint8Array(17), host.reportSize));
    return false;
  },
});

/** Refuses messages of more than `most` bytes on the wire, though it announces larger ones or none. */
export const smallBuffer = (most: number): Behaviour => ({
  name: `takes messages of ${most} bytes at most`,
  incoming: (report, host) => {
    const isFirst = ((report[4] ?? 0) & 0x80) !== 0;
    if (!isFirst || ((report[5] ?? 0) << 8) + (report[6] ?? 0) <= most) return true;
    errorOn(report, CTAPHID_ERR.INVALID_LEN, host);
    return false;
  },
});

/** Has a status of its own for commands that it does not know, where the specification has INVALID_COMMAND. */
export const unknownCommandStatus = (status: number): Behaviour => ({
  name: `status ${status} for unknown commands`,
  reply: (reply) => (reply.status === CTAP_STATUS.CTAP1_ERR_INVALID_COMMAND ? { ...reply, status } : reply),
});
