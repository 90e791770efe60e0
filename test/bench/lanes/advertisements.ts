/**
 * What hints from the air cost: 10,000 advertisements a second, half of them of addresses that never come again, with 20
 * bonded phones among the others. The scanner's process runs a stand-in for the package that hears; ours is what reads its
 * reports, matches them and tells hints, in the process of the daemon. And what a million addresses leave behind.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { AddressResolver } from '../../../drivers/bluetooth/resolvable-address.ts';
import { BluetoothWithAdvertisements } from '../../../drivers/bluetooth/with-advertisements.ts';
import type { AdvertisementEvent, AdvertisementHal } from '../../../drivers/hal/advertisement.ts';
import { NobleScanner } from '../../../drivers/linux/bluetooth/scanner.ts';
import { fakeNoble } from '../../support/bluetooth/fake-noble.ts';
import { privateAddress } from '../../support/bluetooth/reports.ts';
import { bondedPhone, ScriptedHost } from '../../support/bluetooth/scripted.ts';
import { boundedLane, type Lane } from '../lane.ts';
import { quantilesOf } from '../quantiles.ts';

const PHONES = 20;
const A_SECOND = 10_000;
const WINDOWS = 12;
const WINDOW = milliseconds(2000);
const MOST_PERCENT = 5;
const MOST_MB = 1;
/** Of one clock tick of proc_pid_stat(5), milliseconds. */
const TICK = 10;

const bonds = [...Array(PHONES).keys()].map((n) => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => n * 11 + i + 1);
  return { phone: bondedPhone(`aa:bb:cc:dd:ee:${n.toString(16).padStart(2, '0')}`, key), key };
});

/** Half of what it hears is new; of the rest, every fifth is a phone. */
const FLOOD = `
const phones = ${JSON.stringify(bonds.map(({ key }, n) => privateAddress(key, [0x60, n, 1])))};
const usual = Array.from({ length: 400 }, (_, n) => '5a:00:00:00:' + (256 + n).toString(16).padStart(4, '0').replace(/(..)(..)/, '$1:$2'));
const two = (byte) => (byte & 255).toString(16).padStart(2, '0');
let heard = 0;
let begun = 0;
noble.on('newListener', (name) => {
  if (name === 'discover') setTimeout(() => { noble.power('poweredOn'); begun = performance.now(); }, 20);
});
setInterval(() => {
  if (!noble.scanning || begun === 0) return;
  const due = Math.min(heard + 2000, Math.floor((performance.now() - begun) * ${A_SECOND / 1000}));
  for (; heard < due; heard++) {
    if (heard % 2 === 0) noble.hear('4' + (heard % 16).toString(16) + ':' + [heard * 7, heard >> 16, heard >> 8, heard, heard * 3].map(two).join(':'), -70);
    else if (heard % 10 === 1) noble.hear(phones[(heard / 10 | 0) % phones.length], -60);
    else noble.hear(usual[heard % usual.length], -80);
  }
}, 10);
`;

/** Counts what it hands on. */
class Counted implements AdvertisementHal {
  readonly name = 'counted';
  readonly simulated = false;
  readonly #inner: AdvertisementHal;
  reports = 0;
  failure: string | null = null;

  constructor(inner: AdvertisementHal) {
    this.#inner = inner;
  }

  async *watch(options: { readonly signal: AbortSignal }): AsyncGenerator<AdvertisementEvent, void, undefined> {
    for await (const event of this.#inner.watch(options)) {
      if (event.type === 'reports') this.reports += event.reports.length / 8;
      else if (event.type === 'unavailable') this.failure = `${event.reason}: ${event.detail}`;
      yield event;
    }
  }
}

/** Milliseconds of processor time: of a living process, and of the children of this one that have ended. */
function childTime(pid: number | null): number {
  const fields = (of: number | 'self') =>
    readFileSync(`/proc/${of}/stat`, 'ascii').split(') ').at(-1)?.split(' ') ?? [];
  const own = fields('self');
  const ended = Number(own[13]) + Number(own[14]);
  if (pid === null) return ended * TICK;
  const child = fields(pid);
  return (ended + Number(child[11]) + Number(child[12])) * TICK;
}

