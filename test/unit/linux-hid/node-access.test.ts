/** What is said when a security key is there and may not be opened: exactly what is missing, by what the host knows. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../drivers/base/clock.ts';
import { openError } from '../../../drivers/linux/hid/hid-errors.ts';
import { openLinuxHid } from '../../../drivers/linux/hid/linux-hid.ts';
import { type NodeAccess, readNodeAccess, unopenableWords } from '../../../drivers/linux/hid/node-access.ts';

const USER = { platform: 'linux', uid: 1000, groups: [1000] } as const;
const CLOSED: NodeAccess = { owner: 0, group: 0, groupName: 'root', mode: 0o600, tags: [] };

describe('a key that may not be opened', () => {
  it.each([
    ['no rule gives it to anybody', CLOSED, USER, /no udev rule gives it to anybody.*70-unlockd\.rules/],
    ['udev has no entry of it', { ...CLOSED, tags: null }, USER, /no udev rule/],
    [
      'the rule is there and the user is not at the seat',
      { ...CLOSED, tags: ['seat', 'uaccess'] },
      USER,
      /only to who sits at this machine.*use sudo$/,
    ],
    [
      'the rule is there, and a group too',
      { ...CLOSED, tags: ['uaccess'], group: 990, groupName: 'unlockd', mode: 0o660 },
      USER,
      /use sudo, or be in the group unlockd$/,
    ],
    [
      'there is only a group',
      { ...CLOSED, group: 990, groupName: null, mode: 0o660 },
      USER,
      /group gid 990, mode 0660, and this user is not in that group$/,
    ],
    [
      'the group would let him, and something else does not',
      { ...CLOSED, group: 990, groupName: 'unlockd', mode: 0o660 },
      { ...USER, groups: [1000, 990] },
      /something else forbids it.*DeviceAllow=char-hidraw rw/,
    ],
    ['it is root who may not', CLOSED, { ...USER, uid: 0 }, /something else forbids it/],
    ['nothing is known of the node', null, USER, /uid 1000: permission denied$/],
    ['it is Windows', null, { ...USER, platform: 'win32' }, /only administrators.*start this as administrator$/],
  ] as const)('because %s', (_why, access, caller, words) => {
    expect(unopenableWords('/dev/hidraw3', access, caller)).toMatch(words);
    expect(unopenableWords('/dev/hidraw3', access, caller)).toMatch(/^\/dev\/hidraw3/);
  });
});

describe('an open that failed', () => {
  it.each([
    ['win32', 'cannot open device with path \\\\?\\hid#vid_1209', 'ERR_HAL_PERMISSION'],
    ['win32', 'hid_open_path: CreateFile: (0x00000005) Access is denied.', 'ERR_HAL_PERMISSION'],
    ['linux', 'cannot open device with path /dev/hidraw0', 'ERR_HAL_NOT_FOUND'],
    ['linux', 'cannot open device with path /dev/hidraw0: Permission denied', 'ERR_HAL_PERMISSION'],
  ] as const)('on %s with "%s" is %s', (platform, text, code) => {
    expect(openError(new TypeError(text), 'a path', platform)).toMatchObject({ code });
  });
});

describe('what the host knows of a node', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'unlockd-node-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is its owner, group and mode, and its tags in the database of udev', async () => {
    // Any character device will do; its number names the entry.
    const path = '/dev/null';
    const groups = join(folder, 'group');
    writeFileSync(groups, 'daemon:x:1:\nsomething:x:0:alice\n');
    writeFileSync(join(folder, 'c1:3'), 'S:x\nE:ID_FIDO_TOKEN=1\nG:uaccess\nG:seat\nQ:uaccess\nV:1\n');
    expect(await readNodeAccess(path, { udevData: folder, groups })).toEqual({
      owner: 0,
      group: 0,
      groupName: 'something',
      mode: statSync(path).mode & 0o777,
      tags: ['uaccess', 'seat'],
    });
    expect(await readNodeAccess(path, { udevData: join(folder, 'none'), groups: join(folder, 'none') })).toMatchObject({
      groupName: null,
      tags: null,
    });
    expect(await readNodeAccess(join(folder, 'hidraw9'))).toBeNull();
  });

  it('stands in the message of the host', async () => {
    const load = async () => ({
      devicesAsync: async () => [],
      open: async () => {
        throw new TypeError('Permission denied');
      },
    });
    const hid = openLinuxHid({ clock: systemClock, load });
    const opening = hid.open('/dev/null', { signal: new AbortController().signal });
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_HAL_PERMISSION',
      message: expect.stringMatching(/^\/dev\/null may not be opened by uid \d+, /),
    });
  });
});
