/** The HID seam in front of the virtual authenticator keeps the contract of drivers/hal/hid.ts. */
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { fromHex } from '../../../drivers/base/bytes.ts';
import { encodeCanonical } from '../../../drivers/fido2/wire/cbor.ts';
import { CTAPHID, fragment } from '../../../drivers/fido2/wire/ctaphid.ts';
import type { HidEvent } from '../../../drivers/hal/hid.ts';
import { mergedReports } from '../../../hal-mocks/fido2/behaviours.ts';
import { InProcessHid } from '../../../hal-mocks/fido2/in-process-hid.ts';
import { seededEntropy } from '../../../hal-mocks/fido2/seeded.ts';
import { touchAutomatically, VirtualKeyOperator } from '../../../hal-mocks/fido2/touch.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { ManualClock, settle } from './manual-clock.ts';
import { BROADCAST, makeParameters, RawHost } from './raw-host.ts';

const PATH = 'virtual:fido2:0';
const { signal } = new AbortController();
const INIT = fragment(BROADCAST, CTAPHID.INIT, fromHex('0102030405060708'))[0] ?? new Uint8Array(64);

function start(seed = '01') {
  const clock = new ManualClock();
  const authenticator = new VirtualAuthenticator({ clock, entropy: seededEntropy(fromHex(seed)) });
  return { clock, authenticator, hid: new InProcessHid(authenticator) };
}

describe('list', () => {
  it('shows what is plugged in as a FIDO device, and an empty list where nothing is', async () => {
    const { hid } = start();
    expect(await hid.list({ signal })).toMatchObject([{ path: PATH, usagePage: 0xf1d0, usage: 1, vendorId: 0x1209 }]);
    hid.remove(PATH);
    expect(await hid.list({ signal })).toEqual([]);
    hid.insert(PATH);
    expect(await hid.list({ signal })).toHaveLength(1);
  });
});

describe('open', () => {
  it.each(['virtual:fido2:9', PATH])('of %s that is not there fails with ERR_HAL_NOT_FOUND', async (path) => {
    const { hid } = start();
    hid.remove(PATH);
    await expect(hid.open(path, { signal })).rejects.toMatchObject({ code: 'ERR_HAL_NOT_FOUND' });
  });
});

describe('a connection', () => {
  it('gives whole reports in order, also those that came before they were read', async () => {
    const { hid } = start();
    await using connection = await hid.open(PATH, { signal });
    await connection.write(INIT);
    const other = new Uint8Array(INIT);
    other[14] = 0x77;
    await connection.write(other);
    const [first, second] = [await connection.read({ signal }), await connection.read({ signal })];
    expect([first.length, first[14], second[14]]).toEqual([64, 8, 0x77]);
  });

  it('splits what the device merged', async () => {
    const { hid, authenticator } = start();
    authenticator.misbehave(mergedReports());
    await using connection = await hid.open(PATH, { signal });
    await connection.write(INIT);
    const cid = new DataView((await connection.read({ signal })).buffer).getUint32(15);
    for (const report of fragment(cid, CTAPHID.PING, new Uint8Array(150))) await connection.write(report);
    for (const sequence of [0x81, 0, 1]) {
      const report = await connection.read({ signal });
      expect([report.length, report[4]]).toEqual([64, sequence]);
    }
  });

  it('shows every report to every open handle', async () => {
    const { hid } = start();
    await using one = await hid.open(PATH, { signal });
    await using two = await hid.open(PATH, { signal });
    await one.write(INIT);
    expect(await two.read({ signal })).toEqual(await one.read({ signal }));
  });

  it('fails a pending read with ERR_HAL_CLOSED at close, which may be called twice', async () => {
    const { hid } = start();
    const connection = await hid.open(PATH, { signal });
    const read = connection.read({ signal });
    await connection.close();
    await connection.close();
    await expect(read).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
    await expect(connection.write(INIT)).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
  });

  it('fails with ERR_HAL_DISCONNECTED after an unplug, also when it is plugged in again', async () => {
    const { hid } = start();
    const connection = await hid.open(PATH, { signal });
    const read = connection.read({ signal });
    hid.remove(PATH);
    hid.insert(PATH);
    await expect(read).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
    await expect(connection.read({ signal })).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
    await expect(connection.write(INIT)).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
  });

  it('rejects a read with the reason of its signal, and the next read works', async () => {
    const { hid } = start();
    await using connection = await hid.open(PATH, { signal });
    const abort = new AbortController();
    const read = connection.read({ signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(read).rejects.toThrow('enough');
    await connection.write(INIT);
    expect((await connection.read({ signal })).length).toBe(64);
  });

  it('takes one read at a time', async () => {
    const { hid } = start();
    await using connection = await hid.open(PATH, { signal });
    const first = connection.read({ signal });
    await expect(connection.read({ signal })).rejects.toBeInstanceOf(TypeError);
    await connection.write(INIT);
    await first;
  });

  it('fails with ERR_HAL_IO rather than losing a report when 4096 are unread', async () => {
    const { hid } = start();
    await using connection = await hid.open(PATH, { signal });
    for (let i = 0; i < 4097; i++) await connection.write(INIT);
    await expect(connection.read({ signal })).rejects.toMatchObject({ code: 'ERR_HAL_IO' });
  });
});

describe('watch', () => {
  it('tells what is there, then what comes and goes, and returns at the abort', async () => {
    const { hid } = start();
    const abort = new AbortController();
    const events: HidEvent['type'][] = [];
    const watching = (async () => {
      for await (const event of hid.watch({ signal: abort.signal })) events.push(event.type);
    })();
    await settle();
    hid.remove(PATH);
    hid.remove(PATH);
    hid.insert(PATH);
    await settle();
    abort.abort();
    await watching;
    expect(events).toEqual(['arrived', 'left', 'arrived']);
  });
});

describe('the operator', () => {
  it('touches once the authenticator wants it, and not before', async () => {
    const host = new RawHost();
    const operator = new VirtualKeyOperator(host.authenticator, new InProcessHid(host.authenticator));
    const cid = await host.open();
    let touched = false;
    const touch = operator.touch({ signal }).then(() => {
      touched = true;
    });
    await settle();
    expect(touched).toBe(false);
    host.send(cid, CTAPHID.CBOR, Uint8Array.of(1, ...encodeCanonical(makeParameters())));
    await touch;
    expect((await host.answers()).at(-1)).toEqual([CTAPHID.CBOR, 0]);
  });

  it('stops waiting when its signal aborts', async () => {
    const { authenticator, hid } = start();
    const abort = new AbortController();
    const touch = new VirtualKeyOperator(authenticator, hid).touch({ signal: abort.signal });
    abort.abort(new Error('went home'));
    await expect(touch).rejects.toThrow('went home');
  });

  it('that is automatic touches after its delay', async () => {
    const host = new RawHost();
    const stop = touchAutomatically(host.authenticator, host.clock, milliseconds(250));
    const cid = await host.open();
    host.send(cid, CTAPHID.CBOR, Uint8Array.of(1, ...encodeCanonical(makeParameters())));
    await host.clock.advance(249);
    expect(host.authenticator.presence.waiting).toBe(true);
    await host.clock.advance(1);
    expect((await host.answers()).at(-1)).toEqual([CTAPHID.CBOR, 0]);
    stop();
  });
});
