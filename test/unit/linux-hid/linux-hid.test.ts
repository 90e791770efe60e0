import { EventEmitter } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { concat, fromHex, toHex } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import type { HidDeviceInfo, HidEvent } from '../../../drivers/hal/hid.ts';
import { fidoDevices } from '../../../drivers/linux/hid/device-list.ts';
import { openError, transferError } from '../../../drivers/linux/hid/hid-errors.ts';
import { watchHid } from '../../../drivers/linux/hid/hid-watch.ts';
import { readReportDescriptor } from '../../../drivers/linux/hid/hidraw-sysfs.ts';
import { openLinuxHid } from '../../../drivers/linux/hid/linux-hid.ts';
import { LinuxHidConnection } from '../../../drivers/linux/hid/linux-hid-connection.ts';
import type { NodeHidDevice, NodeHidHandle } from '../../../drivers/linux/hid/node-hid.ts';
import { PendingReleases } from '../../../drivers/linux/hid/pending-releases.ts';
import { parseReportDescriptor } from '../../../drivers/linux/hid/report-descriptor.ts';
import { MAX_QUEUED_REPORTS, ReportQueue } from '../../../drivers/linux/hid/report-queue.ts';

/** What most keys on the market have. */
const FIDO = '06d0f10901a1010920150026ff007508954081020921150026ff00750895409102c0';
const forever = new AbortController().signal;

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'unlockd-hid-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

describe('a report descriptor', () => {
  it.each([
    ['of a security key', FIDO, { usagePage: 0xf1d0, usage: 1, input: 64, output: 64, numbered: false }],
    [
      'of one with reports of 62 bytes',
      FIDO.replaceAll('9540', '953e'),
      { usagePage: 0xf1d0, usage: 1, input: 62, output: 62, numbered: false },
    ],
    ['with a usage of four bytes', `0b0100d0f1${FIDO.slice(10)}`, { usagePage: 0xf1d0, usage: 1 }],
    ['of a boot keyboard', '05010906a1010507c0', { usagePage: 1, usage: 6, input: 0, output: 0, numbered: false }],
    ['with numbered reports', '06d0f10901a10185010920150026ff00750895088102c0', { numbered: true, input: 8 }],
    ['with a long item', `fe0201aabb${FIDO}`, { usagePage: 0xf1d0, usage: 1 }],
  ])('%s is understood', (_, hex, expected) => {
    expect(parseReportDescriptor(fromHex(hex))).toMatchObject(expected);
  });

  it.each([
    ['nothing', ''],
    ['no collection', '06d0f10901'],
    ['an item cut off', '06d0'],
    ['reports of half a gigabyte', '06d0f10901a101750897ffffff1f8102c0'],
    ['more than the kernel takes', '00'.repeat(4097)],
  ])('with %s is none', (_, hex) => {
    expect(parseReportDescriptor(fromHex(hex))).toBeNull();
  });

  it('is read from the kernel, and only for hidraw nodes', async () => {
    const sys = await folder();
    await mkdir(join(sys, 'hidraw3', 'device'), { recursive: true });
    await writeFile(join(sys, 'hidraw3', 'device', 'report_descriptor'), fromHex(FIDO));
    expect(await readReportDescriptor('/dev/hidraw3', sys)).toMatchObject({ usagePage: 0xf1d0 });
    expect(await readReportDescriptor('/dev/hidraw4', sys)).toBeNull();
    expect(await readReportDescriptor('/dev/../hidraw3x', sys)).toBeNull();
  });
});

const device = (path: string, over: Partial<NodeHidDevice> = {}): NodeHidDevice => ({
  vendorId: 0x1050,
  productId: 0x407,
  path,
  release: 0,
  interface: 0,
  usagePage: 0xf1d0,
  usage: 1,
  ...over,
});

describe('the list of security keys', () => {
  it('has the FIDO collections only, once each, in the order of their paths', async () => {
    const found = await fidoDevices([
      device('/dev/hidraw2'),
      device('/dev/hidraw1', { usagePage: 1, usage: 6 }),
      device('/dev/hidraw0', { product: 'Key\u001b[31m\u202e', serialNumber: ' 12 ' }),
      device('/dev/hidraw0'),
      { ...device('x'), path: undefined },
    ]);
    expect(found.map(({ path }) => path)).toEqual(['/dev/hidraw0', '/dev/hidraw2']);
    expect(found[0]).toMatchObject({ product: 'Key[31m', serial: '12', manufacturer: null });
  });

  it('asks the kernel where hidapi does not know the usage', async () => {
    const sys = await folder();
    await mkdir(join(sys, 'hidraw7', 'device'), { recursive: true });
    await writeFile(join(sys, 'hidraw7', 'device', 'report_descriptor'), fromHex(FIDO));
    const unknown = { usagePage: 0, usage: 0 };
    const found = await fidoDevices([device('/dev/hidraw7', unknown), device('/dev/hidraw8', unknown)], sys);
    expect(found).toMatchObject([{ path: '/dev/hidraw7', usagePage: 0xf1d0, usage: 1 }]);
  });
});

