/**
 * The last resort: node-wifi in a process of its own, where neither NetworkManager nor wpa_supplicant is on the bus. The
 * package is a stand-in that behaves as the real one was seen to.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Milliseconds, milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { linuxWifi } from '../../../drivers/linux/wifi/linux-wifi.ts';
import { askNodeWifi } from '../../../drivers/linux/wifi/node-wifi.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { wifiDriver } from '../../../drivers/wifi/wifi-driver.ts';
import { fakeNodeWifi, nodeWifiProgram } from '../../support/wifi/fake-node-wifi.ts';
import { anySignal, SeenWifi } from '../../support/wifi/seen-wifi.ts';

const program = nodeWifiProgram();
const CORP = { iface: 'wlan0', ssid: 'Corp', bssid: '00:23:F8:7E:12:BB', quality: 72, security: 'WPA2' };
const NOWHERE = 'unix:path=/nonexistent/unlockd-bus';

async function ask(asked: string | null, within: Milliseconds = seconds(20)) {
  using fake = fakeNodeWifi(asked);
  return await askNodeWifi({ clock: systemClock, within, program, packages: fake.packages }, { signal: anySignal() });
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => value,
    (error: unknown) => error,
  );

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('node-wifi in a process of its own', () => {
  it('is asked, and all of it is weak: of security and root nothing is believed', async () => {
    expect(await ask(`return Promise.resolve([${JSON.stringify(CORP)}]);`)).toEqual([
      {
        interface: 'wlan0',
        ssid: new Uint8Array(Buffer.from('Corp')),
        bssid: '00:23:f8:7e:12:bb',
        security: null,
        quality: 72,
        root: null,
        source: 'node-wifi',
        weak: true,
      },
    ]);
  });

  it('that is not installed is a value', async () => {
    expect(await ask(null)).toBeNull();
  });

  it('may throw out of a callback and rewrite the language: only its process dies', async () => {
    const languages = () => [process.env.LANG, process.env.LC_ALL, process.env.LC_MESSAGES];
    const before = languages();
    const thrown = 'return new Promise(() => setImmediate(() => { const fields = undefined; fields[10].replace(); }));';
    expect(isUnlockdError(await failure(ask(thrown)), 'ERR_HAL_IO')).toBe(true);
    expect(languages()).toEqual(before);
    expect(await ask('return Promise.resolve([]);')).toEqual([]);
  });

  it.each([
    ['throws at once', 'throw new Error("x");'],
    ['rejects', 'return Promise.reject(new Error("x"));'],
    ['ends its process', 'process.exit(0);'],
    ['kills its process', 'process.kill(process.pid, "SIGKILL");'],
    ['never answers', 'return new Promise(() => {});'],
    ['says no JSON', 'fs.writeSync(1, "{"); process.exit(0);'],
    ['says no list', 'return Promise.resolve({ a: 1 });'],
    ['says more than anybody reads', 'return Promise.resolve(Array(100000).fill("xxxxxxxxxx"));'],
  ])('that %s is a typed error', async (_, asked) => {
    const refused = await failure(ask(asked));
    expect(isUnlockdError(refused, 'ERR_HAL_IO', 'ERR_HAL_ANSWER_INVALID')).toBe(true);
  });

  it('that hangs is ended in time', async () => {
    const hangs = 'setInterval(() => {}, 1000); return new Promise(() => {});';
    expect(isUnlockdError(await failure(ask(hangs, seconds(1))), 'ERR_HAL_TIMEOUT')).toBe(true);
  });

  it('is ended when nobody waits any more', async () => {
    const [part, whole] = ['__dirname + "/part"', '__dirname + "/pid"'];
    const writes = `fs.writeFileSync(${part}, String(process.pid)); fs.renameSync(${part}, ${whole});`;
    using fake = fakeNodeWifi(`${writes} setInterval(() => {}, 1000); return new Promise(() => {});`);
    const given = new AbortController();
    const options = { clock: systemClock, within: seconds(30), program, packages: fake.packages };
    const pending = failure(askNodeWifi(options, { signal: given.signal }));
    const file = join(fake.folder, 'node_modules/node-wifi/pid');
    while (!existsSync(file)) await systemClock.sleep(milliseconds(20), {});
    const pid = Number(readFileSync(file, 'utf8'));
    expect(isRunning(pid)).toBe(true);
    given.abort(new Error('given up'));
    expect(await pending).toMatchObject({ message: 'given up' });
    // The test's own time limit ends this where it is not ended.
    while (isRunning(pid)) await systemClock.sleep(milliseconds(20), {});
  });

  it('drops what is no link', async () => {
    const odd = [
      null,
      7,
      'x',
      {},
      { iface: 'w', ssid: 'x'.repeat(33) },
      { iface: 'w', ssid: 'ok', quality: 400, bssid: 'no' },
    ];
    expect(await ask(`return Promise.resolve(${JSON.stringify(odd)});`)).toMatchObject([
      { interface: 'w', quality: null, bssid: null, weak: true },
    ]);
  });
});

describe('a machine without NetworkManager and wpa_supplicant', () => {
  const host = (packages: string) => linuxWifi({ bus: NOWHERE, within: seconds(20), nodeWifi: { program, packages } });

  it('has no driver where node-wifi is not installed', async () => {
    using fake = fakeNodeWifi(null);
    await using hal = host(fake.packages);
    await using seen = new SeenWifi(hal);
    expect(await seen.next('unavailable')).toEqual({ type: 'unavailable', reason: 'no-driver' });
    expect(isUnlockdError(await failure(hal.read({ signal: anySignal() })), 'ERR_HAL_NOT_FOUND')).toBe(true);
  });

  it('has weak links where it is, which no rule ever sees', async () => {
    using fake = fakeNodeWifi(`return Promise.resolve([${JSON.stringify(CORP)}]);`);
    await using hal = host(fake.packages);
    const { links } = await hal.read({ signal: anySignal() });
    expect(links).toMatchObject([{ weak: true, security: null, root: null }]);
    const end = new AbortController();
    let first: FactorSignal | null = null;
    for await (const signal of wifiDriver(hal, { clock: systemClock }).watch({ signal: end.signal })) {
      first = signal;
      end.abort();
    }
    expect(first).toMatchObject({ state: 'unavailable', reason: 'unsupported' });
  });

  it('has no driver where node-wifi is broken, and says why', async () => {
    using fake = fakeNodeWifi('throw new Error("x");');
    await using hal = host(fake.packages);
    const refused = await failure(hal.read({ signal: anySignal() }));
    expect(isUnlockdError(refused, 'ERR_HAL_NOT_FOUND')).toBe(true);
    expect(refused).toMatchObject({ cause: expect.objectContaining({ code: 'ERR_HAL_IO' }) });
  });
});
