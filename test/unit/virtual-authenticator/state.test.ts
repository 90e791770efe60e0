/** What the virtual authenticator keeps without power: in a file, over power cycles, and against damage. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromHex } from '../../../drivers/base/bytes.ts';
import { PROFILES } from '../../../hal-mocks/fido2/profile.ts';
import { seededEntropy } from '../../../hal-mocks/fido2/seeded.ts';
import { decodeState, encodeState, freshState } from '../../../hal-mocks/fido2/state.ts';
import { StateFile } from '../../../hal-mocks/fido2/state-file.ts';
import {
  credentialIdOf,
  descriptor,
  getParameters,
  makeParameters,
  padded,
  RawHost,
  setPin,
  token,
} from './raw-host.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unlockd-authenticator-'));
  path = join(folder, 'state');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('a state file', () => {
  it('carries PIN, tries, credentials and counter to the next process', async () => {
    const first = new RawHost({ store: new StateFile(path) });
    const cid = await first.open();
    const id = credentialIdOf((await first.ctap(cid, 0x01, makeParameters([[7, new Map([['rk', true]])]]))).body);
    await setPin(first, cid, padded('12345678'));
    await token(first, cid, 'wrong', {});

    const second = new RawHost({ store: new StateFile(path), seed: '99' });
    expect(second.authenticator.state).toEqual(first.authenticator.state);
    expect(second.authenticator.state.pinRetries).toBe(7);
    const again = await second.open();
    expect((await second.ctap(again, 0x02, getParameters([[3, [descriptor(id)]]]))).status).toBe(0);
    expect((await second.ctap(again, 0x02, getParameters())).status).toBe(0);
  });

  it('is readable by its owner alone, and leaves no other file beside it', async () => {
    new RawHost({ store: new StateFile(path) });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['state']);
  });

  it.each([
    ['cut short', (bytes: Uint8Array) => bytes.slice(0, -1)],
    ['of another version', (bytes: Uint8Array) => bytes.with(2, 9)],
    ['followed by a byte', (bytes: Uint8Array) => Uint8Array.of(...bytes, 0)],
    ['empty', () => new Uint8Array(0)],
    ['text', () => new TextEncoder().encode('{}')],
  ])('that is %s is refused and not overwritten', async (_title, damage) => {
    new RawHost({ store: new StateFile(path) });
    const damaged = damage(new Uint8Array(await readFile(path)));
    await writeFile(path, damaged);
    expect(() => new RawHost({ store: new StateFile(path) })).toThrowError(
      expect.objectContaining({ code: 'ERR_HAL_MOCK_STATE' }),
    );
    expect(new Uint8Array(await readFile(path))).toEqual(damaged);
  });

  it('that cannot be written is a typed error', () => {
    expect(() => new RawHost({ store: new StateFile(join(folder, 'missing', 'state')) })).toThrowError(
      expect.objectContaining({ code: 'ERR_HAL_IO' }),
    );
  });
});

describe('the encoded state', () => {
  it('decodes to what it was', () => {
    const state = freshState(PROFILES['2.1'], seededEntropy(fromHex('07')));
    state.pinHash = new Uint8Array(16).fill(3);
    state.residents = [
      {
        id: new Uint8Array(61).fill(1),
        rpId: 'example.org',
        user: { id: Uint8Array.of(1), name: 'n', displayName: null },
        serial: 4,
        credBlob: Uint8Array.of(9, 9),
      },
    ];
    state.templates = [
      { id: new Uint8Array(16).fill(5), name: null, finger: 'thumb' },
      { id: new Uint8Array(16).fill(6), name: 'other', finger: 'index' },
    ];
    state.minPinLengthRpIds = ['example.org'];
    state.enterpriseAttestation = true;
    state.largeBlobs = new Uint8Array(100).fill(7);
    expect(decodeState(encodeState(state))).toEqual(state);
  });
});

describe('a seed', () => {
  it('makes two authenticators the same, and another seed another one', async () => {
    const ids: Uint8Array[] = [];
    for (const seed of ['0a', '0a', '0b']) {
      const host = new RawHost({ seed });
      ids.push(credentialIdOf((await host.ctap(await host.open(), 0x01, makeParameters())).body));
    }
    expect(ids[1]).toEqual(ids[0]);
    expect(ids[2]).not.toEqual(ids[0]);
  });
});
