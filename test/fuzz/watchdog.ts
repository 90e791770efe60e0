/**
 * A thread beside the one that reads: when the count of finished cases stands still, a reader hangs, which no timer of
 * its own thread could notice. It says where, and ends the process.
 */
import { writeSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';

/** Milliseconds that one case may take; the slowest honest one takes a few. */
const PATIENCE = 20_000;

if (!isMainThread) {
  const { shared, names } = workerData as { shared: SharedArrayBuffer; names: readonly string[] };
  const counters = new Int32Array(shared);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  for (let before = -1; ; ) {
    Atomics.wait(stop, 0, 0, PATIENCE);
    const done = Atomics.load(counters, 0);
    const target = names[Atomics.load(counters, 1)] ?? '';
    if (done === before) {
      writeSync(1, `HANG in ${target}, case ${done}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
    before = done;
  }
}
