/** The daemon's own limit on wrong PINs: survives a restart, a clock that jumps and a damaged file; costs waits only. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DurableFiles } from '../../../agent/container/durable-files.ts';
import { PinTries } from '../../../agent/container/tries.ts';
import { milliseconds, unixMs } from '../../../drivers/base/brand.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';

const LIMIT = { tries: 5, forgetAfter: milliseconds(60_000) };
let folder: string;
let now: number;
const clock: Clock = { ...systemClock, wall: () => unixMs(now) };
/** A daemon that has just started. */
const tries = () => new PinTries(folder, 1000, new DurableFiles(), clock, LIMIT);
const file = () => join(folder, 'containers', '1000.tries');
const limited = { code: 'ERR_PIN_SOFT_LIMIT' };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tries-'));
  await mkdir(join(folder, 'containers'));
  now = 1_000_000;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const spend = async (count: number): Promise<number[]> => {
  const left: number[] = [];
  for (let i = 0; i < count; i++) left.push(await tries().begin());
  return left;
};

it('counts down over restarts and refuses at the limit, with the seconds to wait', async () => {
  expect(await spend(5)).toEqual([4, 3, 2, 1, 0]);
  await expect(tries().begin()).rejects.toMatchObject({ ...limited, detail: { waitSeconds: 60 } });
  expect(await tries().left()).toBe(0);
});

it('forgets one try after each span, and all after a right PIN', async () => {
  await spend(5);
  now += 60_000;
  expect(await tries().left()).toBe(1);
  expect(await tries().begin()).toBe(0);
  await expect(tries().begin()).rejects.toMatchObject(limited);
  await tries().succeeded();
  expect(await tries().left()).toBe(5);
});

it('gives a try back that the TPM did not judge', async () => {
  await spend(2);
  await tries().takeBack();
  expect(await tries().left()).toBe(4);
});

it('a clock that goes back starts the wait anew: it gives no try, and the wait ends', async () => {
  now += 1e12;
  await spend(5);
  now -= 1e12;
  await expect(tries().begin()).rejects.toMatchObject({ ...limited, detail: { waitSeconds: 60 } });
  now += 59_000;
  await expect(tries().begin()).rejects.toMatchObject(limited);
  now += 1000;
  expect(await tries().begin()).toBe(0);
});

it.each([
  ['damaged', 'rubbish'],
  ['empty', ''],
])('a %s file counts as "at the limit, just now"', async (_, content) => {
  await writeFile(file(), content);
  await expect(tries().begin()).rejects.toMatchObject(limited);
  now += 60_000;
  expect(await tries().begin()).toBe(0);
});
