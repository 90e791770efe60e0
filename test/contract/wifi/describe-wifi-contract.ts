/** What every host of the Wi-Fi seam does, whatever it runs on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { WifiHal, WifiLink } from '../../../drivers/hal/network.ts';
import { anySignal, SeenWifi } from '../../support/wifi/seen-wifi.ts';

export type Played = 'Open' | 'WPA2-Personal' | 'WPA3-Personal' | 'WPA2-Enterprise';

export interface PlayedLink {
  readonly ssid: Uint8Array;
  readonly bssid: string;
  readonly security: Played;
  readonly quality: number;
}

/** A host with one radio, `wlan0`, and somebody who can do things to it and to the air around it. */
export interface WifiWorld extends AsyncDisposable {
  readonly hal: WifiHal;
  /** The service behind the host goes away, and comes back as a new one; the radio is not associated then. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface RadioWorld extends WifiWorld {
  /** Associates, in place of what there was. */
  associate(link: PlayedLink): Promise<void>;
  disassociate(): Promise<void>;
  /** The link gets weaker or stronger, and the host hears of it. */
  setQuality(quality: number): Promise<void>;
  /** Another access point is heard. */
  overhear(link: PlayedLink): Promise<void>;
  /** The radio is pulled. */
  removeRadio(): Promise<void>;
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'));
const CORP: PlayedLink = {
  ssid: bytes('Corp'),
  bssid: '00:23:f8:7e:12:bb',
  security: 'WPA2-Personal',
  quality: 70,
};

async function onlyLink(hal: WifiHal): Promise<WifiLink> {
  const { links } = await hal.read({ signal: anySignal() });
  const [link] = links;
  if (link === undefined || links.length > 1) throw new Error(`${links.length} links`);
  return link;
}

type Open<W> = (() => Promise<W>) | { readonly skip: string };

function describeWorld<W extends WifiWorld>(name: string, open: Open<W>, cases: (world: () => W) => void): void {
  if ('skip' in open) {
    it.skip(`the Wi-Fi host ${name} (skipped: ${open.skip})`, () => undefined);
    return;
  }
  describe(`the Wi-Fi host ${name}`, () => {
    let world: W;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(async () => {
      await world[Symbol.asyncDispose]();
    });
    cases(() => world);
  });
}

/** What holds with or without a radio. */
function commonCases(world: () => WifiWorld): void {
  it('begins with whether it can be asked', async () => {
    await using seen = new SeenWifi(world().hal);
    await seen.next('available');
    expect(seen.all[0]).toEqual({ type: 'available' });
  });

  it('does nothing for a caller that has given up', async () => {
    const given = new AbortController();
    given.abort(new Error('given up'));
    await expect(world().hal.read({ signal: given.signal })).rejects.toThrow('given up');
  });

  it('survives the service behind it, and keeps nothing of what that had said', async () => {
    const { hal, stop, start } = world();
    await using seen = new SeenWifi(hal);
    await seen.next('available');
    await stop();
    expect(await seen.next('unavailable')).toMatchObject({ reason: 'daemon-gone' });
    const refused = await hal.read({ signal: anySignal() }).catch((error: unknown) => error);
    expect(isUnlockdError(refused, 'ERR_HAL_NOT_FOUND', 'ERR_HAL_DISCONNECTED')).toBe(true);
    const from = seen.all.length;
    await start();
    await seen.next('available', from);
    const { links } = await hal.read({ signal: anySignal() });
    expect(links).toEqual([]);
  });
}

/** A host without a radio: it says so, and knows of no link. */
export function describeRadiolessContract(name: string, open: Open<WifiWorld>): void {
  describeWorld(name, open, (world) => {
    it('has no Wi-Fi interface and no link', async () => {
      await using seen = new SeenWifi(world().hal);
      await seen.next('available');
      const snapshot = await world().hal.read({ signal: anySignal() });
      expect(snapshot).toMatchObject({ present: false, links: [] });
    });
    commonCases(world);
  });
}

export function describeWifiContract(name: string, open: Open<RadioWorld>): void {
  describeWorld(name, open, (world) => {
    commonCases(world);

    it('has an interface, and no link before it is associated', async () => {
      const snapshot = await world().hal.read({ signal: anySignal() });
      expect(snapshot).toMatchObject({ present: true, links: [] });
    });

    it.each([
      ['text', bytes('Corp')],
      ['an escape of a program', bytes('Corp&&5G')],
      ['a trailing backslash', bytes('Corp\\')],
      ['a colon and a quote', bytes('a:b"c\'')],
      ['32 bytes that are no UTF-8', new Uint8Array(32).fill(0xff)],
      ['a NUL and a line feed', Uint8Array.of(0x43, 0, 0x0a, 0x6f)],
    ])('reads an SSID byte by byte: %s', async (_, ssid) => {
      await world().associate({ ...CORP, ssid });
      const link = await onlyLink(world().hal);
      expect(Buffer.from(link.ssid).toString('hex')).toBe(Buffer.from(ssid).toString('hex'));
    });

    it.each(['Open', 'WPA2-Personal', 'WPA3-Personal', 'WPA2-Enterprise'] as const)(
      'reads the access point that it is associated with: %s',
      async (security) => {
        await world().associate({ ...CORP, security });
        expect(await onlyLink(world().hal)).toMatchObject({
          interface: 'wlan0',
          bssid: CORP.bssid,
          security,
          quality: CORP.quality,
          root: null,
          weak: false,
        });
      },
    );

    it('is not misled by a stronger access point of the same name that is only heard', async () => {
      await world().associate(CORP);
      await world().overhear({ ...CORP, bssid: '66:66:66:00:00:01', security: 'Open', quality: 99 });
      expect(await onlyLink(world().hal)).toMatchObject({
        bssid: CORP.bssid,
        security: 'WPA2-Personal',
        quality: CORP.quality,
      });
    });

    it('tells of what changes, so that nobody has to ask again and again', async () => {
      await world().associate(CORP);
      await using seen = new SeenWifi(world().hal);
      await seen.next('available');
      await world().setQuality(34);
      await seen.until(({ links }) => links[0]?.quality === 34);
      await world().associate({ ...CORP, ssid: bytes('Home') });
      await seen.until(({ links }) => Buffer.from(links[0]?.ssid ?? []).toString() === 'Home');
      await world().disassociate();
      await seen.until(({ links }) => links.length === 0);
    });

    it('has no Wi-Fi interface when the radio was pulled', async () => {
      await using seen = new SeenWifi(world().hal);
      await world().removeRadio();
      const snapshot = await seen.until(({ present }) => !present);
      expect(snapshot.links).toEqual([]);
    });
  });
}
