/** Which keys on the table are meant by the names of a walkthrough, before its first step. */
import type { HidHal } from '../../drivers/hal/hid.ts';
import { type KeyNames, keyWords } from '../operator/key-names.ts';
import type { PhysicalOperator } from '../operator/operator.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';

export interface Naming {
  readonly hid: Pick<HidHal, 'list'>;
  readonly keys: KeyNames;
  readonly operator: PhysicalOperator;
  readonly tell: (words: string) => void;
}

/**
 * One key that is there and one that is to be there are the same. Else all are pulled out, and those that are to be there
 * are plugged in one after the other, each when its name is said.
 */
export async function nameKeys(
  { keys: given }: Walkthrough['given'],
  { hid, keys, operator, tell }: Naming,
  signal: AbortSignal,
): Promise<void> {
  const wanted = Object.entries(given).flatMap(([name, where]) => (where === 'plugged' ? [name] : []));
  if (Object.keys(given).length === 0) return;
  const there = await hid.list({ signal });
  const [name, ...otherNames] = wanted;
  const [device, ...otherDevices] = there;
  if (name !== undefined && device !== undefined && otherNames.length === 0 && otherDevices.length === 0) {
    keys.plugged(name, device);
    tell(`${name} is the ${keyWords(device)} at ${device.path}`);
    return;
  }
  if (there.length > 0) await operator.removeAll({ signal });
  for (const each of wanted) await operator.insert(each, { signal });
}
