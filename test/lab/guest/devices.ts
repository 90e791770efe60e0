/** How the devices of the guest describe themselves, by programs that know nothing of this project. */
import type { LaneDevice } from '../../../agent/walkthrough/lane.ts';
import { tool } from '../../radio/guest/world.ts';

/** A value of `tpm2_getcap properties-fixed`, by its name; null: not there. */
export function fixedProperties(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let name = '';
  for (const line of text.split('\n')) {
    const [, property] = /^TPM2_PT_(\w+):$/.exec(line) ?? [];
    if (property !== undefined) name = property;
    const [, value] = /^\s+value: +"?([^"]*)"?$/.exec(line) ?? [];
    const [, raw] = /^\s+raw: +(\S+)$/.exec(line) ?? [];
    if (value !== undefined) found.set(name, value.trim());
    else if (raw !== undefined && !found.has(name)) found.set(name, raw);
  }
  return found;
}

export const tpmProperties = (): ReadonlyMap<string, string> =>
  fixedProperties(tool('tpm2_getcap', '-T', 'device:/dev/tpmrm0', 'properties-fixed'));

export function tpmDevice(): LaneDevice {
  const properties = tpmProperties();
  const more = (name: string): string => properties.get(name) ?? '';
  return {
    kind: 'tpm',
    name: '/dev/tpmrm0',
    nature: 'emulated',
    model: more('VENDOR_STRING_1') + more('VENDOR_STRING_2'),
    firmware: `${more('FIRMWARE_VERSION_1')} ${more('FIRMWARE_VERSION_2')}`,
    more: { manufacturer: more('MANUFACTURER'), family: more('FAMILY_INDICATOR'), seam: 'tpm-crb of QEMU, swtpm' },
  };
}
