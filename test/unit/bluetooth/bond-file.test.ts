import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseBond, readBond } from '../../../drivers/linux/bluetooth/bond-file.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const link = (type: string): string => `[LinkKey]\nKey=00112233445566778899AABBCCDDEEFF\nType=${type}\nPINLength=0\n`;
const longTerm = (authenticated: string, name = 'LongTermKey'): string =>
  `[${name}]\nKey=00112233445566778899AABBCCDDEEFF\nAuthenticated=${authenticated}\nEncSize=16\n`;

/** As bluetoothd 5.66 wrote it of a phone with both bearers. */
const WHOLE = `[LinkKey]
Key=00112233445566778899AABBCCDDEEFF
Type=8
PINLength=0

[General]
Name=A phone = with [everything]
Class=0x5a020c
AddressType=public
SupportedTechnologies=BR/EDR;LE;
Trusted=true
Blocked=false
Services=0000110a-0000-1000-8000-00805f9b34fb;

[LongTermKey]
Key=FFEEDDCCBBAA99887766554433221100
Authenticated=3
EncSize=16
EDiv=0
Rand=0

[IdentityResolvingKey]
Key=9B7D390AA610103405ADC857A33402EC

[ConnectionParameters]
MinInterval=24
`;

describe('a bond file', () => {
  it('tells how its keys were agreed, and the identity key with its most significant byte first', () => {
    const bond = parseBond(bytes(WHOLE));
    expect(bond).toMatchObject({ linkKey: 'authenticated', longTermKey: 'authenticated' });
    expect(Buffer.from(bond?.identityKey ?? []).toString('hex')).toBe('ec0234a357c8ad05341010a60a397d9b');
  });

  it.each([
    ['8', 'authenticated'],
    ['5', 'authenticated'],
    ['7', 'unauthenticated'],
    ['4', 'unauthenticated'],
    ['0', 'unauthenticated'],
    ['3', 'debug'],
    ['1', 'unknown'],
    ['6', 'unknown'],
    ['9', 'unknown'],
    ['88', 'unknown'],
    ['', 'unknown'],
    ['true', 'unknown'],
    ['constructor', 'unknown'],
    ['-8', 'unknown'],
    ['8.0', 'unknown'],
  ])('with a link key of type %j has one that is %s', (type, strength) => {
    expect(parseBond(bytes(link(type)))).toMatchObject({ linkKey: strength, longTermKey: null, identityKey: null });
  });

  it.each([
    ['1', 'authenticated'],
    ['3', 'authenticated'],
    ['0', 'unauthenticated'],
    ['2', 'unauthenticated'],
    ['4', 'debug'],
    ['true', 'unknown'],
    ['5', 'unknown'],
  ])('with a long-term key that is authenticated %j has one that is %s', (authenticated, strength) => {
    expect(parseBond(bytes(longTerm(authenticated)))?.longTermKey).toBe(strength);
  });

  it('takes a key of the peripheral only where it serves both roles, and the weakest of several', () => {
    expect(parseBond(bytes(longTerm('1', 'SlaveLongTermKey')))?.longTermKey).toBeNull();
    expect(parseBond(bytes(longTerm('3', 'PeripheralLongTermKey')))?.longTermKey).toBe('authenticated');
    const both = longTerm('3') + longTerm('4', 'PeripheralLongTermKey');
    expect(parseBond(bytes(both))?.longTermKey).toBe('debug');
  });

  it('has a digest that changes with its key and with nothing else, and does not show the key', () => {
    const key = '00112233445566778899AABBCCDDEEFF';
    const text = (digits: string, type = '8') => `[LinkKey]\nKey=${digits}\nType=${type}\n`;
    const digest = (written: string) => parseBond(bytes(written))?.bonds.linkKey;
    const known = digest(text(key));
    expect(known).toMatch(/^[0-9a-f]{64}$/);
    expect(digest(text(key.toLowerCase(), '5'))).toBe(known);
    expect(digest(`[General]\nName=x\n${text(key)}`)).toBe(known);
    expect(digest(text(`${key.slice(0, -1)}E`))).not.toBe(known);
    expect(known).not.toContain(key.toLowerCase().slice(0, 8));
    expect(digest('[LinkKey]\nKey=00\nType=8\n')).toBeNull();
    const le = parseBond(bytes(`[LongTermKey]\nKey=${key}\nAuthenticated=1\n`))?.bonds;
    expect(le).toEqual({ linkKey: null, longTermKey: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(le?.longTermKey).not.toBe(known);
  });

  it('without a type has a key of which nothing is known', () => {
    expect(parseBond(bytes('[LinkKey]\nKey=00\n'))?.linkKey).toBe('unknown');
  });

  it.each([
    ['all zero', '00000000000000000000000000000000'],
    ['too short', '9B7D390AA610103405ADC857A33402'],
    ['too long', '9B7D390AA610103405ADC857A33402ECEC'],
    ['no digits', 'ZB7D390AA610103405ADC857A33402EC'],
    ['empty', ''],
  ])('with an identity key that is %s has none', (_, key) => {
    expect(parseBond(bytes(`[IdentityResolvingKey]\nKey=${key}\n`))?.identityKey).toBeNull();
  });

  it.each([
    ['a group twice', link('4') + link('8')],
    ['a key twice', '[LinkKey]\nType=4\nType=8\n'],
    ['a key outside of every group', `Type=8\n${link('8')}`],
    ['a line that is neither', `${link('8')}nonsense\n`],
    ['a NUL', `${link('8')}\0`],
    ['more lines than any bond has', '\n'.repeat(5000)],
    ['more bytes than any bond has', `${link('8')}#${'x'.repeat(70_000)}`],
    ['a group without a name', '[]\nType=8\n'],
  ])('with %s is none', (_, text) => {
    expect(parseBond(bytes(text))).toBeNull();
  });

  it('of any bytes is a bond or none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.string().map(bytes)), (input) => {
        const bond = parseBond(input);
        expect(bond === null || typeof bond === 'object').toBe(true);
      }),
    );
  });

  it('that was damaged anywhere never has a better key than it had', () => {
    const good = bytes(link('4'));
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const damaged = Uint8Array.from(good);
        damaged[at] = byte;
        const bond = parseBond(damaged);
        // But for the one digit that says so.
        if (good[at] !== 0x34) expect(bond?.linkKey ?? 'unknown').not.toBe('authenticated');
      }),
    );
  });
});

