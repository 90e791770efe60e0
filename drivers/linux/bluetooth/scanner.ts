/**
 * `AdvertisementHal` over the package `@abandonware/noble` in a process of its own. The package is no dependency: where it
 * is not installed there are no hints from the air, and that is a value. It keeps every address that it ever heard, so the
 * process is replaced after a time, and after a number of addresses.
 */
import { type Milliseconds, milliseconds, seconds } from '../../base/brand.ts';
import type { Clock } from '../../base/clock.ts';
import type { AdvertisementEvent, AdvertisementHal } from '../../hal/advertisement.ts';
import type { ScannerState } from './scanner-frames.ts';
import { SCANNER_PROGRAM, type ScannerNews, ScannerProcess } from './scanner-process.ts';

type Outage = Extract<AdvertisementEvent, { type: 'unavailable' }>;

/** A new address costs the package some 1.4 kB: about 70 MB. */
const MOST_ADDRESSES = 50_000;
const LIFE = seconds(30 * 60);
/** nobody:nogroup of every Linux: owns nothing. */
const NOBODY = { uid: 65_534, gid: 65_534 } as const;
const FIRST_PAUSE = seconds(1);
const LONGEST_PAUSE = seconds(300);
/** What ran for so long is started again without delay. */
const RAN_WELL = seconds(60);

const OUTAGES: Readonly<Partial<Record<ScannerState, Pick<Outage, 'reason' | 'detail'>>>> = {
  'radio-off': { reason: 'radio-off', detail: null },
  'no-permission': { reason: 'no-permission', detail: null },
  'no-radio': { reason: 'failed', detail: 'there is no radio that it can use' },
};

export interface NobleScannerOptions {
  readonly clock: Clock;
  /** A file beside whose `node_modules` the package is looked for; left out: this one. */
  readonly packages?: string;
  /** The compiled scanner-program; left out: beside this file. */
  readonly program?: string;
  readonly mostAddresses?: number;
  readonly life?: Milliseconds;
  /** Whom the process becomes; null: it stays who the daemon is. Left out: `nobody` where the daemon is root. */
  readonly user?: { readonly uid: number; readonly gid: number } | null;
}

export class NobleScanner implements AdvertisementHal {
  readonly name = 'noble';
  readonly simulated = false;
  readonly #options: NobleScannerOptions;
  #process: ScannerProcess | null = null;

  constructor(options: NobleScannerOptions) {
    this.#options = options;
  }

  /** Of the process that scans at this moment; null: none does. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<AdvertisementEvent, void, undefined> {
    const { clock } = this.#options;
    let told = '';
    let pause = FIRST_PAUSE;
    while (!signal.aborted) {
      const began = clock.now();
      let next: 'again' | 'pause' | 'never' = 'pause';
      for await (const event of this.#once(signal)) {
        if (event === 'again' || event === 'never') next = event;
        else if (event.type === 'reports') yield event;
        else {
          const now = event.type === 'available' ? event.type : `${event.reason} ${event.detail}`;
          if (now !== told) yield event;
          told = now;
        }
      }
      if (signal.aborted) return;
      if (next === 'never') await aborted(signal);
      const ran = clock.now() - began;
      if (ran >= RAN_WELL) pause = FIRST_PAUSE;
      // One that is full within a moment is not what it says.
      if (next === 'again' && ran >= FIRST_PAUSE) continue;
      await clock.sleep(pause, { signal }).catch(() => undefined);
      pause = milliseconds(Math.min(LONGEST_PAUSE, pause * 2));
    }
  }

  /** One process, until it ends; at the end whether another one is to be started without delay, or none at all. */
  async *#once(signal: AbortSignal): AsyncGenerator<AdvertisementEvent | 'again' | 'never', void, undefined> {
    const { clock, packages, program, mostAddresses, life, user } = this.#options;
    await using child = new ScannerProcess({
      clock,
      packages: packages ?? import.meta.url,
      program: program ?? SCANNER_PROGRAM,
      mostAddresses: mostAddresses ?? MOST_ADDRESSES,
      life: life ?? LIFE,
      user: user === undefined ? (process.getuid?.() === 0 ? NOBODY : null) : user,
    });
    this.#process = child;
    let scanning = false;
    try {
      for (;;) {
        const news = await child.next({ signal }).catch(() => null);
        if (news === null) return;
        const at = clock.now();
        if (news.type === 'reports') {
          if (scanning) yield { type: 'reports', at, reports: news.reports };
          continue;
        }
        if (news.type === 'state') {
          scanning = news.state === 'scanning';
          const outage = OUTAGES[news.state];
          if (scanning) yield { type: 'available', at };
          else if (outage !== undefined) yield { type: 'unavailable', at, ...outage };
          continue;
        }
        if (news.type === 'old' || (news.type === 'end' && news.end === 'full')) {
          yield 'again';
          return;
        }
        yield { type: 'unavailable', at, ...endOf(news) };
        if (news.type === 'end' && news.end === 'no-package') yield 'never';
        return;
      }
    } finally {
      this.#process = null;
    }
  }
}

function endOf(news: Extract<ScannerNews, { type: 'end' | 'gone' }>): Pick<Outage, 'reason' | 'detail'> {
  if (news.type === 'gone') return { reason: 'failed', detail: news.detail };
  if (news.end === 'no-package')
    return { reason: 'no-package', detail: 'the package @abandonware/noble is not installed' };
  return { reason: 'failed', detail: news.text === '' ? null : news.text };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
