/**
 * The root of a real 802.1X login: real wpa_supplicant and hostapd with a real chain of certificates over a veth pair.
 * NetworkManager is played beside it and says that the cable is a radio, as there is none: of the links here only the
 * root is real.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerifiedRoot, WifiHal } from '../../../drivers/hal/network.ts';
import { linuxWifi } from '../../../drivers/linux/wifi/linux-wifi.ts';
import { PrivateBus } from '../../support/session/private-bus.ts';
import { type Chain, makeChain, SERVER_NAME } from '../../support/wifi/certificates.ts';
import { AKM, MockNetworkManager, profileOf, rsn } from '../../support/wifi/mock-network-manager.ts';
import type { TypedProperties } from '../../support/wifi/mock-service.ts';
import { anySignal } from '../../support/wifi/seen-wifi.ts';
import { CABLE, missingForLogin, WiredLogin } from '../../support/wifi/wired-login.ts';
import { describeRadiolessContract, type WifiWorld } from './describe-wifi-contract.ts';

const missing = missingForLogin();
const because = missing === null ? '' : ` (skipped: ${missing})`;
const SSID = new Uint8Array(Buffer.from('Corp'));
const [UUID, OTHER_UUID] = ['11111111-2222-3333-4444-555555555555', '99999999-2222-3333-4444-555555555555'];

async function radioless(): Promise<WifiWorld> {
  const bus = await PrivateBus.start();
  const login = await WiredLogin.start(bus);
  await login.startSupplicant();
  const hal = linuxWifi({ bus: bus.address });
  return {
    hal,
    stop: () => login.stopSupplicant(),
    start: () => login.startSupplicant(),
    [Symbol.asyncDispose]: async () => {
      await hal[Symbol.asyncDispose]();
      await login[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
    },
  };
}

describeRadiolessContract(
  'a real wpa_supplicant that serves a cable',
  missing === null ? radioless : { skip: missing },
);

describe.skipIf(missing !== null)(`the root of a real login over a cable${because}`, () => {
  let bus: PrivateBus;
  let login: WiredLogin;
  let manager: MockNetworkManager;
  let device: string;
  let point: string;
  let hal: WifiHal;
  let corp: Chain;
  let evil: Chain;

  beforeAll(async () => {
    bus = await PrivateBus.start();
    login = await WiredLogin.start(bus);
    corp = makeChain(login.folder, 'Corp');
    evil = makeChain(login.folder, 'Evil');
    await login.serve(corp);
    await login.startSupplicant();
    manager = new MockNetworkManager(bus);
    await manager.start();
    device = await manager.addRadio(CABLE);
    point = await manager.addPoint(device, { ssid: SSID, bssid: '00:23:f8:7e:12:bb', quality: 70, ...rsn(AKM.eap) });
    hal = linuxWifi({ bus: bus.address });
  });
  afterAll(async () => {
    await hal[Symbol.asyncDispose]();
    await manager.close();
    await login[Symbol.asyncDispose]();
    await bus[Symbol.asyncDispose]();
  });

  /** What NetworkManager says of the profile that is active. */
  const activate = (eap: TypedProperties, uuid = UUID) =>
    manager.activate(
      device,
      point,
      profileOf(SSID, { 'key-mgmt': ['s', 'wpa-eap'] }, { eap: ['as', ['peap']], ...eap }, uuid),
    );
  const pinned = (chain: Chain): TypedProperties => ({ 'ca-cert': ['ay', chain.rootDer] });
  const root = async (): Promise<VerifiedRoot | null> => {
    const { links } = await hal.read({ signal: anySignal() });
    expect(links).toHaveLength(1);
    expect(links[0]?.security).toBe('WPA2-Enterprise');
    return links[0]?.root ?? null;
  };
  const logInWith = async (settings: Record<string, string>): Promise<boolean> => {
    await login.removeNetworks();
    return await login.logIn(await login.addNetwork(settings));
  };

  it('before anybody has logged in there is no link, whatever NetworkManager says', async () => {
    await activate(pinned(corp));
    expect((await hal.read({ signal: anySignal() })).links).toEqual([]);
  });

  it('is the top of the chain that was verified, with the thumbprints that openssl computes', async () => {
    expect(await logInWith({ ca_cert: corp.root, domain_suffix_match: 'lab.example' })).toBe(true);
    await activate({ ...pinned(corp), 'domain-suffix-match': ['s', 'lab.example'] });
    expect(await root()).toEqual({ ...corp.thumbprints, source: 'login', serverName: 'lab.example' });
  });

  it('of a login that was not heard is the one that the profile pins', async () => {
    await using late = linuxWifi({ bus: bus.address });
    const { links } = await late.read({ signal: anySignal() });
    expect(links).toMatchObject([{ root: { ...corp.thumbprints, source: 'profile', serverName: 'lab.example' } }]);
  });

  it('stays when the session is resumed, for which no certificate is shown', async () => {
    const { certifications } = login.told;
    expect(certifications).toBeGreaterThan(0);
    expect(await login.logInAgain()).toBe(true);
    expect(await root()).toMatchObject({ ...corp.thumbprints, source: 'login' });
    expect(login.told.certifications).toBe(certifications);
  });

  it('is dropped when another profile is active', async () => {
    await activate({}, OTHER_UUID);
    expect(await root()).toBeNull();
    await activate({ ...pinned(corp), 'domain-suffix-match': ['s', 'lab.example'] });
    expect(await root()).toMatchObject({ source: 'profile' });
  });

  it('of a store of many roots counts where the name of the server was demanded, and only there', async () => {
    expect(await logInWith({ ca_cert: corp.root, domain_suffix_match: SERVER_NAME })).toBe(true);
    await activate({ 'system-ca-certs': ['b', true] });
    expect(await root()).toBeNull();
    await activate({ 'system-ca-certs': ['b', true], 'domain-suffix-match': ['s', SERVER_NAME] });
    expect(await root()).toMatchObject({ ...corp.thumbprints, source: 'login', serverName: SERVER_NAME });
  });

  it('does not outlive the wpa_supplicant that told of it', async () => {
    await login.stopSupplicant();
    await login.startSupplicant();
    await activate({ 'system-ca-certs': ['b', true], 'domain-suffix-match': ['s', SERVER_NAME] });
    expect((await hal.read({ signal: anySignal() })).links).toEqual([]);
  });

  it('of a login that was checked by nobody is none, whatever chain was shown', async () => {
    await login.serve(evil);
    expect(await logInWith({})).toBe(true);
    await activate({});
    expect(await root()).toBeNull();
  });

  it('a login that failed is no link: a server with another chain is refused', async () => {
    const { certifications } = login.told;
    expect(await logInWith({ ca_cert: corp.root })).toBe(false);
    expect(login.told.certifications).toBeGreaterThan(certifications);
    await activate({ 'system-ca-certs': ['b', true], 'domain-suffix-match': ['s', SERVER_NAME] });
    expect((await hal.read({ signal: anySignal() })).links).toEqual([]);
  });
});
