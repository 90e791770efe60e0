/** The configuration's words for a TPM: what they name, and what is refused before anything is opened. */
import { describe, expect, it } from 'vitest';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import { tctiManagesHandles } from '../../../drivers/linux/tpm/tctildr-transport.ts';

const whenever = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

const GOOD = [
  'swtpm:path=/run/unlockd/t.sock',
  'swtpm:host=127.0.0.1,port=2321',
  'swtpm:port=2321,host=::1',
  'device:/dev/tpmrm0',
  'tcti:tabrmd:bus_type=system',
  'tcti:mssim:host=localhost,port=2321',
];

const BAD: readonly (readonly [config: string, why: RegExp])[] = [
  ['', /unknown kind/],
  ['swtpm', /unknown kind/],
  ['/dev/tpmrm0', /unknown kind/],
  ['tpm:/dev/tpmrm0', /unknown kind/],
  ['swtpm:', /not a setting/],
  ['swtpm:path=t.sock', /not absolute/],
  ['swtpm:path=', /not absolute/],
  [`swtpm:path=/${'x'.repeat(107)}`, /at most 107 bytes/],
  ['swtpm:path=/a,port=1', /either a path/],
  ['swtpm:host=localhost', /either a path/],
  ['swtpm:port=2321', /either a path/],
  ['swtpm:host=a,port=0', /no such port/],
  ['swtpm:host=a,port=65536', /no such port/],
  ['swtpm:host=a,port=1e3', /no such port/],
  ['swtpm:host=,port=1', /no host/],
  ['swtpm:path=/a,path=/b', /not a setting/],
  ['swtpm:path=/a\0b', /control characters/],
  ['device:tpmrm0', /not absolute/],
  ['device:', /not absolute/],
  ['tcti:', /without its configuration/],
  ['tcti:swtpm', /without its configuration/],
  ['tcti:swtpm:', /without its configuration/],
  ['tcti::path=/x', /without its configuration/],
];

describe('a TPM setting', () => {
  for (const config of GOOD) {
    it(`"${config}" names a TPM`, () => expect(linuxTpm(config).description).toBe(config));
  }
  for (const [config, why] of BAD) {
    it(`"${config.replace('\0', '\\0').slice(0, 40)}" is refused`, () => {
      expect(() => linuxTpm(config)).toThrow(expect.objectContaining({ code: 'ERR_TPM_SETTING' }));
      expect(() => linuxTpm(config)).toThrow(why);
    });
  }

  it('that names what is not there is ERR_HAL_NOT_FOUND, and nothing else is tried', async () => {
    const nowhere = ['swtpm:path=/nonexistent/t.sock', 'device:/nonexistent/tpm', 'swtpm:host=127.0.0.1,port=1'];
    for (const config of nowhere) {
      await expect(linuxTpm(config).open(whenever())).rejects.toMatchObject({ code: 'ERR_HAL_NOT_FOUND' });
    }
  });

  it('says which TCTI has handles of its own', () => {
    const own = ['tabrmd:bus_type=system', 'device:/dev/tpmrm0', 'device:/dev/tpmrm12'];
    const shared = ['device:/dev/tpm0', 'swtpm:path=/x', 'mssim:port=1', 'device:/dev/tpmrm', 'cmd:tabrmd'];
    expect(own.map(tctiManagesHandles)).toEqual(own.map(() => true));
    expect(shared.map(tctiManagesHandles)).toEqual(shared.map(() => false));
  });
});
