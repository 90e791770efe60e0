/** The networks that a lane makes up: where the machine is on them, and the script that a daemon of its own reads. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNetworkStep, Networks, rootDigest } from '../../../agent/lanes/networks.ts';
import { ScriptedNetworks } from '../../../agent/lanes/scripted-networks.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { parseScript } from '../../../hal-mocks/signals/script.ts';

const OFFICE = { address: '192.0.2.5/24', gateway: '192.0.2.1', dhcpServer: '192.0.2.1', dnsServers: ['192.0.2.53'] };
const { given } = readWalkthrough(
  JSON.stringify({
    walkthrough: 1,
    name: 'n',
    about: 'a',
    given: {
      networks: { office: OFFICE },
      wifi: {
        corp: { ssid: 'Corp', security: 'WPA2-Enterprise', root: 'own-root' },
        twin: { ssid: 'Corp', security: 'Open', bssid: '02:00:00:00:00:77', is: 'off' },
      },
      joined: 'corp',
    },
    steps: [{ lock: true }],
  }),
  checkedDocument,
);

describe('networks that are made up', () => {
  it('are joined and left, one at a time, and go with their access point', () => {
    const networks = new Networks(given);
    const corp = { ssid: 'Corp', bssid: '02:00:00:00:00:01', security: 'WPA2-Enterprise', root: 'own-root' };
    expect(networks.joined).toEqual(corp);
    networks.move({ do: 'access-point', network: 'twin', is: 'on' });
    expect(networks.joined).toEqual(corp);
    networks.move({ do: 'join', network: 'twin' });
    expect(networks.joined).toEqual({ ssid: 'Corp', bssid: '02:00:00:00:00:77', security: 'Open', root: null });
    networks.move({ do: 'access-point', network: 'twin', is: 'off' });
    expect(networks.joined).toBeNull();
    expect(() => networks.move({ do: 'join', network: 'twin' })).toThrow('there is no access point that is on twin');
  });

  it('hand out what they hand out now, to the machine whose cable is in', () => {
    const networks = new Networks(given);
    expect(networks.wired).toBeNull();
    networks.move({ do: 'cable', network: 'office' });
    expect(networks.wired).toEqual(OFFICE);
    const to = { ...OFFICE, dnsServers: ['192.0.2.54'] };
    networks.move({ do: 'renumber', network: 'office', to });
    expect(networks.wired).toEqual(to);
    networks.move({ do: 'cable', network: null });
    expect(networks.wired).toBeNull();
    expect(() => networks.move({ do: 'cable', network: 'home' })).toThrow('there is no network home');
  });

  it('are told from the other things that are done with hands', () => {
    expect(isNetworkStep({ do: 'join', network: null })).toBe(true);
    expect(isNetworkStep({ do: 'suspend' })).toBe(false);
  });

  it('have roots that are not those of other names', () => {
    expect(rootDigest('sha256', 'a')).toMatch(/^[0-9a-f]{64}$/);
    expect(rootDigest('sha256', 'a')).not.toBe(rootDigest('sha256', 'b'));
  });
});

describe('the script of a simulation', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'unlockd-networks-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const script = async () => parseScript(await readFile(join(folder, 'script'), 'utf8'));

  it('is what the daemon reads, replaced as a whole with every move', async () => {
    const scripted = await ScriptedNetworks.of(given, join(folder, 'script'));
    const rootThumbprints = [rootDigest('sha1', 'own-root'), rootDigest('sha256', 'own-root')];
    const association = { interface: 'wlan0', ssidHex: '436f7270', security: 'WPA2-Enterprise', rootThumbprints };
    expect((await script()).map(({ seen }) => seen)).toMatchObject([
      { kind: 'wifi', observation: { associations: [association] } },
      { kind: 'ipConfig', observation: { interfaces: [] } },
    ]);
    await scripted?.move({ do: 'cable', network: 'office' });
    await scripted?.move({ do: 'join', network: null });
    expect((await script()).map(({ seen }) => seen)).toMatchObject([
      { kind: 'wifi', observation: { associations: [] } },
      { kind: 'ipConfig', observation: { interfaces: [{ kind: 'ethernet', ipv4: { addresses: [OFFICE.address] } }] } },
    ]);
    expect(await readdir(folder)).toEqual(['script']);
  });

  it('tells of a NetworkManager that restarts, and of no other daemon', async () => {
    const scripted = await ScriptedNetworks.of(given, join(folder, 'script'));
    expect(await scripted?.restart('NetworkManager')).toBeNull();
    const lines = await script();
    expect(lines.map(({ afterSeconds, seen }) => [afterSeconds > 0, seen.kind, 'unavailable' in seen])).toEqual([
      [false, 'ipConfig', true],
      [false, 'wifi', true],
      [true, 'wifi', false],
      [false, 'ipConfig', false],
    ]);
    expect(await scripted?.restart('bluetoothd')).toBe('there is no bluetoothd here');
  });

  it('is none where no network is given: then nothing is simulated', async () => {
    const nothing = { ...given, networks: {}, wifi: {} };
    expect(await ScriptedNetworks.of(nothing, join(folder, 'script'))).toBeNull();
    expect(await readdir(folder)).toEqual([]);
  });
});
