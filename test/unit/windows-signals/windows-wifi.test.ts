/** The Wi-Fi of Windows over a library that plays wlanapi; nothing here has run on a Windows. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { NetworkEvent, WifiHal } from '../../../drivers/hal/network.ts';
import type { WlanLibrary } from '../../../drivers/windows/wifi/library.ts';
import { windowsWifi } from '../../../drivers/windows/wifi/windows-wifi.ts';
import {
  CONNECTION,
  decodeConnection,
  decodeInterfaces,
  INFO,
  LIST,
} from '../../../drivers/windows/wifi/wlan-structures.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';
import * as layouts from '../../support/windows/layouts.ts';
import { connectionBytes, interfaceList, type PlayedWlan, profileXml } from '../../support/windows/played-wlan.ts';

const signal = (): AbortSignal => new AbortController().signal;
const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => (isUnlockdError(error) ? error.code : error),
  );

const CERTIFICATE = Buffer.from('what stands for a certificate');
const hash = (algorithm: string) => createHash(algorithm).update(CERTIFICATE).digest('hex');
const SHA1 = hash('sha1');
const spaced = (hex: string) => hex.replace(/..\B/g, '$& ');

class PlayedService implements WlanLibrary {
  /** One interface for each; null: it has no connection. */
  wlans: readonly (PlayedWlan | { failed: number } | null)[] = [];
  xml: string | { failed: number } = { failed: 1168 };
  roots: readonly Uint8Array[] = [CERTIFICATE];
  /** Code of every call. */
  failed: number | null = null;
  opened = 0;
  closed = 0;
  readonly listeners = new Set<() => void>();

  open() {
    const { failed } = this;
    if (failed !== null) return { failed };
    this.opened++;
    const answer = <T>(value: T) => (this.failed === null ? value : { failed: this.failed });
    return {
      interfaces: () => answer(interfaceList(this.wlans.map((_, n) => `Wi-Fi ${n}`))),
      connection: (guid: Uint8Array) => {
        const wlan = this.wlans[(guid[0] ?? 0) - 1] ?? null;
        if (wlan === null) return answer({ failed: 5023 });
        return answer('failed' in wlan ? wlan : connectionBytes(wlan));
      },
      profile: (_: Uint8Array, name: string) => answer(name === 'Corp' ? this.xml : { failed: 1168 }),
      notify: (changed: () => void) => {
        this.listeners.add(changed);
        return answer({ stop: async () => void this.listeners.delete(changed) });
      },
      close: () => void this.closed++,
    };
  }

  rootCertificate(sha1: Uint8Array) {
    const wanted = Buffer.from(sha1).toString('hex');
    return wanted === SHA1 ? (this.roots[0] ?? null) : null;
  }
}

describe('the structures of wlanapi (laid out here; not seen on a Windows)', () => {
  it.each([
    ['WLAN_CONNECTION_ATTRIBUTES', layouts.WLAN_CONNECTION_ATTRIBUTES, CONNECTION, 604],
    ['WLAN_INTERFACE_INFO', layouts.WLAN_INTERFACE_INFO, INFO, 532],
    ['WLAN_INTERFACE_INFO_LIST', layouts.WLAN_INTERFACE_INFO_LIST, LIST, 540],
  ])('%s is read where C lays it out', (_, type, numbers, bytes) => {
    expect(numbers).toEqual(layouts.laidOut(type, numbers));
    expect(layouts.koffi.sizeof(type)).toBe(bytes);
  });
});

