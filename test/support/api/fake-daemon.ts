/**
 * A daemon of its own process around the service in memory: the real API, socket, lock and peer check. Arguments: the
 * folder for socket and lock, and `set-up` options as JSON. It enrols the uid that started it with the PIN 271828.
 * Prints `ready` once it listens.
 */
import { join } from 'node:path';
import { createApi } from '../../../agent/api/create-api.ts';
import { listen } from '../../../agent/api/listen.ts';
import { lockFolder } from '../../../agent/lifecycle/daemon-lock.ts';
import { hardenProcess } from '../../../agent/lifecycle/process-hardening.ts';
import { stopOnSignal } from '../../../agent/lifecycle/signals.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { tryLockExclusive } from '../../../drivers/linux/file-lock.ts';
import { peerCredentials } from '../../../drivers/linux/peer-credentials.ts';
import { forbidCoreFiles, forbidDumping, isDumpable } from '../../../drivers/linux/process-hardening.ts';
import { FakeService } from './fake-service.ts';

const folder = process.argv[2] ?? '.';
const uid = process.getuid?.() ?? 0;
const service = new FakeService();
service.addUser(uid);
service.audited('daemon-started', null);
service.audited('enrolled', uid);
try {
  hardenProcess({ forbidCoreFiles, forbidDumping, isDumpable });
  using _lock = lockFolder(folder, { tryLock: tryLockExclusive, pid: process.pid });
  const api = createApi({ service, peerOf: peerCredentials, clock: systemClock });
  const listening = await listen(api, { socketPath: join(folder, 'unlockd.sock'), uid, clock: systemClock });
  // Before anybody is told: a signal that comes at once must find its listener.
  const stopped = stopOnSignal({
    source: process,
    clock: systemClock,
    deadline: milliseconds(5000),
    stop: () => listening.stop({ graceMs: 500 }),
  });
  process.stdout.write('ready\n');
  await stopped;
} catch (error) {
  process.stdout.write(`${error instanceof UnlockdError ? error.code : String(error)}\n`);
  process.exitCode = 1;
}
