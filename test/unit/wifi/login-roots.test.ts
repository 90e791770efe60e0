import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BusSignal } from '../../../drivers/linux/dbus/connection.ts';
import { LoginRoots, WPA_INTERFACE } from '../../../drivers/linux/wifi/login-roots.ts';

const FACE = '/fi/w1/wpa_supplicant1/Interfaces/0';
const [NETWORK, OTHER] = [`${FACE}/Networks/0`, `${FACE}/Networks/1`];
const hash = (name: 'sha1' | 'sha256', bytes: Uint8Array) => createHash(name).update(bytes).digest('hex');
const der = (name: string): Uint8Array => new Uint8Array(Buffer.from(`certificate ${name}`));
const thumbprints = (name: string) => ({ sha1: hash('sha1', der(name)), sha256: hash('sha256', der(name)) });

const sent = (member: string, body: readonly unknown[], path = FACE): BusSignal => ({
  sender: ':1.5',
  path,
  interface: WPA_INTERFACE,
  member,
  body,
});
const eap = (status: string, parameter = '') => sent('EAP', [status, parameter]);
const certification = (depth: number, name: string, certHash = hash('sha256', der(name))) =>
  sent('Certification', [
    [
      ['depth', depth],
      ['subject', name],
      ['cert_hash', certHash],
      ['cert', der(name)],
    ],
  ]);
const state = (value: string): BusSignal => ({
  ...sent('PropertiesChanged', [WPA_INTERFACE, [['State', value]], []]),
  interface: 'org.freedesktop.DBus.Properties',
});

describe('the roots of logins', () => {
  let roots: LoginRoots;
  beforeEach(() => {
    roots = new LoginRoots();
  });
  const take = (...signals: readonly BusSignal[]) => signals.map((signal) => roots.take(signal));
  const confirm = (network: string | null = NETWORK, at = 'completed') => roots.confirm(FACE, { state: at, network });
  const rootOf = (network: string | null = NETWORK, profile = 'p') => roots.rootOf(FACE, network, profile);
  const chain = [certification(2, 'root'), certification(1, 'between'), certification(0, 'server')];
  const logIn = (network = NETWORK, certificates: readonly BusSignal[] = chain) => {
    take(eap('started'), ...certificates, eap('completion', 'success'), state('completed'));
    confirm(network);
  };

  it('are the tops of their chains', () => {
    logIn();
    expect(rootOf()).toEqual(thumbprints('root'));
  });

  it('ask to be confirmed when the login has succeeded, and when the state is completed', () => {
    const asked = take(eap('started'), ...chain, eap('completion', 'success'), state('completed'));
    expect(asked).toEqual([null, null, null, null, FACE, FACE]);
  });

  it('count neither before the login has succeeded nor before the state agrees', () => {
    take(eap('started'), ...chain, state('completed'));
    confirm();
    expect(rootOf()).toBeNull();
    take(eap('completion', 'success'));
    confirm(NETWORK, 'associated');
    expect(rootOf()).toBeNull();
    confirm(null);
    expect(rootOf()).toBeNull();
    confirm();
    expect(rootOf()).toEqual(thumbprints('root'));
  });

  it.each([
    ['has failed', [eap('started'), ...chain, eap('completion', 'failure'), eap('completion', 'success')]],
    [
      'was refused by the check',
      [eap('started'), ...chain, eap('remote certificate verification', 'not trusted'), eap('completion', 'success')],
    ],
    ['has no beginning that was heard', [...chain, eap('completion', 'success')]],
    ['began anew without certificates', [eap('started'), ...chain, eap('started'), eap('completion', 'success')]],
    ['did not come down to the server', [eap('started'), chain[0] as BusSignal, eap('completion', 'success')]],
    [
      'climbs up again',
      [
        eap('started'),
        certification(1, 'a'),
        certification(2, 'b'),
        certification(0, 'c'),
        eap('completion', 'success'),
      ],
    ],
    [
      'says another hash than the certificate has',
      [eap('started'), certification(0, 'a', '00'), eap('completion', 'success')],
    ],
    ['was cut off by a disconnection', [eap('started'), ...chain, state('disconnected'), eap('completion', 'success')]],
    ['names certificates after its success', [eap('started'), eap('completion', 'success'), ...chain]],
  ])('of a login that %s are none', (_, signals) => {
    take(...signals);
    confirm();
    expect(rootOf()).toBeNull();
  });

  it('are those of the outer handshake where there is another one within the tunnel', () => {
    logIn(NETWORK, [...chain, certification(3, 'inner root'), certification(0, 'inner server')]);
    expect(rootOf()).toEqual(thumbprints('root'));
  });

  it('stay when a session is resumed, and are those of the last full login', () => {
    logIn();
    logIn(NETWORK, []);
    expect(rootOf()).toEqual(thumbprints('root'));
    logIn(NETWORK, [certification(0, 'self-signed')]);
    expect(rootOf()).toEqual(thumbprints('self-signed'));
  });

  it('go with a full login whose chain cannot be told', () => {
    logIn();
    take(eap('started'), certification(1, 'a'), eap('completion', 'success'));
    confirm();
    expect(rootOf()).toBeNull();
  });

  it('are of one network: neither another one nor a resumed session there has them', () => {
    logIn();
    logIn(OTHER, []);
    expect(rootOf(OTHER)).toBeNull();
    expect(rootOf()).toBeNull();
  });

  it('are of the profile that they were first asked for with', () => {
    logIn();
    expect(rootOf(NETWORK, 'a')).toEqual(thumbprints('root'));
    expect(rootOf(NETWORK, 'b')).toBeNull();
    expect(rootOf(NETWORK, 'a')).toBeNull();
  });

  it('stay while there is no network for a moment', () => {
    logIn();
    expect(rootOf(null)).toBeNull();
    expect(rootOf()).toEqual(thumbprints('root'));
  });

  it.each([
    ['its network is removed, whose path another gets', sent('NetworkRemoved', [NETWORK])],
    [
      'its interface is removed',
      { ...sent('InterfaceRemoved', [FACE], '/fi/w1/wpa_supplicant1'), interface: 'fi.w1.wpa_supplicant1' },
    ],
  ])('are dropped when %s', (_, signal) => {
    logIn();
    take(signal);
    expect(rootOf()).toBeNull();
  });

  it('stay when another network is removed', () => {
    logIn();
    take(sent('NetworkRemoved', [OTHER]));
    expect(rootOf()).toEqual(thumbprints('root'));
  });

  it('are all dropped when another process speaks', () => {
    logIn();
    roots.clear();
    expect(rootOf()).toBeNull();
  });

  it('of more interfaces than a machine has are not kept', () => {
    for (let n = 0; n < 100; n++) {
      const path = `/fi/w1/wpa_supplicant1/Interfaces/${n}`;
      take(
        sent('EAP', ['started', ''], path),
        { ...certification(0, 'x'), path },
        sent('EAP', ['completion', 'success'], path),
      );
    }
    const kept = Array.from({ length: 100 }, (_, n) => {
      const path = `/fi/w1/wpa_supplicant1/Interfaces/${n}`;
      roots.confirm(path, { state: 'completed', network: NETWORK });
      return roots.rootOf(path, NETWORK, 'p');
    }).filter((root) => root !== null);
    expect(kept).toHaveLength(16);
  });
});
