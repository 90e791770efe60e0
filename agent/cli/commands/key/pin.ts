/** `key pin set`, `key pin change`. */
import { replacePin, setFirstPin } from '../../../keys/pin.ts';
import { type KeyCeremony, withKey } from '../../../keys/session.ts';
import type { KeyWork } from './person.ts';
import { deviceWords } from './words.ts';

/** @param isFirst the key has none yet */
export async function pinCommand(work: KeyWork, ceremony: KeyCeremony, isFirst: boolean): Promise<void> {
  const { sources, requestNewPin, context } = work;
  // Before a key blinks or a try is spent.
  sources.require(isFirst ? ['new-pin'] : ['key-pin', 'new-pin']);
  await withKey(ceremony, async (key) => {
    await (isFirst ? setFirstPin(key, requestNewPin) : replacePin(key, requestNewPin));
    const { device } = key.session;
    context.output.result({ device: device.path, pin: 'set' }, () => [
      isFirst ? `${deviceWords(device)} has a PIN now.` : `The PIN of ${deviceWords(device)} is changed.`,
    ]);
  });
}
