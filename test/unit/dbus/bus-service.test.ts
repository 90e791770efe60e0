import { describe, expect, it } from 'vitest';
import { seconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { BusService } from '../../../drivers/linux/dbus/bus-service.ts';
import { type Answer, LyingBus } from '../../support/session/lying-bus.ts';

const BUS = 'org.freedesktop.DBus';
const NAME = 'a.b.Service';
const OWNER = ':1.5';

const changed = (before: string, after: string): Answer => ({
  type: 4,
  sender: BUS,
  path: '/org/freedesktop/DBus',
  interface: BUS,
  member: 'NameOwnerChanged',
  signature: 'sss',
  body: [NAME, before, after],
});
const nobody: Answer = { type: 3, sender: BUS, errorName: 'org.freedesktop.DBus.Error.NameHasNoOwner' };
const owned: Answer = { type: 2, sender: BUS, signature: 's', body: [OWNER] };

async function presentAfter(answers: readonly Answer[]): Promise<boolean> {
  await using bus = await LyingBus.start(({ member }) => {
    if (member === 'Hello') return [{ type: 2, sender: BUS, signature: 's', body: [':1.9'] }];
    return member === 'GetNameOwner' ? answers : [{ type: 2, sender: BUS }];
  });
  await using service = new BusService({ name: NAME, address: bus.address, clock: systemClock, within: seconds(5) });
  await service.looked({ signal: new AbortController().signal });
  return service.present;
}

describe('a service of the bus', () => {
  it.each([
    ['is there', [owned], true],
    ['is not there', [nobody], false],
    ['comes in the moment after it was said that it is not there', [nobody, changed('', OWNER)], true],
    ['goes in the moment after it was said that it is there', [owned, changed(OWNER, '')], false],
    ['comes in the moment before it is said that it is there', [changed('', OWNER), owned], true],
    ['comes and goes before the answer', [changed('', OWNER), changed(OWNER, ''), nobody], false],
  ] as const)('that %s is known as such', async (_, answers, present) => {
    expect(await presentAfter(answers)).toBe(present);
  });
});
