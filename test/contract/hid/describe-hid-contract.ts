/**
 * What every HidHal has to do (drivers/hal/hid.ts), asked through the seam alone. Runs on any host with one FIDO device
 * that answers CTAPHID_INIT and CTAPHID_PING.
 */
import { describe, expect, it } from 'vitest';
import { concat } from '../../../drivers/base/bytes.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { BROADCAST_CID, CTAPHID, fragment, Reassembler } from '../../../drivers/fido2/wire/ctaphid.ts';
import type { HidConnection, HidHal } from '../../../drivers/hal/hid.ts';

export interface HidContractHost {
  readonly hid: HidHal;
  /** Pulls the only device out and plugs it in again. Rejects where nobody can: see `canReplug`. */
  remove(): Promise<void>;
  insert(): Promise<void>;
  close(): Promise<void>;
}

const never = new AbortController().signal;

async function ask(connection: HidConnection, cid: number, command: number, payload: Uint8Array): Promise<Uint8Array> {
  const { input, output } = connection.reportSize;
  const reassembler = new Reassembler({ role: 'host', channel: cid, reportSize: input });
  for (const report of fragment(cid, command, payload, output)) await connection.write(report);
  for (;;) {
    const result = reassembler.push(await connection.read({ signal: never }));
    if (result.kind === 'message' && result.message.command === command) return result.message.payload;
  }
}

async function allocate(connection: HidConnection): Promise<number> {
  const answer = await ask(connection, BROADCAST_CID, CTAPHID.INIT, systemEntropy.bytes(8));
  return new DataView(answer.buffer, answer.byteOffset).getUint32(8);
}

/**
 * @param open makes the host, or says why it cannot be here
 * @param options `canReplug`: the device can be pulled out by a program; `sharesReports`: as hidraw does, and the terminal
 *   in place of it in umockdev does not
 */
export function describeHidContract(
  name: string,
  open: (() => Promise<HidContractHost>) | { readonly skip: string },
  options: { readonly canReplug: boolean; readonly sharesReports: boolean },
): void {
  if (typeof open !== 'function') {
    describe.skip(`the HID seam on ${name} (skipped: ${open.skip})`, () => {
      it('keeps its contract', () => undefined);
    });
    return;
  }

  const withHost = (body: (host: HidContractHost, path: string) => Promise<void>) => async () => {
    const host = await open();
    try {
      const [device] = await host.hid.list({ signal: never });
      expect(device, 'a FIDO device is plugged in').toBeDefined();
      await body(host, device?.path ?? '');
    } finally {
      await host.close();
    }
  };
  const withConnection = (body: (connection: HidConnection, host: HidContractHost, path: string) => Promise<void>) =>
    withHost(async (host, path) => {
      await using connection = await host.hid.open(path, { signal: never });
      await body(connection, host, path);
    });

  describe(`the HID seam on ${name}`, () => {
    it(
      'lists FIDO devices only',
      withHost(async ({ hid }) => {
        const devices = await hid.list({ signal: never });
        expect(devices.every(({ usagePage, usage }) => usagePage === 0xf1d0 && usage === 1)).toBe(true);
      }),
    );

    it(
      'does not open what is not there',
      withHost(async ({ hid }, path) => {
        await expect(hid.open(`${path}99`, { signal: never })).rejects.toMatchObject({ code: 'ERR_HAL_NOT_FOUND' });
      }),
    );

    it(
      'moves whole reports both ways, in order',
      withConnection(async (connection) => {
        const cid = await allocate(connection);
        const payload = new Uint8Array(1_000).map((_, i) => i * 7);
        expect(await ask(connection, cid, CTAPHID.PING, payload)).toEqual(payload);
      }),
    );

    it(
      'keeps reports that arrive between reads',
      withConnection(async (connection) => {
        const cid = await allocate(connection);
        const { input, output } = connection.reportSize;
        const payload = new Uint8Array(300).fill(5);
        for (const report of fragment(cid, CTAPHID.PING, payload, output)) await connection.write(report);
        await new Promise((resolve) => setTimeout(resolve, 50));
        const reassembler = new Reassembler({ role: 'host', channel: cid, reportSize: input });
        const received: Uint8Array[] = [];
        for (let done = false; !done; ) {
          const report = await connection.read({ signal: never });
          expect(report.length).toBe(input);
          const result = reassembler.push(report);
          if (result.kind === 'message') received.push(result.message.payload);
          done = result.kind === 'message';
        }
        expect(concat(...received)).toEqual(payload);
      }),
    );

    it.skipIf(!options.sharesReports)(
      `gives every open handle every report${options.sharesReports ? '' : ' (skipped: umockdev gives it to one of them)'}`,
      withConnection(async (connection, { hid }, path) => {
        await using other = await hid.open(path, { signal: never });
        const overheard = other.read({ signal: never });
        await allocate(connection);
        expect((await overheard)[4]).toBe(0x80 | CTAPHID.INIT);
      }),
    );

    it(
      'ends a read with the reason of its signal, and reads on afterwards',
      withConnection(async (connection) => {
        const abort = new AbortController();
        const read = connection.read({ signal: abort.signal });
        const reason = new Error('enough');
        abort.abort(reason);
        await expect(read).rejects.toBe(reason);
        expect(await allocate(connection)).toBeGreaterThan(0);
      }),
    );

    it(
      'ends a pending read when it is closed, and closes as often as asked',
      withConnection(async (connection) => {
        const read = connection.read({ signal: never });
        const ended = expect(read).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
        await connection.close();
        await ended;
        await connection.close();
        const report = new Uint8Array(connection.reportSize.output);
        await expect(connection.write(report)).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
      }),
    );

    it(
      'announces what is plugged in when a watch begins, and returns when it is aborted',
      withHost(async ({ hid }, path) => {
        const abort = new AbortController();
        const seen: string[] = [];
        for await (const { type, device } of hid.watch({ signal: abort.signal })) {
          seen.push(`${type} ${device.path}`);
          abort.abort();
        }
        expect(seen).toEqual([`arrived ${path}`]);
      }),
    );

    it.skipIf(!options.canReplug)(
      `says when the device goes and comes${options.canReplug ? '' : ' (skipped: nobody can replug it here)'}`,
      withHost(async ({ hid, remove, insert }, path) => {
        const connection = await hid.open(path, { signal: never });
        const read = connection.read({ signal: never });
        const ended = expect(read).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
        const abort = new AbortController();
        const seen: string[] = [];
        for await (const { type } of hid.watch({ signal: abort.signal })) {
          seen.push(type);
          if (seen.length === 1) await remove();
          if (seen.length === 2) await insert();
          if (seen.length === 3) abort.abort();
        }
        expect(seen).toEqual(['arrived', 'left', 'arrived']);
        await ended;
        await expect(connection.write(new Uint8Array(connection.reportSize.output))).rejects.toMatchObject({
          code: 'ERR_HAL_DISCONNECTED',
        });
        await connection.close();
      }),
    );
  });
}
