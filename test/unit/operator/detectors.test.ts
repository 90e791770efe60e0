import { expect, test } from 'vitest';
import { eventually, keyArrives, keyLeaves, noKeys } from '../../../agent/operator/detectors.ts';
import type { HidDeviceInfo } from '../../../drivers/hal/hid.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';
import { keyAt, Tabletop } from '../../support/operator/tabletop.ts';

function stage() {
  const hid = new Tabletop();
  const clock = new ManualClock();
  const abort = new AbortController();
  return { hid, clock, abort, sight: { hid, clock }, signal: abort.signal };
}

/** Whether it has settled by now. */
async function settled(work: Promise<unknown>): Promise<boolean> {
  let is = false;
  work.then(
    () => {
      is = true;
    },
    () => {
      is = true;
    },
  );
  await settle();
  return is;
}

test('a key that is plugged in is seen at once, and which one it is', async () => {
  const { hid, sight, signal, clock } = stage();
  const found: HidDeviceInfo[] = [];
  const done = keyArrives(sight, 'blue', { takes: () => true, found: (device) => found.push(device) }).until({
    signal,
  });
  expect(await settled(done)).toBe(false);
  hid.plug(keyAt('/dev/hidraw3'));
  await done;
  expect(found.map(({ path }) => path)).toEqual(['/dev/hidraw3']);
  expect([hid.watchers, clock.pending]).toEqual([0, 0]);
});

test('one that is there already is seen', async () => {
  const { hid, sight, signal } = stage();
  hid.plug(keyAt('/dev/hidraw3'));
  await keyArrives(sight, 'blue', { takes: () => true, found: () => undefined }).until({ signal });
});

test('another key is told of once and waited past', async () => {
  const { hid, sight, signal, clock } = stage();
  const others: string[] = [];
  const done = keyArrives(sight, 'blue', {
    takes: ({ serial }) => serial === 'B',
    other: ({ path }) => others.push(path),
    found: () => undefined,
  }).until({ signal });
  hid.plug(keyAt('/dev/hidraw1', { serial: 'A' }));
  await clock.advance(3_000);
  expect(others).toEqual(['/dev/hidraw1']);
  hid.plug(keyAt('/dev/hidraw2', { serial: 'B' }));
  await done;
});

test('a key that is pulled out is seen, and one that was not there', async () => {
  const { hid, sight, signal } = stage();
  hid.plug(keyAt('/dev/hidraw1'));
  hid.plug(keyAt('/dev/hidraw2'));
  const done = keyLeaves(sight, 'blue', '/dev/hidraw1').until({ signal });
  expect(await settled(done)).toBe(false);
  hid.pull('/dev/hidraw2');
  expect(await settled(done)).toBe(false);
  hid.pull('/dev/hidraw1');
  await done;
  await keyLeaves(sight, 'blue', '/dev/hidraw1').until({ signal });
});

test('a host that tells of nothing is looked at every second', async () => {
  const { hid, sight, signal, clock } = stage();
  hid.silent = true;
  hid.plug(keyAt('/dev/hidraw1'));
  const done = noKeys(sight).until({ signal });
  await clock.advance(1_500);
  hid.pull('/dev/hidraw1');
  expect(await settled(done)).toBe(false);
  await clock.advance(1_000);
  await done;
});

test('a host that cannot be asked is a failure, not a wait', async () => {
  const { hid, sight, signal, clock } = stage();
  hid.fault = new Error('no udev');
  await expect(noKeys(sight).until({ signal })).rejects.toThrow('no udev');
  expect([hid.watchers, clock.pending]).toEqual([0, 0]);
});

test('an abort ends the look with its reason and leaves nothing behind', async () => {
  const { hid, sight, signal, clock, abort } = stage();
  hid.plug(keyAt('/dev/hidraw1'));
  const done = noKeys(sight).until({ signal });
  done.catch(() => undefined);
  await settle();
  abort.abort(new Error('over'));
  await expect(done).rejects.toThrow('over');
  await settle();
  expect([hid.watchers, clock.pending]).toEqual([0, 0]);
});

test('anything that is told of can be waited for', async () => {
  const { signal } = stage();
  async function* changes(): AsyncIterable<number> {
    yield 1;
    yield 2;
  }
  await eventually('it is two', changes, (n) => n === 2).until({ signal });
  await expect(eventually('it is three', changes, (n) => n === 3).until({ signal })).rejects.toThrow(
    'nothing is told of it any more',
  );
});
