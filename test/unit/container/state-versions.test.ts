/** State files of every version that was ever written: read for ever, and refused by name when damaged or newer. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DurableFiles } from '../../../agent/container/durable-files.ts';
import { decodeState, encodeState } from '../../../agent/container/envelope.ts';
import { CONTAINER_STATE, MACHINE_STATE } from '../../../agent/container/state.ts';
import { StateStore } from '../../../agent/container/store.ts';
import { fromHex, toHex } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { SAMPLE_STATE, SAMPLE_STATE_2, SAMPLE_STATE_3 } from '../../support/container/sample-state.ts';

const fixture = async (name: string): Promise<Uint8Array> =>
  fromHex((await readFile(new URL(`../../fixtures/state/${name}`, import.meta.url), 'utf8')).replaceAll(/\s/g, ''));

describe('a container file', () => {
  it.each([
    ['of version 1, which had no signers', 'container-v1.hex', SAMPLE_STATE],
    ['of version 2, which had no fingers', 'container-v2.hex', SAMPLE_STATE_2],
    ['of version 3', 'container-v3.hex', SAMPLE_STATE_3],
  ] as const)('%s is read as what it was made of', async (_, name, sample) => {
    expect(decodeState(CONTAINER_STATE, await fixture(name))).toEqual(sample);
  });

  it('of version 3 is still what this version writes', async () => {
    expect(CONTAINER_STATE.version).toBe(3);
    expect(toHex(encodeState(CONTAINER_STATE, SAMPLE_STATE_3))).toBe(toHex(await fixture('container-v3.hex')));
  });

  it('of version 1 is written as today’s when it changes', async () => {
    const read = decodeState(CONTAINER_STATE, await fixture('container-v1.hex'));
    const written = encodeState(CONTAINER_STATE, { ...read, highestSigned: 8 });
    expect(decodeState(CONTAINER_STATE, written)).toEqual({ ...SAMPLE_STATE, highestSigned: 8 });
    expect(toHex(written)).not.toBe(toHex(await fixture('container-v1.hex')));
  });

  it('is no file of another kind: ERR_STATE_CORRUPT', async () => {
    const file = await fixture('container-v1.hex');
    expect(() => decodeState(MACHINE_STATE, file)).toThrow(expect.objectContaining({ code: 'ERR_STATE_CORRUPT' }));
  });
});

describe('a file of a newer version', () => {
  it('is ERR_STATE_NEWER and is not touched', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'newer-'));
    try {
      const store = new StateStore(folder, new DurableFiles(), systemClock);
      await store.open();
      const path = join(folder, 'containers', '1000.state');
      const newer = encodeState({ ...CONTAINER_STATE, version: CONTAINER_STATE.version + 1 }, SAMPLE_STATE);
      await writeFile(path, newer);
      await expect(store.readContainer(1000)).rejects.toMatchObject({ code: 'ERR_STATE_NEWER' });
      expect(toHex(new Uint8Array(await readFile(path)))).toBe(toHex(newer));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('a damaged file', () => {
  it('is kept aside under a name that says so, and its place stays refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'damaged-'));
    try {
      const store = new StateStore(folder, new DurableFiles(), systemClock);
      await store.open();
      const file = encodeState(CONTAINER_STATE, SAMPLE_STATE);
      file[200] = (file[200] ?? 0) ^ 1;
      await writeFile(join(folder, 'containers', '1000.state'), file);
      const corrupt = { code: 'ERR_STATE_CORRUPT' };
      await expect(store.readContainer(1000)).rejects.toMatchObject(corrupt);
      const [aside = ''] = await readdir(join(folder, 'containers'));
      expect(aside).toMatch(/^1000\.state\.corrupt-\d+$/);
      expect(toHex(new Uint8Array(await readFile(join(folder, 'containers', aside))))).toBe(toHex(file));
      await expect(store.readContainer(1000)).rejects.toMatchObject(corrupt);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
