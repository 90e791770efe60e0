/** The devices of a hardware run as they describe themselves: the TPM, the keys that have names, what the signals come from. */
import { oneLine } from '../../drivers/base/printable.ts';
import type { ApiClient } from '../api/client.ts';
import type { ListedKey } from '../keys/list.ts';
import { type KeyNames, keyWords } from '../operator/key-names.ts';
import type { LaneDevice } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';
import type { HardwareOptions } from './hardware-options.ts';

type Asked = { readonly signal: AbortSignal };

/** Which kinds of signals a walkthrough is about, and what their devices are called. */
const SENSED: Readonly<
  Record<string, { readonly kind: LaneDevice['kind']; readonly used: (given: Walkthrough['given']) => boolean }>
> = {
  bluetooth: { kind: 'bluetooth', used: ({ phones }) => Object.keys(phones).length > 0 },
  wifi: { kind: 'wifi', used: ({ wifi }) => Object.keys(wifi).length > 0 },
  ipConfig: { kind: 'network', used: ({ networks }) => Object.keys(networks).length > 0 },
  fingerprint: { kind: 'fingerprint', used: ({ fingerprint }) => fingerprint !== undefined },
};

async function chipOf(client: ApiClient, { signal }: Asked): Promise<LaneDevice> {
  const { tpm } = await client.status({ signal });
  const more = tpm.manufacturer === null ? {} : { manufacturer: oneLine(tpm.manufacturer) };
  const nature = tpm.testDouble === null ? 'real' : 'emulated';
  return { kind: 'tpm', name: 'tpm', nature, model: oneLine(tpm.description), firmware: null, more };
}

function keyDevice(name: string, keys: KeyNames, listed: readonly ListedKey[]): LaneDevice | null {
  const device = keys.device(name);
  if (device === null) return null;
  const { path, manufacturer, product } = device;
  const key = listed.find((each) => each.path === path)?.key ?? null;
  const more = {
    path,
    ...(manufacturer === null ? {} : { manufacturer: oneLine(manufacturer) }),
    ...(key === null ? {} : { aaguid: key.aaguid, versions: key.versions.map(oneLine).join(', '), pin: key.pin }),
  };
  // The virtual key of this project says what it is, whatever it is plugged into.
  const nature = product === 'Virtual Security Key' ? 'emulated' : 'real';
  const firmware = key?.firmwareVersion ?? null;
  return {
    kind: 'security-key',
    name,
    nature,
    model: keyWords(device),
    firmware: firmware === null ? (key?.deviceVersion ?? null) : String(firmware),
    more,
  };
}

/** @param describeKeys null: nobody may open keys here; then they have no more than their names */
export async function devicesOf(
  given: Walkthrough['given'],
  client: ApiClient,
  keys: KeyNames,
  describeKeys: HardwareOptions['describeKeys'] | null,
  asked: Asked,
): Promise<readonly LaneDevice[]> {
  const names = Object.keys(given.keys);
  const listed = names.length === 0 ? [] : ((await describeKeys?.(asked).catch(() => [])) ?? []);
  asked.signal.throwIfAborted();
  const used = Object.entries(SENSED).filter(([, each]) => each.used(given));
  const { signals } = used.length === 0 ? { signals: [] } : await client.signals(asked);
  const sensed = used.flatMap(([of, { kind }]): readonly LaneDevice[] => {
    const signal = signals.find((each) => each.kind === of && each.state !== 'unavailable');
    if (signal === undefined) return [];
    const nature = signal.simulated ? 'simulated' : 'real';
    return [{ kind, name: kind, nature, model: oneLine(signal.source), firmware: null, more: {} }];
  });
  const named = names.flatMap((name) => keyDevice(name, keys, listed) ?? []);
  return [await chipOf(client, asked), ...named, ...sensed];
}
