/** Which drivers of the surroundings a host gets: its own and no other's, and what refuses access is never a match. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Config, loadConfig } from '../../../agent/config/load.ts';
import { HOSTS, type HostLoader } from '../../../agent/host-senses.ts';
import { type Host, type Senses, sensesOf } from '../../../agent/senses.ts';
import { PhoneBook } from '../../../agent/service/phone-book.ts';
import { openLog } from '../../../agent/telemetry/log.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { windowsBluetooth } from '../../../drivers/windows/bluetooth/windows-bluetooth.ts';
import { windowsIp } from '../../../drivers/windows/network/windows-ip.ts';
import { windowsWifi } from '../../../drivers/windows/wifi/windows-wifi.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';

const closers: (() => PromiseLike<void>)[] = [];
const lines: string[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  lines.length = 0;
});

const log = openLog({ level: 'info', file: null, name: 'test', sink: { write: (line) => void lines.push(line) } });
const phone = {
  uid: 1000,
  address: '02:00:00:00:00:01',
  addressType: 'public' as const,
  name: null,
  classOfDevice: null,
  bond: null,
  enrolledAt: 0,
};
const book = () =>
  new PhoneBook({
    readPhones: async () => ({ phones: [phone] }) as never,
    writePhones: async () => undefined,
  });

const forbidden =
  (what: string): HostLoader =>
  async () => {
    throw new Error(`${what} was loaded`);
  };

const clock = new ManualClock();
const configured = (flags: Record<string, string> = {}): Config => loadConfig({ env: {}, flags });
const open = (host: Host, config = configured()): Promise<Senses> =>
  sensesOf(config, clock, log, book(), (close) => closers.push(close), host);

/** The first signal of each driver. */
async function firstOf(senses: Senses): Promise<Readonly<Record<string, FactorSignal>>> {
  const found: Record<string, FactorSignal> = {};
  const stop = new AbortController();
  const following = senses.drivers.map(async (driver) => {
    for await (const signal of driver.watch({ signal: stop.signal })) found[signal.kind] ??= signal;
  });
  for (let step = 0; step < 20 && Object.keys(found).length < senses.drivers.length; step++) await clock.advance(500);
  stop.abort();
  await Promise.all(following);
  return found;
}

describe('the senses of a host', () => {
  it('on Linux load nothing of Windows', async () => {
    const senses = await open({
      platform: 'linux',
      hosts: { ...HOSTS, win32: forbidden('Windows') },
    });
    expect(senses.drivers.map(({ kind }) => kind)).toEqual(['bluetooth', 'ipConfig', 'wifi']);
    expect(senses.bluetooth?.name).toBe('BlueZ');
    expect(senses.biometric?.name).toBe('fprintd');
  });

  it('on Windows load nothing of Linux, and there is no reader', async () => {
    const senses = await open({ platform: 'win32', hosts: { ...HOSTS, linux: forbidden('Linux') } });
    expect(senses.drivers.map(({ kind }) => kind)).toEqual(['bluetooth', 'ipConfig', 'wifi']);
    expect(senses.bluetooth?.name).toBe('Windows Bluetooth');
    expect(senses.biometric).toBeNull();
  });

  it.skipIf(process.platform === 'win32')(
    'on a Windows without its libraries say that there is no driver, and observe nothing',
    async () => {
      const signals = await firstOf(await open({ platform: 'win32', hosts: HOSTS }));
      expect(Object.keys(signals).sort()).toEqual(['bluetooth', 'ipConfig', 'wifi']);
      for (const signal of Object.values(signals))
        expect(signal).toMatchObject({ state: 'unavailable', reason: 'no-driver', simulated: false });
    },
  );

  it('on a Windows that refuses access say so, and observe nothing', async () => {
    const ERROR_ACCESS_DENIED = 5;
    const failed = { failed: ERROR_ACCESS_DENIED };
    const refuses: HostLoader = async () => ({
      openSenses: () => ({
        bluetooth: () =>
          windowsBluetooth({
            clock,
            load: () => ({ hasRadio: () => failed, devices: () => failed, connect: () => failed }),
          }),
        wifi: () => windowsWifi({ clock, load: () => ({ open: () => failed, rootCertificate: () => null }) }),
        network: () =>
          windowsIp({
            clock,
            load: () => ({
              adapters: () => failed,
              interfaceRow: () => failed,
              primaryDnsSuffix: () => failed,
              notify: () => failed,
            }),
          }),
        biometric: () => null,
      }),
    });
    const signals = await firstOf(await open({ platform: 'win32', hosts: { win32: refuses } }));
    expect(Object.keys(signals).sort()).toEqual(['bluetooth', 'ipConfig', 'wifi']);
    for (const signal of Object.values(signals))
      expect(signal).toMatchObject({ state: 'unavailable', reason: 'no-permission' });
  });

  it('make only what is switched on', async () => {
    const made: string[] = [];
    const no = (what: string) => (): never => {
      made.push(what);
      throw new UnlockdError('ERR_HAL_IO', what);
    };
    const host: HostLoader = async () => ({
      openSenses: () => ({ bluetooth: no('b'), wifi: no('w'), network: no('n'), biometric: no('f') }),
    });
    const off = Object.fromEntries(
      ['bluetooth', 'wifi', 'network', 'biometric'].map((name) => [`signals.${name}`, 'false']),
    );
    const senses = await open({ platform: 'win32', hosts: { win32: host } }, configured(off));
    expect(senses).toMatchObject({ drivers: [], bluetooth: null, biometric: null });
    expect(made).toEqual([]);
  });

  it('of a system that nobody drives are none, which the log says', async () => {
    const senses = await open({ platform: 'darwin', hosts: HOSTS });
    expect(senses).toMatchObject({ drivers: [], bluetooth: null, biometric: null });
    expect(lines.join('')).toContain('nothing senses the surroundings on darwin');
  });
});
