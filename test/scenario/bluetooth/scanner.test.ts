/**
 * The scanner of advertisements in its own process, with a stand-in for the package that misbehaves in every way that the
 * real one can. Nothing of it may reach the daemon but hints.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import type { AdvertisementEvent } from '../../../drivers/hal/advertisement.ts';
import { CAP_NET_ADMIN, CAP_NET_RAW, excessOf } from '../../../drivers/linux/bluetooth/radio-confinement.ts';
import { NobleScanner, type NobleScannerOptions } from '../../../drivers/linux/bluetooth/scanner.ts';
import { fakeNoble, scannerProgram } from '../../support/bluetooth/fake-noble.ts';

const program = scannerProgram();
const HEARS = `
noble.on('newListener', (name) => {
  if (name === 'discover') setTimeout(() => {
    noble.power('poweredOn');
    setInterval(() => { if (noble.scanning) noble.hear('40:11:22:33:44:55', -60); }, 5);
  });
});
`;

interface Watched {
  readonly scanner: NobleScanner;
  /** What it told, until `enough` says so. */
  readonly events: readonly AdvertisementEvent[];
}

async function watched(
  behaviour: string | null,
  enough: (events: readonly AdvertisementEvent[], scanner: NobleScanner) => boolean,
  more: Partial<NobleScannerOptions> = {},
): Promise<Watched> {
  using fake = fakeNoble(behaviour);
  const scanner = new NobleScanner({ clock: systemClock, packages: fake.from, program, ...more });
  const over = new AbortController();
  const late = AbortSignal.timeout(40_000);
  const events: AdvertisementEvent[] = [];
  for await (const event of scanner.watch({ signal: AbortSignal.any([over.signal, late]) })) {
    events.push(event);
    if (enough(events, scanner)) over.abort();
  }
  if (late.aborted) throw new Error(`too little was told: ${JSON.stringify(events.slice(0, 20))}`);
  return { scanner, events };
}

const kinds = (events: readonly AdvertisementEvent[]): readonly string[] =>
  events.map((event) => (event.type === 'unavailable' ? event.reason : event.type));
const alive = (pid: number | null): boolean => pid !== null && existsSync(`/proc/${pid}`);