async function costLane(): Promise<Lane> {
  using fake = fakeNoble(FLOOD);
  const host = new ScriptedHost();
  host.bonds = bonds.map(({ phone }) => phone);
  const scanner = new NobleScanner({ clock: systemClock, packages: fake.from });
  const counted = new Counted(scanner);
  const over = new AbortController();
  let hints = 0;
  const listening = (async () => {
    const events = new BluetoothWithAdvertisements(host, counted).watch({ signal: over.signal });
    for await (const event of events) if (event.type === 'hint') hints++;
  })();
  const [ours, theirs, rates]: [number[], number[], number[]] = [[], [], []];
  try {
    while (counted.reports === 0) {
      await systemClock.sleep(milliseconds(50), {});
      if (counted.failure !== null) throw new Error(`the scanner: ${counted.failure}`);
    }
    for (let n = -2; n < WINDOWS; n++) {
      const [begun, own, child, reports] = [
        systemClock.now(),
        process.cpuUsage(),
        childTime(scanner.pid),
        counted.reports,
      ];
      await systemClock.sleep(WINDOW, {});
      const span = systemClock.now() - begun;
      const { user, system } = process.cpuUsage(own);
      if (n < 0) continue;
      ours.push((user + system) / 10 / span);
      theirs.push(((childTime(scanner.pid) - child) / span) * 100);
      rates.push(((counted.reports - reports) / span) * 1000);
    }
  } finally {
    over.abort();
    await listening;
  }
  const rate = quantilesOf(rates).p50;
  if (rate < 0.95 * A_SECOND) throw new Error(`only ${Math.round(rate)} advertisements a second came through`);
  const seconds = (WINDOWS + 2) * (WINDOW / 1000);
  if (hints < PHONES * seconds * 0.5) throw new Error(`only ${hints} hints were told of ${PHONES} phones`);
  const lane = boundedLane('signals/advertisements', '% core', ours, MOST_PERCENT, { below: true });
  return {
    ...lane,
    apart: [{ name: 'the scanner’s process, with a stand-in for the package', ...quantilesOf(theirs) }],
  };
}

/** MB of all memory that JavaScript holds. Buffers are given back only in a turn after the collection. */
async function held(collect: () => void): Promise<number> {
  collect();
  await systemClock.sleep(milliseconds(50), {});
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return (heapUsed + external + arrayBuffers) / 2 ** 20;
}

async function memoryLane(): Promise<Lane> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const resolver = new AddressResolver(bonds.map(({ phone }) => phone));
  const batch = new Uint8Array(8 * 500);
  let count = 0;
  const rotate = (addresses: number): void => {
    for (const end = count + addresses; count < end; ) {
      for (let i = 0; i < 500; i++, count++) {
        const bytes = [0x40 | (count >> 18), count >> 10, count >> 2, count * 7, count * 13, count * 29, 1, 200];
        batch.set(
          bytes.map((byte) => byte & 255),
          i * 8,
        );
      }
      resolver.resolve(batch);
    }
  };
  rotate(100_000);
  const before = await held(collect);
  const samples: number[] = [];
  for (let n = 0; n < 10; n++) {
    rotate(100_000);
    samples.push(Math.max(0, (await held(collect)) - before));
  }
  return boundedLane('signals/addresses', 'MB', [samples.at(-1) ?? Number.NaN], MOST_MB, { below: true });
}

/** @param only the lanes that are wanted */
export async function advertisementLanes(only: (name: string) => boolean): Promise<readonly Lane[]> {
  const lanes: Lane[] = [];
  if (only('signals/addresses')) lanes.push(await memoryLane());
  if (only('signals/advertisements')) lanes.push(await costLane());
  return lanes;
}
