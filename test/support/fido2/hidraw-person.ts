/**
 * A person whose key is behind /dev/hidraw0: our client on the real node-hid, in a child process under umockdev, and the
 * virtual key with whoever runs the test. The hands of the person are lines of {@link Control} on a socket.
 */
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import type { SecurityKeyCeremony, TouchRequest } from '../../../drivers/fido2/ceremony.ts';
import { setPin } from '../../../drivers/fido2/client-pin.ts';
import { type KeySession, openKey } from '../../../drivers/fido2/key-session.ts';
import { DeviceStopwatch } from '../../../drivers/fido2/stopwatch.ts';
import { openLinuxHid } from '../../../drivers/linux/hid/linux-hid.ts';
import { secret } from './person.ts';

export const SUITE_PIN = '248163';

export interface HidrawPerson {
  readonly ceremony: SecurityKeyCeremony;
  readonly touches: TouchRequest[];
  /** One line for the key's hands; @throws when it cannot be done */
  readonly hands: (line: string) => Promise<void>;
  readonly session: () => Promise<KeySession>;
  /** Gives the key its PIN, once. */
  readonly givePin: () => Promise<void>;
}

/** @param control path of the socket */
export function hidrawPerson(control: string): HidrawPerson & Disposable {
  const socket = createConnection(control);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const touches: TouchRequest[] = [];
  const ceremony: SecurityKeyCeremony = {
    hid: openLinuxHid(),
    clock: systemClock,
    entropy: systemEntropy,
    signal: new AbortController().signal,
    insertWithin: milliseconds(5000),
    requestKeyPin: async () => secret(SUITE_PIN),
    onTouch: (request) => touches.push(request),
    onInsert: () => undefined,
  };
  const session = async (): Promise<KeySession> => {
    const [device] = await ceremony.hid.list({ signal: ceremony.signal });
    if (device === undefined) throw new Error('no key is plugged in');
    return await openKey(device, ceremony, { stopwatch: new DeviceStopwatch(systemClock), justArrived: true });
  };
  return {
    ceremony,
    touches,
    session,
    hands: async (line) => {
      socket.write(`${line}\n`);
      const answer = await lines.next();
      if (answer.done || !JSON.parse(answer.value).ok) throw new Error(`${line}: ${answer.value}`);
    },
    givePin: async () => {
      await using it = await session();
      if (it.info.options.get('clientPin') === true) return;
      using pin = secret(SUITE_PIN);
      const { signal, entropy } = ceremony;
      await setPin(it.authenticator, pin, { signal, entropy, protocol: 2, minLength: it.info.minPinLength });
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}
