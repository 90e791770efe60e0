/**
 * Programs of the guest that know nothing of this project confirm what it says: `fido2-token`, tpm2-tools, `bluetoothctl`,
 * `nmcli` and `iw`. Each comparison is one line, held against what the daemon or `unlockctl` says at that moment.
 */
import { fileURLToPath } from 'node:url';
import type { ApiClient } from '../../../agent/api/client.ts';
import { tpmProperties } from './devices.ts';
import { ask } from './programs.ts';

export interface Comparison {
  /** The program, and what was compared. */
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
}

const CTL = fileURLToPath(new URL('../../../agent/ctl.js', import.meta.url));

type Fields = Readonly<Record<string, unknown>>;
const listOf = (value: unknown, name: string): readonly Fields[] => {
  const list = typeof value === 'object' && value !== null ? (value as Fields)[name] : null;
  return Array.isArray(list) ? (list as Fields[]) : [];
};
const text = (value: unknown): string => (value === null || value === undefined ? 'none' : String(value));
const joined = (values: readonly string[]): string => [...values].sort().join(', ') || 'none';
/** The value of `NAME: value`. */
const field = (printed: string, name: string): string =>
  new RegExp(`^\\s*${name}:\\s*(.*)$`, 'm').exec(printed)?.[1]?.trim() ?? 'none';

async function keys(): Promise<readonly Comparison[]> {
  const said: unknown = JSON.parse(await ask(process.execPath, CTL, 'key', 'list', '--json'));
  const ours = listOf((said as Fields).result, 'keys');
  const printed = (await ask('fido2-token', '-L')).split('\n').filter((line) => line !== '');
  const theirs = printed.map((line) => line.split(': ')[0] ?? '');
  const compared: Comparison[] = [
    {
      what: 'fido2-token -L: the keys that are plugged in',
      ours: joined(ours.map(({ path }) => text(path))),
      theirs: joined(theirs),
    },
  ];
  for (const path of theirs) {
    const shown = await ask('fido2-token', '-I', path);
    const key = ours.find((each) => each.path === path);
    compared.push({
      what: `fido2-token -I ${path}: its AAGUID`,
      ours: text(key?.aaguid).replaceAll('-', ''),
      theirs: field(shown, 'aaguid'),
    });
  }
  return compared;
}

async function tpm(api: ApiClient): Promise<readonly Comparison[]> {
  const { manufacturer } = (await api.status()).tpm;
  return [
    {
      what: 'tpm2_getcap: the manufacturer of the TPM',
      ours: text(manufacturer).trim(),
      theirs: tpmProperties().get('MANUFACTURER') ?? 'none',
    },
  ];
}

async function phone(
  api: ApiClient,
  { controller, address }: { readonly controller: string; readonly address: string },
): Promise<readonly Comparison[]> {
  const line = (await api.phones()).phones.find((each) => each.address === address);
  // It takes what it is told a moment after it has started, and the controller that it begins with is the phone's.
  const told = `sleep 3; echo select ${controller.toUpperCase()}; sleep 1; echo info ${address.toUpperCase()}; sleep 2; echo quit`;
  const shown = await ask('sh', '-c', `(${told}) | bluetoothctl`);
  const said = line?.paired === true ? 'yes' : 'no';
  return [{ what: `bluetoothctl info ${address}: Paired`, ours: said, theirs: field(shown, 'Paired') }];
}

async function wired(api: ApiClient, name: string): Promise<readonly Comparison[]> {
  const { signals } = await api.signals();
  const signal = signals.find(({ kind }) => kind === 'ipConfig');
  const seen = signal?.state === 'observed' ? listOf(signal.observation, 'interfaces') : [];
  const interface_ = seen.find((each) => each.name === name);
  const ipv4 = interface_?.connected === true ? ((interface_.ipv4 as Fields | null) ?? {}) : {};
  const own = (value: unknown): string => joined(Array.isArray(value) ? value.map(String) : []);
  const nmcli = async (what: string): Promise<string> =>
    joined(
      (await ask('nmcli', '--terse', '--get-values', what, 'device', 'show', name))
        .split(/[\n|]+/)
        .flatMap((each) => each.trim() || []),
    );
  return [
    { what: `nmcli: addresses of ${name}`, ours: own(ipv4.addresses), theirs: await nmcli('IP4.ADDRESS') },
    { what: `nmcli: DNS servers of ${name}`, ours: own(ipv4.dnsServers), theirs: await nmcli('IP4.DNS') },
  ];
}

async function wireless(api: ApiClient, name: string): Promise<readonly Comparison[]> {
  const { signals } = await api.signals();
  const signal = signals.find(({ kind }) => kind === 'wifi');
  const [seen] = signal?.state === 'observed' ? listOf(signal.observation, 'associations') : [];
  const link = await ask('iw', 'dev', name, 'link');
  const ssid = typeof seen?.ssidHex === 'string' ? Buffer.from(seen.ssidHex, 'hex').toString('utf8') : 'none';
  const active = (await ask('nmcli', '--terse', '--fields', 'ACTIVE,SSID', 'device', 'wifi', 'list'))
    .split('\n')
    .flatMap((line) => (line.startsWith('yes:') ? [line.slice('yes:'.length)] : []));
  return [
    {
      what: `iw dev ${name} link: the access point`,
      ours: text(seen?.bssid),
      theirs: /^Connected to (\S+)/.exec(link)?.[1] ?? 'none',
    },
    { what: `iw dev ${name} link: the SSID`, ours: ssid, theirs: field(link, 'SSID') },
    { what: 'nmcli: the SSID', ours: ssid, theirs: joined(active) },
  ];
}

export interface Compared {
  readonly api: ApiClient;
  readonly hasKeys: boolean;
  /** Null: there is none, and so with the others. */
  readonly phone: { readonly controller: string; readonly address: string } | null;
  readonly wired: string | null;
  readonly wireless: string | null;
  /** The daemon uses the TPM of /dev/tpmrm0. */
  readonly firstTpm: boolean;
}

/** @returns all that was compared */
export async function askStrangers(about: Compared): Promise<readonly Comparison[]> {
  const { api } = about;
  return [
    ...(about.firstTpm ? await tpm(api) : []),
    ...(about.hasKeys ? await keys() : []),
    ...(about.phone === null ? [] : await phone(api, about.phone)),
    ...(about.wired === null ? [] : await wired(api, about.wired)),
    ...(about.wireless === null ? [] : await wireless(api, about.wireless)),
  ];
}