describe('reading a bond file', () => {
  const [ADAPTER, DEVICE] = ['00:01:02:03:04:05', '0C:11:22:33:44:01'];
  let folder: string;
  let info: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'unlockd-bonds-'));
    await mkdir(join(folder, ADAPTER, DEVICE), { recursive: true });
    info = join(folder, ADAPTER, DEVICE, 'info');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const read = () => readBond(folder, ADAPTER, DEVICE);

  it('gives what stands in it', async () => {
    await writeFile(info, link('8'), { mode: 0o600 });
    expect(await read()).toMatchObject({ linkKey: 'authenticated' });
  });

  it('gives nothing where there is none, or no folder', async () => {
    expect(await read()).toBeNull();
    expect(await readBond(join(folder, 'none'), ADAPTER, DEVICE)).toBeNull();
  });

  it('follows no link, of the file or of the folder', async () => {
    const other = join(folder, 'other');
    await mkdir(other);
    await writeFile(join(other, 'info'), link('8'), { mode: 0o600 });
    await symlink(join(other, 'info'), info);
    expect(await read()).toBeNull();
    await symlink(other, join(folder, ADAPTER, '0C:11:22:33:44:02'));
    expect(await readBond(folder, ADAPTER, '0C:11:22:33:44:02')).toBeNull();
  });

  it('does not wait at a pipe, and reads no folder', async () => {
    execFileSync('mkfifo', [info]);
    expect(await read()).toBeNull();
    await rm(info);
    await mkdir(info);
    expect(await read()).toBeNull();
  });

  it('reads nothing that is huge', async () => {
    await writeFile(info, link('8'), { mode: 0o600 });
    await truncate(info, 8 * 1024 * 1024 * 1024);
    expect(await read()).toBeNull();
  });

  it('does not believe a file that others may write', async () => {
    await writeFile(info, link('8'), { mode: 0o600 });
    for (const mode of [0o620, 0o602, 0o666]) {
      await chmod(info, mode);
      expect(await read()).toBeNull();
    }
  });
});
