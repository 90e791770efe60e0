/**
 * The security key of the FIDO2 lanes, a process of its own: a virtual authenticator behind UDP that answers whoever sent
 * last, and on each line of standard input says how many milliseconds it has worked since the line before. It works from
 * the arrival of a request's last report (and while it takes each of the others) until its whole answer is with the socket.
 */
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { CTAPHID } from '../../../drivers/fido2/wire/ctaphid.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';

const [HEAD, CONTINUATION_HEAD] = [7, 5];

const authenticator = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy });
authenticator.presence.onWait(() => queueMicrotask(() => authenticator.touch()));

let worked = 0;
let since: number | null = null;
/** Bytes of the request that are still to come, and reports of the answer. */
const left = { request: 0, answer: 0 };
const socket = createSocket('udp4');
let peer = { address: '127.0.0.1', port: 0 };

socket.on('message', (report, from) => {
  const arrived = systemClock.now();
  peer = from;
  const begins = ((report[4] ?? 0) & 0x80) !== 0;
  const length = begins ? report.readUInt16BE(5) : left.request;
  left.request = length - (report.length - (begins ? HEAD : CONTINUATION_HEAD));
  if (left.request <= 0) since = arrived;
  authenticator.receive(report);
  if (since === null) worked += systemClock.now() - arrived;
});
authenticator.misbehave({
  name: 'a stopwatch',
  outgoing: (reports) => {
    if (reports[0]?.[4] !== (0x80 | CTAPHID.KEEPALIVE)) left.answer = reports.length;
    return reports;
  },
});
authenticator.listen({
  report: (report) => {
    socket.send(report, peer.port, peer.address);
    if (left.answer === 0 || --left.answer > 0 || since === null) return;
    worked += systemClock.now() - since;
    since = null;
  },
  gone: () => undefined,
});

socket.bind(0, '127.0.0.1', () => process.stdout.write(`${socket.address().port}\n`));
const lines = createInterface({ input: process.stdin });
lines.on('line', () => {
  process.stdout.write(`${worked}\n`);
  worked = 0;
});
lines.on('close', () => socket.close());
