/**
 * The scanner's process. It gives up every capability but those that raw HCI sockets need, loads the package, scans, and
 * writes what is heard to descriptor 3. It ends when its parent does (the end of its standard input), when it has seen MOST
 * addresses, for each of which the package keeps some memory for ever, or when it has grown too large.
 *
 * usage: node scanner-program.js PACKAGES MOST UID GID    (of the user to become; `- -`: stay who it is)
 */
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { milliseconds } from '../../base/brand.ts';
import { systemClock } from '../../base/clock.ts';
import { assertConfined, CAP_NET_ADMIN, CAP_NET_RAW, restartConfined } from './radio-confinement.ts';
import { endFrame, ReportWriter, type ScannerEnd, type ScannerState, stateFrame } from './scanner-frames.ts';
import { loadNoble, type Noble } from './scanner-noble.ts';

/** Reports wait so long for others: the parent wakes up for many at once. */
const COLLECT = milliseconds(200);
/** What the parent has not read yet; beyond it, reports are lost. Bytes. */
const MOST_UNREAD = 256 * 1024;
const MOST_RESIDENT = 192 * 2 ** 20;
/** For the package to stop the radio. */
const STOPPING = milliseconds(300);

const KEPT = [CAP_NET_ADMIN, CAP_NET_RAW] as const;
const CONFINED = 'confined';

const STATES: Readonly<Record<string, ScannerState>> = {
  poweredOn: 'scanning',
  poweredOff: 'radio-off',
  unauthorized: 'no-permission',
  unsupported: 'no-radio',
};

class Scanner {
  readonly #output = new Socket({ fd: 3, readable: false, writable: true });
  readonly #reports = new ReportWriter();
  readonly #known = new WeakSet<object>();
  readonly #most: number;
  #seen = 0;
  #noble: Noble | null = null;
  #ended = false;
  #flushing = false;

  constructor(most: number) {
    this.#most = most;
    this.#output.on('error', () => process.exit(0));
    process.stdin.on('close', () => this.#stop());
    process.stdin.on('error', () => this.#stop());
    process.stdin.resume();
    process.on('uncaughtException', (error) => this.#end('failed', String(error)));
    process.on('unhandledRejection', (error) => this.#end('failed', String(error)));
  }

  /** @param user whom to become; null: nobody else. Does not come back where it is obeyed. */
  confine(packages: string, user: { readonly uid: number; readonly gid: number } | null): void {
    const argv = [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url), packages, String(this.#most)];
    restartConfined([...argv, CONFINED], user, { keep: KEPT, descriptors: [0, 1, 2, 3] });
  }

  run(packages: string): void {
    assertConfined(KEPT);

    const loaded = loadNoble(packages);
    if ('missing' in loaded) this.#end('no-package', '');
    else this.#follow(loaded.noble);
  }

  #follow(noble: Noble): void {
    this.#noble = noble;
    noble.on('stateChange', (state) => this.#changed(noble, state));
    noble.on('discover', (peripheral) => this.#heard(peripheral));
    this.#changed(noble, noble.state);
  }

  #changed(noble: Noble, state: unknown): void {
    const known = STATES[String(state)] ?? 'waiting';
    this.#output.write(stateFrame(known));
    // With duplicates: a phone that goes on being heard is what is looked for.
    if (known === 'scanning') noble.startScanning([], true);
  }

  #heard(peripheral: unknown): void {
    if (this.#ended || typeof peripheral !== 'object' || peripheral === null) return;
    if (!this.#known.has(peripheral)) {
      this.#known.add(peripheral);
      this.#seen++;
    }
    const { address, addressType, rssi } = peripheral as Record<string, unknown>;
    if (this.#reports.add(address, addressType, rssi)) this.#collect();
    if (this.#seen >= this.#most) this.#end('full', '');
  }

  #collect(): void {
    if (this.#reports.isFull) this.#flush();
    if (this.#reports.isEmpty || this.#flushing) return;
    this.#flushing = true;
    systemClock.timer(COLLECT, () => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#reports.isEmpty) return;
    const bytes = this.#reports.take();
    if (this.#output.writableLength < MOST_UNREAD) this.#output.write(bytes);
    if (process.memoryUsage.rss() > MOST_RESIDENT) this.#end('full', '');
  }

  #end(end: ScannerEnd, text: string): void {
    if (this.#ended) return;
    this.#flush();
    // Flushing may have ended it.
    if (this.#ended) return;
    this.#output.write(endFrame(end, text));
    this.#stop();
  }

  /** The radio goes on scanning unless it is told. */
  #stop(): void {
    if (this.#ended) return;
    this.#ended = true;
    try {
      this.#noble?.stopScanning();
    } catch {
      // It ends all the same.
    }
    this.#output.end();
    systemClock.timer(STOPPING, () => process.exit(0));
  }
}

const [packages = import.meta.url, most = '', uid = '', gid = ''] = process.argv.slice(2);
const scanner = new Scanner(Number(most) || 50_000);
if (uid === CONFINED) scanner.run(packages);
else scanner.confine(packages, /^\d+$/.test(uid) && /^\d+$/.test(gid) ? { uid: Number(uid), gid: Number(gid) } : null);