describe.concurrent('the scanner', () => {
  it('hears, and its process is gone when nobody listens any more', async () => {
    let pid: number | null = null;
    const { events, scanner } = await watched(HEARS, (seen, { pid: current }) => {
      pid = current;
      return seen.some(({ type }) => type === 'reports');
    });
    expect(kinds(events)).toEqual(['available', 'reports']);
    const [, heard] = events;
    if (heard?.type !== 'reports') throw new Error('nothing was heard');
    expect([...heard.reports.subarray(0, 8)]).toEqual([0x40, 0x11, 0x22, 0x33, 0x44, 0x55, 1, 196]);
    expect([scanner.pid, pid === null, alive(pid)]).toEqual([null, false, false]);
  });

  it('has two capabilities in every thread and no way to others, and is nobody', async () => {
    const statuses: string[] = [];
    await watched(HEARS, (seen, { pid }) => {
      if (!seen.some(({ type }) => type === 'reports')) return false;
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        statuses.push(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'));
      }
      return true;
    });
    expect(statuses.length).toBeGreaterThan(1);
    const root = process.getuid?.() === 0;
    for (const status of statuses) {
      expect(excessOf(status, [CAP_NET_ADMIN, CAP_NET_RAW])).toBeNull();
      if (root) expect(status).toMatch(/^Uid:\s+65534\s+65534\s/m);
      if (root) expect(status).toMatch(/^CapEff:\s+0000000000003000$/m);
    }
  });

  it('without the package is unavailable, once, and starts no process again', async () => {
    using fake = fakeNoble(null);
    const scanner = new NobleScanner({ clock: systemClock, packages: fake.from, program });
    const over = new AbortController();
    const events: AdvertisementEvent[] = [];
    for await (const event of scanner.watch({ signal: over.signal })) {
      events.push(event);
      setTimeout(() => over.abort(), 1500);
    }
    expect(events).toMatchObject([{ type: 'unavailable', reason: 'no-package' }]);
    expect(scanner.pid).toBeNull();
  });

  it.each([
    [
      'throws while it is loaded',
      `throw Object.assign(new Error('EAFNOSUPPORT'), { code: 'EAFNOSUPPORT' });`,
      'EAFNOSUPPORT',
    ],
    ['is another package', 'module.exports = { hello: 1 };', 'none of the functions'],
    ['throws later', `setTimeout(() => { throw new Error('later'); }, 50);`, 'later'],
    ['rejects later', `setTimeout(() => { Promise.reject(new Error('rejected')); }, 50);`, 'rejected'],
    ['throws what is no error', 'setTimeout(() => { throw null; }, 50);', 'null'],
    ['ends the process', 'setTimeout(() => process.exit(7), 50);', 'status 7'],
    ['kills itself', `setTimeout(() => process.kill(process.pid, 'SIGSEGV'), 50);`, 'SIGSEGV'],
    [
      'writes what it likes to the parent',
      `setTimeout(() => require('node:fs').writeSync(3, 'hello, world'), 50); setInterval(() => {}, 1000);`,
      'frame of type',
    ],
  ])('with a package that %s: only its own process fails, and it is tried again', async (_, behaviour, words) => {
    const seen: (number | null)[] = [];
    const { events } = await watched(behaviour, (all, { pid }) => {
      seen.push(pid);
      return all.length >= 1;
    });
    expect(events).toMatchObject([{ type: 'unavailable', reason: 'failed' }]);
    expect(events[0]).toMatchObject({ detail: expect.stringContaining(words) });
    for (const pid of seen) expect(alive(pid)).toBe(false);
  });

  it('comes back after a crash, and says so', async () => {
    const crashes = `${HEARS} setTimeout(() => process.kill(process.pid, 'SIGKILL'), 600);`;
    const { events } = await watched(crashes, (all) => kinds(all).filter((kind) => kind === 'available').length === 2);
    expect(kinds(events).filter((kind) => kind !== 'reports')).toEqual(['available', 'failed', 'available']);
  });

  it('tells when the radio is switched off, when it may not use it, and when it is on again', async () => {
    const states = `
      setTimeout(() => noble.power('unauthorized'), 20);
      setTimeout(() => noble.power('poweredOff'), 60);
      setTimeout(() => noble.power('resetting'), 90);
      setTimeout(() => noble.power('poweredOn'), 120);
    `;
    const { events } = await watched(states, (all) => kinds(all).includes('available'));
    expect(kinds(events)).toEqual(['no-permission', 'radio-off', 'available']);
  });

  it('is replaced after so many addresses, without a word', async () => {
    const grows = `
      noble.on('newListener', (name) => { if (name === 'discover') setTimeout(() => noble.power('poweredOn'), 20); });
      let n = 0;
      setInterval(() => {
        for (let i = 0; i < 10 && noble.scanning; i++) noble.hear('40:00:00:00:' + [n >> 8, n++ & 255].map((b) => (b & 255).toString(16).padStart(2, '0')).join(':'), -60);
      }, 10);
    `;
    const pids = new Set<number | null>();
    const { events } = await watched(
      grows,
      (_, { pid }) => {
        pids.add(pid);
        return pids.size === 3;
      },
      { mostAddresses: 1200 },
    );
    expect(new Set(kinds(events))).toEqual(new Set(['available', 'reports']));
    expect(kinds(events).filter((kind) => kind === 'available')).toHaveLength(1);
    for (const pid of pids) expect(alive(pid)).toBe(false);
  });

  it('is replaced after its time', async () => {
    const pids = new Set<number | null>();
    await watched(HEARS, (_, { pid }) => pids.add(pid).size === 2, { life: milliseconds(3000) });
    for (const pid of pids) expect(alive(pid)).toBe(false);
  });

  it('that eats memory without hearing anybody new is replaced', async () => {
    const eats = `${HEARS}
      const eaten = [];
      noble.on('discover', () => { eaten.push(Buffer.alloc(1_000_000, 1)); });
    `;
    const pids = new Set<number | null>();
    const { events } = await watched(eats, (_, { pid }) => pids.add(pid).size === 2);
    expect(kinds(events)).toContain('reports');
    for (const pid of pids) expect(alive(pid)).toBe(false);
  });

  it('that hangs is ended all the same', async () => {
    const hangs = `${HEARS} setTimeout(() => { for (;;); }, 400);`;
    let pid: number | null = null;
    await watched(hangs, (all, scanner) => {
      pid = scanner.pid;
      return kinds(all).includes('reports');
    });
    expect(alive(pid)).toBe(false);
  });

  it('that floods its parent costs it no more memory than the bound: the oldest reports are lost', async () => {
    // The address counts.
    const floods = `
      noble.on('newListener', (name) => { if (name === 'discover') setTimeout(() => noble.power('poweredOn'), 20); });
      let n = 0;
      setInterval(() => {
        for (let i = 0; i < 200 && noble.scanning; i++, n++) {
          noble.hear('40:00:00:' + [n >> 16, n >> 8, n].map((b) => (b & 255).toString(16).padStart(2, '0')).join(':'), -60);
        }
      }, 5);
    `;
    using fake = fakeNoble(floods);
    const scanner = new NobleScanner({ clock: systemClock, packages: fake.from, program, mostAddresses: 1e9 });
    const over = new AbortController();
    const counts: number[] = [];
    let waited = 0;
    for await (const event of scanner.watch({ signal: over.signal })) {
      if (event.type === 'available') continue;
      if (event.type !== 'reports') throw new Error(JSON.stringify(event));
      const { reports } = event;
      for (let at = 0; at < reports.length; at += 8) {
        counts.push(((reports[at + 3] ?? 0) << 16) | ((reports[at + 4] ?? 0) << 8) | (reports[at + 5] ?? 0));
      }
      if (waited === 0) {
        await systemClock.sleep(milliseconds(1500), {});
        waited = counts.length;
      } else if (counts.length > waited + 8192) over.abort();
    }
    const gaps = counts.flatMap((count, n) => (n > 0 && count !== (counts[n - 1] ?? 0) + 1 ? [n] : []));
    // One gap, where the reader was slow; behind it what still waited, all in order.
    expect(gaps[0]).toBe(waited);
    expect((counts[waited] ?? 0) - (counts[waited - 1] ?? 0)).toBeGreaterThan(1000);
    expect(counts.toSorted((x, y) => x - y)).toEqual(counts);
  });

  it('ends when its parent is killed', async () => {
    using fake = fakeNoble(HEARS);
    const parent = `
      import { NobleScanner } from ${JSON.stringify(program.replace('scanner-program', 'scanner'))};
      import { systemClock } from ${JSON.stringify(program.replace('linux/bluetooth/scanner-program', 'base/clock'))};
      const scanner = new NobleScanner({ clock: systemClock, packages: ${JSON.stringify(fake.from)} });
      for await (const event of scanner.watch({ signal: new AbortController().signal })) {
        if (event.type === 'reports') process.stdout.write(scanner.pid + '\\n');
      }
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', parent], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const pid = await new Promise<number>((resolve) =>
      child.stdout.once('data', (text) => resolve(Number.parseInt(text, 10))),
    );
    expect(alive(pid)).toBe(true);
    child.kill('SIGKILL');
    await ended;
    for (let n = 0; n < 200 && alive(pid); n++) await systemClock.sleep(milliseconds(50), {});
    expect(alive(pid)).toBe(false);
  });
});