describe('the text of an error', () => {
  const dlopen = Object.assign(
    new Error('libusb-1.0.so.0: cannot open shared object file: No such file or directory'),
    {
      code: 'ERR_DLOPEN_FAILED',
    },
  );

  it.each<[string, unknown, string]>([
    ['a missing libusb', dlopen, 'ERR_HAL_MODULE_MISSING'],
    ['a missing package', Object.assign(new Error('x'), { code: 'ERR_MODULE_NOT_FOUND' }), 'ERR_HAL_MODULE_MISSING'],
    [
      'a node of somebody else',
      new TypeError('cannot open device with path /dev/hidraw0: Permission denied'),
      'ERR_HAL_PERMISSION',
    ],
    [
      'a node that is gone',
      new TypeError('cannot open device with path /dev/hidraw0: No such file or directory'),
      'ERR_HAL_NOT_FOUND',
    ],
    ['anything else', new TypeError('something new'), 'ERR_HAL_IO'],
    ['a bare string', 'something new', 'ERR_HAL_IO'],
  ])('at opening: %s', (_, error, code) => {
    expect(openError(error, '/dev/hidraw0')).toMatchObject({ code, cause: error });
  });

  it('names the Debian package of a library that is missing', () => {
    expect(openError(dlopen, '/dev/hidraw0')).toMatchObject({ detail: { package: 'libusb-1.0-0' } });
  });

  it.each([
    ['No such device', 'ERR_HAL_DISCONNECTED'],
    ['could not read from HID device', 'ERR_HAL_IO'],
  ])('in use: %s', (text, code) => {
    expect(transferError(text, '/dev/hidraw0')).toMatchObject({ code });
  });

  it('of the package stays an error of its own through list and open', async () => {
    const hid = openLinuxHid({ load: () => Promise.reject(dlopen) });
    await expect(hid.list({ signal: forever })).rejects.toMatchObject({ code: 'ERR_HAL_MODULE_MISSING' });
    await expect(hid.open('/dev/hidraw0', { signal: forever })).rejects.toMatchObject({
      code: 'ERR_HAL_MODULE_MISSING',
    });
  });
});

describe('the queue of input reports', () => {
  it('splits merged reports, keeps order, and copies', async () => {
    const queue = new ReportQueue(2);
    const first = queue.next(forever);
    const merged = Uint8Array.of(1, 1, 2, 2, 3);
    queue.push(merged);
    merged.fill(9);
    const rest = [await first, await queue.next(forever), await queue.next(forever)];
    expect(rest.map(toHex)).toEqual(['0101', '0202', '03']);
  });

  it('fails rather than losing a report', async () => {
    const queue = new ReportQueue(1);
    for (let i = 0; i <= MAX_QUEUED_REPORTS; i++) queue.push(Uint8Array.of(1));
    await expect(queue.next(forever)).rejects.toMatchObject({ code: 'ERR_HAL_IO' });
  });

  it('lets a read be aborted without losing what comes next', async () => {
    const queue = new ReportQueue(1);
    const abort = new AbortController();
    const read = queue.next(abort.signal);
    abort.abort(new Error('enough'));
    await expect(read).rejects.toThrow('enough');
    queue.push(Uint8Array.of(5));
    expect(await queue.next(forever)).toEqual(Uint8Array.of(5));
  });

  it('has one reader at a time', () => {
    const queue = new ReportQueue(1);
    void queue.next(forever);
    expect(() => queue.next(forever)).toThrow(TypeError);
  });
});

/** The part of node-hid's handle that is used. */
class Handle extends EventEmitter {
  readonly written: Buffer[] = [];
  broken: Error | null = null;
  closes = 0;
  /** Called when the native part has let go. */
  letGo: (() => void) | null = null;
  slow = false;

  async write(data: Buffer): Promise<number> {
    if (this.broken !== null) throw this.broken;
    this.written.push(data);
    return data.length;
  }

  async close(): Promise<void> {
    this.closes++;
    if (this.broken !== null) throw this.broken;
    if (this.slow) await new Promise<void>((resolve) => (this.letGo = resolve));
  }
}

