import { describe, expect, it } from 'vitest';
import { KeysAhead } from '../../../agent/service/key-ahead.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { HidConnection, HidDeviceInfo, HidHal } from '../../../drivers/hal/hid.ts';

const never = { signal: new AbortController().signal };

const device = (path: string): HidDeviceInfo => ({
  path,
  vendorId: 1,
  productId: 2,
  manufacturer: null,
  product: null,
  serial: null,
  usagePage: 0xf1d0,
  usage: 1,
});

/** A host that writes down what is asked of it. */
function host(paths: string[], failing: readonly string[] = []) {
  const told: string[] = [];
  const hid: HidHal = {
    list: async () => {
      told.push('list');
      return paths.map(device);
    },
    open: async (path) => {
      told.push(`open ${path}`);
      if (failing.includes(path)) throw new UnlockdError('ERR_HAL_PERMISSION', path);
      const close = async () => {
        told.push(`close ${path}`);
      };
      const silent = () => Promise.reject(new Error('nothing is to be sent'));
      const reportSize = { input: 64, output: 64 };
      return { reportSize, write: silent, read: silent, close, [Symbol.asyncDispose]: close } satisfies HidConnection;
    },
    watch: async function* () {},
  };
  return { hid, told, paths };
}

describe('security keys that are opened ahead', () => {
  it('are listed once and handed out open', async () => {
    const { hid, told } = host(['a', 'b']);
    await using ahead = new KeysAhead(hid);
    expect((await ahead.hid.list(never)).map(({ path }) => path)).toEqual(['a', 'b']);
    await ahead.hid.open('b', never);
    expect(told).toEqual(['list', 'open a', 'open b']);
  });

  it('are closed when nobody takes them, and those that were taken are not', async () => {
    const { hid, told } = host(['a', 'b']);
    const ahead = new KeysAhead(hid);
    await ahead.hid.open('b', never);
    await ahead[Symbol.asyncDispose]();
    await ahead[Symbol.asyncDispose]();
    expect(told.filter((line) => line.startsWith('close'))).toEqual(['close a']);
  });

  it('are closed also when that comes before the list is there', async () => {
    const { hid, told } = host(['a']);
    await new KeysAhead(hid)[Symbol.asyncDispose]();
    expect(told.filter((line) => line.startsWith('open')).length).toBe(
      told.filter((line) => line.startsWith('close')).length,
    );
  });

  it('are opened anew the second time', async () => {
    const { hid, told } = host(['a']);
    await using ahead = new KeysAhead(hid);
    await ahead.hid.open('a', never);
    await ahead.hid.open('a', never);
    expect(told).toEqual(['list', 'open a', 'open a']);
  });

  it('are asked for again where there was none, and at the second time', async () => {
    const empty = host([]);
    await using ahead = new KeysAhead(empty.hid);
    await Promise.resolve();
    empty.paths.push('late');
    expect((await ahead.hid.list(never)).map(({ path }) => path)).toEqual(['late']);
    const { hid, told } = host(['a']);
    await using other = new KeysAhead(hid);
    await other.hid.list(never);
    await other.hid.list(never);
    expect(told.filter((line) => line === 'list').length).toBe(2);
  });

  it('tell their failures to whoever asks for them', async () => {
    const { hid, told } = host(['a'], ['a']);
    await using ahead = new KeysAhead(hid);
    await expect(ahead.hid.open('a', never)).rejects.toMatchObject({ code: 'ERR_HAL_PERMISSION' });
    expect(told).toEqual(['list', 'open a', 'open a']);
  });

  it('are closed for whoever has given up', async () => {
    const { hid, told } = host(['a']);
    await using ahead = new KeysAhead(hid);
    const reason = new Error('enough');
    await expect(ahead.hid.open('a', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(told).toEqual(['list', 'open a', 'close a']);
  });
});
