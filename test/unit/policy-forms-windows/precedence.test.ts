/** Several sources of one machine: user over computer, Group Policy over CSP, each setting as a whole. */
import { describe, expect, test } from 'vitest';
import { readWindowsPolicies } from '../../../agent/policy/forms/windows/read.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';

const PIN = '{D6886603-9D2F-4EB2-B667-1971041FA96B}';
const FACE = '{8AF662BF-65A0-4D0A-A540-A338A999D36F}';
const FINGER = '{BEC09223-B018-416D-A0AC-523971B639F5}';
const key = (hive: string, below = '') => `[${hive}\\SOFTWARE\\Policies\\Microsoft\\PassportForWork${below}]`;
const reg = (name: string, body: string) => ({ name, data: `Windows Registry Editor Version 5.00\n\n${body}\n` });
const csp = (name: string, nodes: Readonly<Record<string, unknown>>) => ({ name, data: JSON.stringify(nodes) });
const history = (scope: string) => `./${scope}/Vendor/MSFT/PassportForWork/{TenantId}/Policies/PINComplexity/History`;

/** Each source says another number, so that the number tells who won. */
const sources = [
  reg('user.reg', `${key('HKEY_CURRENT_USER', '\\PINComplexity')}\n"History"=dword:1`),
  reg('computer.reg', `${key('HKEY_LOCAL_MACHINE', '\\PINComplexity')}\n"History"=dword:2`),
  csp('user.json', { [history('User')]: 3 }),
  csp('device.json', { [history('Device')]: 4 }),
];

describe('who wins', () => {
  for (let chosen = 1; chosen < 16; chosen += 1) {
    const present = sources.filter((_source, i) => chosen & (1 << i));
    test(`${present.map(({ name }) => name).join(', ')}: the first, in whichever order they are read`, () => {
      const expected = Math.log2(chosen & -chosen) + 1;
      for (const inputs of [present, present.toReversed()]) {
        const { policy, notes } = readWindowsPolicies(inputs);
        expect(policy.pinComplexity).toEqual({ history: expected });
        expect(notes.map(({ code }) => code)).toEqual(present.slice(1).map(() => 'overridden'));
      }
    });
  }

  test('a note tells what lost, where it stood, and to whom', () => {
    const { notes } = readWindowsPolicies(sources.slice(1));
    expect(notes).toMatchObject([
      {
        words: expect.stringMatching(
          /History from the CSP policy of the user lost to the Group Policy of the computer/,
        ),
      },
      {
        words: expect.stringMatching(/from the CSP policy of the device lost/),
        where: expect.stringMatching(/device\.json/),
      },
    ]);
  });

  test('settings that only the weaker source has are kept', () => {
    const minimum = './Device/Vendor/MSFT/PassportForWork/{TenantId}/Policies/PINComplexity/MinimumPINLength';
    const { policy } = readWindowsPolicies([...sources, csp('more.json', { [minimum]: 9 })]);
    expect(policy.pinComplexity).toEqual({ history: 1, minimumPINLength: 9 });
  });
});

describe('a setting of several values', () => {
  const unlock = (name: string) => `./Device/Vendor/MSFT/PassportForWork/DeviceUnlock/${name}`;
  const rule = '<rule schemaVersion="1.0"><signal type="bluetooth" scenario="Authentication"/></rule>';
  const computer = reg(
    'computer.reg',
    `${key('HKEY_LOCAL_MACHINE', '\\DeviceUnlock')}\n"GroupA"="${PIN}"\n"GroupB"="${FACE}"`,
  );
  const device = csp('device.json', {
    [unlock('GroupA')]: FINGER,
    [unlock('GroupB')]: PIN,
    [unlock('Plugins')]: rule,
  });

  test('is never mixed of two sources: the rules of the loser do not come along', () => {
    const { policy, notes } = readWindowsPolicies([computer, device]);
    expect(policy).toEqual({ groupA: ['pin'], groupB: ['face'], rules: [], nodes: [] });
    expect(notes.map(({ code }) => code)).toEqual(['overridden', 'overridden', 'overridden']);
  });
  test('a list of the stronger source alone is not completed from the weaker one', () => {
    const half = reg('half.reg', `${key('HKEY_LOCAL_MACHINE', '\\DeviceUnlock')}\n"GroupA"="${PIN}"`);
    expect(() => readWindowsPolicies([half, device])).toThrowError(
      expect.objectContaining({ code: 'ERR_POLICY_WINDOWS_GROUP_MISSING' }),
    );
  });
});

describe('equally strong sources', () => {
  test('agree silently', () => {
    const again = csp('again.json', { [history('Device')]: 4 });
    expect(readWindowsPolicies([...sources.slice(3), again])).toMatchObject({ notes: [] });
  });
  test('that differ are refused, naming both', () => {
    const other = csp('other.json', { [history('Device')]: 5 });
    try {
      readWindowsPolicies([...sources.slice(3), other]);
      expect.unreachable();
    } catch (error) {
      expect(isUnlockdError(error, 'ERR_POLICY_WINDOWS_AMBIGUOUS')).toBe(true);
      expect(String(error)).toMatch(/other\.json.*device\.json/);
    }
  });
});
