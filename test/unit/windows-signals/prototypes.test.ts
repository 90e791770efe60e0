/** That the declarations of Windows' functions are understood by the binding; what they do has not run on a Windows. */
import { describe, expect, it } from 'vitest';
import * as bluetooth from '../../../drivers/windows/bluetooth/library.ts';
import * as network from '../../../drivers/windows/network/library.ts';
import * as wifi from '../../../drivers/windows/wifi/library.ts';
import { koffi } from '../../support/windows/layouts.ts';

const onThisMachine = (prototype: string): string => prototype.replace('__stdcall ', '');
const all = { ...network.PROTOTYPES, ...wifi.PROTOTYPES, ...bluetooth.PROTOTYPES };

describe('the functions of Windows', () => {
  for (const callback of [network.CALLBACK, wifi.CALLBACK]) koffi.proto(onThisMachine(callback));
  koffi.struct('CRYPT_HASH_BLOB', wifi.STRUCTS.CRYPT_HASH_BLOB);

  it.each(Object.values(all))('of %s: %s', (_, prototype) => {
    expect(koffi.proto(onThisMachine(prototype))).toBeDefined();
  });
});
