/**
 * Ready-made misbehaviours of the wire: reports, channels, keep-alives and time (CTAP 2.1 §11.2). Each is one line in a
 * test: `authenticator.misbehave(busy(2))`. Those of the answers' contents are in `lies.ts`.
 */
import { type Milliseconds, milliseconds } from '../../drivers/base/brand.ts';
import { concat } from '../../drivers/base/bytes.ts';
import { CTAPHID, CTAPHID_ERR, cidOf, fragment, KEEPALIVE } from '../../drivers/fido2/wire/ctaphid.ts';
import type { Behaviour } from './behaviour.ts';
import { begins, isAnswer } from './reports.ts';

/** Answers the first `times` requests with CHANNEL_BUSY, as when another program uses the key. */
export function busy(times: number): Behaviour {
  let left = times;
  return {
    name: `busy ${times} times`,
    incoming: (report, host) => {
      if (left === 0 || !begins(report, CTAPHID.CBOR)) return true;
      left--;
      host.send(fragment(cidOf(report) ?? 0, CTAPHID.ERROR, Uint8Array.of(CTAPHID_ERR.CHANNEL_BUSY), host.reportSize));
      return false;
    },
  };
}

/** Sends `count` keep-alives in front of every answer. */
export const keepaliveStorm = (count: number, status: number = KEEPALIVE.PROCESSING): Behaviour => ({
  name: `${count} keep-alives in front of an answer`,
  outgoing: (reports, host) => {
    const cid = reports[0] && cidOf(reports[0]);
    if (!isAnswer(reports) || typeof cid !== 'number') return reports;
    const keepalives = fragment(cid, CTAPHID.KEEPALIVE, Uint8Array.of(status), host.reportSize);
    return [...Array.from({ length: count }, () => keepalives).flat(), ...reports];
  },
});

/** Never answers a request, but says every `every` that it is still at it. Ends when the channel is taken anew. */
export function endlessKeepalive(every: Milliseconds = milliseconds(100)): Behaviour {
  let stop: () => void = () => undefined;
  return {
    name: 'keep-alives without end',
    incoming: (report, host) => {
      const cid = cidOf(report) ?? 0;
      if (begins(report, CTAPHID.INIT) || begins(report, CTAPHID.CANCEL)) stop();
      if (!begins(report, CTAPHID.CBOR)) return true;
      const again = () => {
        host.send(fragment(cid, CTAPHID.KEEPALIVE, Uint8Array.of(KEEPALIVE.PROCESSING), host.reportSize));
        stop = host.clock.timer(every, again);
      };
      stop();
      stop = host.clock.timer(every, again);
      return false;
    },
  };
}

/** Takes requests and says nothing. */
export const silent = (): Behaviour => ({ name: 'silence', outgoing: () => [] });

/** Puts a whole message of another channel in front of every answer: every handle of a device sees every report. */
export const foreignTraffic = (cid = 0x0badcafe): Behaviour => ({
  name: 'messages of another channel in between',
  outgoing: (reports, host) => [
    ...fragment(cid, CTAPHID.PING, new Uint8Array(100).fill(0x5a), host.reportSize),
    ...reports,
  ],
});

/** Answers on a channel that is not the one that asked. */
export const wrongChannel = (): Behaviour => ({
  name: 'answers on another channel',
  outgoing: (reports) =>
    !isAnswer(reports)
      ? reports
      : reports.map((report) => {
          const changed = new Uint8Array(report);
          changed[3] = (changed[3] ?? 0) ^ 0xff;
          return changed;
        }),
});

/** Cuts every report of an answer to `length` bytes. */
export const shortReports = (length: number): Behaviour => ({
  name: `reports of ${length} bytes`,
  outgoing: (reports) => (isAnswer(reports) ? reports.map((report) => report.slice(0, length)) : reports),
});

/** Hands all reports of an answer over at once, as a pseudo terminal does. A host has to split them. */
export const mergedReports = (): Behaviour => ({
  name: 'merged reports',
  outgoing: (reports) => (reports.length > 1 ? [concat(...reports)] : reports),
});

/** Swaps the second and third report of an answer that has them: some devices reorder. */
export const reorderedReports = (): Behaviour => ({
  name: 'reordered continuation packets',
  outgoing: (reports) => {
    const [first, second, third, ...rest] = reports;
    return first && second && third ? [first, third, second, ...rest] : reports;
  },
});

/** Loses the last report of every answer of more than one. */
export const truncatedAnswers = (): Behaviour => ({
  name: 'answers without their end',
  outgoing: (reports) => (reports.length > 1 ? reports.slice(0, -1) : reports),
});

/** Is pulled out in front of the report number `frame` (from 1) that it would send, counted from now. */
export function unplugAtFrame(frame: number): Behaviour {
  let sent = 0;
  return {
    name: `unplugged at frame ${frame}`,
    outgoing: (reports, host) => {
      const room = Math.max(0, frame - 1 - sent);
      sent += reports.length;
      if (reports.length <= room) return reports;
      host.send(reports.slice(0, room));
      host.unplug();
      return [];
    },
  };
}

/** Is pulled out when the host has sent `frame` reports (from 1), counted from now; the last one is lost. */
export function unplugAtHostFrame(frame: number): Behaviour {
  let seen = 0;
  return {
    name: `unplugged at frame ${frame} of the host`,
    incoming: (_report, host) => {
      seen++;
      if (seen !== frame) return true;
      host.unplug();
      return false;
    },
  };
}
