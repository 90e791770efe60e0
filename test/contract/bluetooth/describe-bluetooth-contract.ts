/** The cases of the Bluetooth seam as tests; each host is opened once, with the phones that the cases know. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import {
  type Ability,
  BLUETOOTH_CASES,
  type BluetoothWorld,
  DEBUG_KEY,
  GENUINE,
  JUST_WORKS,
} from './bluetooth-cases.ts';

export function describeBluetoothContract(
  name: string,
  open: (() => Promise<BluetoothWorld>) | { skip: string },
  lacking: readonly Ability[] = [],
): void {
  if ('skip' in open) {
    it.skip(`the Bluetooth host ${name} (skipped: ${open.skip})`, () => undefined);
    return;
  }
  describe(`the Bluetooth host ${name}`, () => {
    let world: BluetoothWorld;
    beforeAll(async () => {
      world = await open();
      await world.pair(GENUINE);
      if (lacking.includes('weak bonds')) return;
      await world.pair(JUST_WORKS);
      await world.pair(DEBUG_KEY);
    });
    afterAll(() => world[Symbol.asyncDispose]());

    for (const { title, needs, run } of BLUETOOTH_CASES) {
      const missing = needs.find((ability) => lacking.includes(ability));
      if (missing === undefined) it(title, () => run(world));
      else it.skip(`${title} (skipped: this host has no ${missing})`, () => undefined);
    }
  });
}
