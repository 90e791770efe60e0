/**
 * The scanner's process: `node scanner-program.js PACKAGES MOST`. It loads the package, scans, and writes what is heard to
 * descriptor 3. It ends when its parent does (the end of its standard input), when it has seen MOST addresses, for each of
 * which the package keeps some memory for ever, or when it has grown too large.
 */
import { Socket } from 'node:net';
import { milliseconds } from '../../base/brand.ts';
import { systemClock } from '../../base/clock.ts';
import { endFrame, ReportWriter, type ScannerEnd, type ScannerState, stateFrame } from './scanner-frames.ts';
import { loadNoble, type Noble } from './scanner-noble.ts';

/** Reports wait so long for others: the parent wakes up for many at once. */
const COLLECT = milliseconds(200);
/** What the parent has not read yet; beyond it, reports are lost. Bytes. */
const MOST_UNREAD = 256 * 1024;
const MOST_RESIDENT = 192 * 2 ** 20;
/** For the package to stop the radio. */
const STOPPING = milliseconds(300);

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

  run(packages: string): void {
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

const [packages = import.meta.url, most = ''] = process.argv.slice(2);
new Scanner(Number(most) || 50_000).run(packages);
