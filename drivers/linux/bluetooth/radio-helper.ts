/**
 * The radio process: a program of its own that makes the proving links. It is started by the daemon, keeps
 * CAP_NET_ADMIN and nothing else, reads probes from its standard input and writes their outcomes to its standard
 * output, and ends with its parent. It knows no other file, no bus and no key.
 *
 * usage: node radio-helper.js UID GID    (of the user to become; `- -`: stay who it is)
 */
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../base/clock.ts';
import { isUnlockdError } from '../../base/errors.ts';
import type { Probe } from '../../hal/bluetooth.ts';
import { assertConfined, restartConfined } from './radio-confinement.ts';
import { EXIT, FrameReader, frame, MOST_PROBES, type ProbeRequest, toRadio } from './radio-messages.ts';
import { probeLink } from './radio-probe.ts';
import { kernelSockets } from './radio-sockets.ts';

const CONFINED = 'confined';

function serve(): void {
  const reader = new FrameReader();
  const running = new Map<number, AbortController>();
  const answer = (message: Parameters<typeof frame>[0]) => process.stdout.write(frame(message));

  const run = async (id: number, probe: ProbeRequest): Promise<void> => {
    const cancel = new AbortController();
    running.set(id, cancel);
    let outcome: Probe['outcome'] = { proved: false, reason: 'failed', detail: 'cancelled' };
    try {
      outcome = await probeLink(probe, { sockets: kernelSockets, clock: systemClock, signal: cancel.signal });
    } catch {
      // Only a cancelled one comes here.
    }
    running.delete(id);
    answer({ type: 'outcome', id, outcome });
  };

  process.stdin.on('data', (bytes: Buffer) => {
    const values = reader.push(bytes);
    if (values === null) process.exit(EXIT.outOfTurn);
    for (const value of values) {
      const message = toRadio(value);
      if (message === null) process.exit(EXIT.outOfTurn);
      if (message.type === 'cancel') running.get(message.id)?.abort();
      else if (running.size >= MOST_PROBES || running.has(message.id)) process.exit(EXIT.outOfTurn);
      else void run(message.id, message.probe);
    }
  });
  // The parent is gone, or wants no more.
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
  process.stdout.on('error', () => process.exit(0));
  answer({ type: 'confined' });
}

function main(argv: readonly string[]): void {
  const [uid = '', gid = ''] = argv;
  try {
    if (uid === CONFINED) {
      assertConfined();
      serve();
      return;
    }
    const user = /^\d+$/.test(uid) && /^\d+$/.test(gid) ? { uid: Number(uid), gid: Number(gid) } : null;
    restartConfined([process.execPath, ...process.execArgv, fileURLToPath(import.meta.url), CONFINED], user);
  } catch (error) {
    const noModule = isUnlockdError(error) && error.code === 'ERR_HAL_MODULE_MISSING';
    process.exit(noModule ? EXIT.noModule : EXIT.notConfined);
  }
}

main(process.argv.slice(2));