describe('a connection', () => {
  const open = () => {
    const handle = new Handle();
    const sizes = { input: 64, output: 64 };
    const releases = new PendingReleases();
    const native = handle as unknown as NodeHidHandle;
    return { handle, releases, connection: new LinuxHidConnection(native, '/dev/hidraw0', sizes, releases) };
  };

  it('writes 65 bytes, the first of them 0', async () => {
    const { handle, connection } = open();
    await connection.write(new Uint8Array(64).fill(7));
    expect(handle.written.map(toHex)).toEqual([`00${'07'.repeat(64)}`]);
    await expect(connection.write(new Uint8Array(63))).rejects.toThrow(TypeError);
  });

  it('keeps what arrives before the first read', async () => {
    const { handle, connection } = open();
    handle.emit('data', Buffer.from(concat(new Uint8Array(64).fill(1), new Uint8Array(64).fill(2))));
    expect((await connection.read({ signal: forever }))[0]).toBe(1);
    expect((await connection.read({ signal: forever }))[0]).toBe(2);
  });

  it('is disconnected for reads and writes once either noticed', async () => {
    const { handle, connection } = open();
    const reading = connection.read({ signal: forever });
    handle.emit('error', 'No such device');
    await expect(reading).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
    await expect(connection.write(new Uint8Array(64))).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
    await expect(connection.read({ signal: forever })).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
  });

  it('turns what a write throws into a typed error', async () => {
    const { handle, connection } = open();
    handle.broken = new TypeError('No such device');
    await expect(connection.write(new Uint8Array(64))).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
  });

  it('closes once, and ends the pending read', async () => {
    const { handle, connection } = open();
    const reading = connection.read({ signal: forever });
    const ended = expect(reading).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
    await Promise.all([connection.close(), connection.close(), connection[Symbol.asyncDispose]()]);
    await ended;
    expect(handle.closes).toBe(1);
  });

  it('is closed before the native part has let go, which is told by the releases', async () => {
    const { handle, connection, releases } = open();
    handle.slow = true;
    await connection.close();
    const told: string[] = [];
    const waiting = [releases.of('/dev/hidraw0'), releases.all()].map((p) => p.then(() => told.push('free')));
    await releases.of('/dev/hidraw1');
    expect(told).toEqual([]);
    handle.letGo?.();
    await Promise.all(waiting);
    expect(told).toEqual(['free', 'free']);
  });

  it('whose device is gone is released all the same', async () => {
    const { handle, connection, releases } = open();
    handle.broken = new Error('No such device');
    await connection.close();
    await releases.all();
    expect(handle.closes).toBe(1);
  });
});

describe('a device that was closed', () => {
  it('is opened again only after the native part has let go', async () => {
    const handles: Handle[] = [];
    const native = async () => {
      const handle = new Handle();
      handle.slow = true;
      handles.push(handle);
      return handle as unknown as NodeHidHandle;
    };
    const hid = openLinuxHid({ load: async () => ({ devicesAsync: async () => [], open: native }) });
    await (await hid.open('/dev/hidraw0', { signal: forever })).close();
    const again = hid.open('/dev/hidraw0', { signal: forever });
    await (await hid.open('/dev/hidraw1', { signal: forever })).close();
    expect(handles.length).toBe(2);
    for (const handle of handles) handle.letGo?.();
    await again;
    expect(handles.length).toBe(3);
    await hid.released?.();
  });
});

describe('watching', () => {
  const key = (path: string, serial: string): HidDeviceInfo => ({
    path,
    vendorId: 1,
    productId: 2,
    manufacturer: null,
    product: null,
    serial,
    usagePage: 0xf1d0,
    usage: 1,
  });

  /** Plays the lists one after the other: the next one each time the folder says that something happened. */
  async function events(states: readonly (readonly HidDeviceInfo[])[], interval: number | null): Promise<string[]> {
    const devFolder = await folder();
    const abort = new AbortController();
    const seen: string[] = [];
    let turn = 0;
    const list = async () => {
      const state = states[turn++];
      if (state === undefined) abort.abort();
      else if (interval === null) setImmediate(() => void writeFile(join(devFolder, `hidraw${turn}0`), ''));
      return state ?? [];
    };
    const options = { clock: systemClock, list, devFolder, signal: abort.signal };
    const wait = interval === null ? null : milliseconds(interval);
    const stream: AsyncIterable<HidEvent> = watchHid({ ...options, interval: wait });
    for await (const { type, device } of stream) {
      if (turn <= states.length) seen.push(`${type} ${device.path} ${device.serial}`);
    }
    return seen;
  }

  const [a, b] = [key('/dev/hidraw1', 'A'), key('/dev/hidraw2', 'B')];
  const story = [[a], [a, b], [a, b], [b], [key('/dev/hidraw2', 'C')]];
  const told = [
    'arrived /dev/hidraw1 A',
    'arrived /dev/hidraw2 B',
    'left /dev/hidraw1 A',
    'left /dev/hidraw2 B',
    'arrived /dev/hidraw2 C',
  ];

  it('tells what is there, and what comes and goes, when nodes are made', async () => {
    expect(await events(story, null)).toEqual(told);
  });

  it('tells the same by looking at intervals', async () => {
    expect(await events(story, 5)).toEqual(told);
  });

  it('tells a node that was made again as another insertion, although the same key is in the same place', async () => {
    const devFolder = await folder();
    const abort = new AbortController();
    const here = key(join(devFolder, 'hidraw5'), 'A');
    const seen: string[] = [];
    const list = async () => [here];
    const stream = watchHid({ clock: systemClock, list, devFolder, interval: null, signal: abort.signal });
    for await (const { type } of stream) {
      seen.push(type);
      if (seen.length === 1) setImmediate(() => void writeFile(join(devFolder, 'hidraw5'), ''));
      if (seen.length === 3) abort.abort();
    }
    expect(seen).toEqual(['arrived', 'left', 'arrived']);
  });
});