describe('the Wi-Fi of Windows (played; not run on a Windows)', () => {
  let service: PlayedService;
  let clock: ManualClock;
  let hal: WifiHal;
  beforeEach(() => {
    service = new PlayedService();
    clock = new ManualClock();
    hal = windowsWifi({ clock, load: () => service });
  });
  const read = () => hal.read({ signal: signal() });
  const link = async () => {
    const [first] = (await read()).links;
    if (first === undefined) throw new Error('no link');
    return first;
  };

  it('is read as it stands, the interfaces without a connection left out', async () => {
    service.wlans = [null, { quality: 81 }, { state: 7 }];
    const { at, present, links } = await read();
    expect([at, present]).toEqual([clock.now(), true]);
    expect(links).toEqual([
      {
        interface: 'Wi-Fi 1',
        ssid: new Uint8Array(Buffer.from('Corp')),
        bssid: '00:23:f8:7e:12:bb',
        security: 'WPA2-Personal',
        quality: 81,
        root: null,
        source: 'wlanapi',
        weak: false,
      },
    ]);
  });

  it('a machine without an interface has none', async () => {
    expect(await read()).toMatchObject({ present: false, links: [] });
  });

  it.each([
    ['32 bytes that are no UTF-8', new Uint8Array(32).fill(0xff)],
    ['a NUL in the midst', Uint8Array.of(0x43, 0, 0x6f)],
    ['nothing', new Uint8Array()],
  ])('an SSID is bytes: %s', async (_, ssid) => {
    service.wlans = [{ ssid }];
    expect((await link()).ssid).toEqual(ssid);
  });

  it.each([
    [{ auth: 1, cipher: 0, secured: false }, 'Open'],
    [{ auth: 1, cipher: 1 }, 'WEP'],
    [{ auth: 1, cipher: 0x101 }, 'WEP'],
    [{ auth: 2, cipher: 5 }, 'WEP'],
    [{ auth: 3, oneX: true }, 'WPA-Enterprise'],
    [{ auth: 4 }, 'WPA-Personal'],
    [{ auth: 6, oneX: true }, 'WPA2-Enterprise'],
    [{ auth: 7 }, 'WPA2-Personal'],
    [{ auth: 8, oneX: true }, 'WPA3-Enterprise-192'],
    [{ auth: 9 }, 'WPA3-Personal'],
    [{ auth: 11, oneX: true }, 'WPA3-Enterprise'],
    [{ auth: 10 }, null],
    [{ auth: 99 }, null],
    [{ auth: 1, cipher: 4 }, null],
    [{ auth: 7, secured: false }, null],
  ])('the algorithms %j are %s', async (wlan, security) => {
    service.wlans = [wlan];
    expect((await link()).security).toBe(security);
  });

  it('what cannot be is null, or a typed error', async () => {
    service.wlans = [{ quality: 101, bssid: [0, 0, 0, 0, 0, 0] }];
    expect(await link()).toMatchObject({ quality: null, bssid: null });
    service.wlans = [{ ssidLength: 33 }];
    expect(await code(read())).toBe('ERR_HAL_ANSWER_INVALID');
  });

  it('without consent to the location it is a refusal, never "no link"', async () => {
    service.wlans = [{ failed: 5 }];
    expect(await code(read())).toBe('ERR_HAL_PERMISSION');
  });

  it.each([
    [1062, 'ERR_HAL_NOT_FOUND'],
    [1722, 'ERR_HAL_NOT_FOUND'],
    [5, 'ERR_HAL_PERMISSION'],
    [87, 'ERR_HAL_IO'],
  ])('a service that answers %i is %s', async (failed, expected) => {
    service.failed = failed;
    expect(await code(read())).toBe(expected);
  });

  it('a service that went away and came back is asked anew', async () => {
    service.wlans = [{}];
    await read();
    service.failed = 1722;
    expect(await code(read())).toBe('ERR_HAL_NOT_FOUND');
    service.failed = null;
    expect((await read()).links).toHaveLength(1);
    expect([service.opened, service.closed]).toEqual([2, 1]);
    await hal[Symbol.asyncDispose]();
    expect(service.closed).toBe(2);
    expect(await code(read())).toBe('ERR_HAL_CLOSED');
  });

  describe('the root of the server', () => {
    const enterprise: PlayedWlan = { auth: 6, oneX: true };
    beforeEach(() => {
      service.xml = profileXml({ roots: [spaced(SHA1)], names: 'radius.corp.example' });
      service.wlans = [enterprise];
    });

    it('is that of the profile, found among those that the machine trusts', async () => {
      expect((await link()).root).toEqual({
        sha1: SHA1,
        sha256: hash('sha256'),
        serverName: 'radius.corp.example',
        source: 'profile',
      });
    });

    it('is none where the machine does not trust it, or the certificate is another', async () => {
      service.roots = [];
      expect((await link()).root).toBeNull();
      service.roots = [Buffer.from('another')];
      expect((await link()).root).toBeNull();
    });

    it.each<[string, PlayedWlan]>([
      ['without 802.1X', { ...enterprise, oneX: false }],
      ['of a network with a passphrase', { auth: 7, oneX: true }],
      ['of another profile', { ...enterprise, profile: 'Home' }],
    ])('is none %s', async (_, wlan) => {
      service.wlans = [wlan];
      expect((await link()).root).toBeNull();
    });

    it('is none where the profile may not be read', async () => {
      service.xml = { failed: 5 };
      expect((await link()).root).toBeNull();
    });
  });

  describe('its notices', () => {
    const watch = () => {
      const stop = new AbortController();
      const seen: NetworkEvent[] = [];
      const done = (async () => {
        for await (const event of hal.watch({ signal: stop.signal })) seen.push(event);
      })();
      return { seen, stop: () => [stop.abort(), done][1] };
    };

    it('wake, and end with who watched', async () => {
      const { seen, stop } = watch();
      await settle();
      for (const listener of service.listeners) listener();
      await settle();
      expect(seen).toEqual([{ type: 'available' }, { type: 'changed' }]);
      await stop();
      expect([service.listeners.size, service.closed]).toEqual([0, 1]);
    });

    it('end where a reading shows that the service has gone, and begin anew when it is there', async () => {
      const { seen, stop } = watch();
      await settle();
      await read();
      service.failed = 1722;
      await code(read());
      await settle();
      expect(seen.slice(1)).toEqual([
        { type: 'unavailable', reason: 'daemon-gone' },
        { type: 'unavailable', reason: 'no-driver' },
      ]);
      service.failed = null;
      await clock.advance(31_000);
      expect(seen.at(-1)).toEqual({ type: 'available' });
      expect(service.listeners.size).toBe(1);
      await stop();
    });
  });

  it('on a host without wlanapi the answer is a typed error', async () => {
    if (process.platform !== 'win32') {
      expect(await code(windowsWifi().read({ signal: signal() }))).toBe('ERR_HAL_MODULE_MISSING');
    }
  });
});

describe('hostile answers of wlanapi', () => {
  it('whatever the bytes are: a value or a typed error', () => {
    const attempt = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        expect(isUnlockdError(error, 'ERR_HAL_ANSWER_INVALID')).toBe(true);
      }
    };
    const whole = connectionBytes({});
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(700), fc.nat(603), fc.nat(255), (bytes, cut, at, value) => {
        const changed = whole.slice();
        changed[at] = value;
        for (const each of [bytes, whole.slice(0, cut), changed]) {
          attempt(() => decodeConnection(each));
          attempt(() => decodeInterfaces(each));
        }
      }),
    );
  });
});
