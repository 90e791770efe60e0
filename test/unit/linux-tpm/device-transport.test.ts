/** The kernel's device: what it may answer, with a file of the test's own and with real character devices. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DeviceFile, DeviceWire } from '../../../drivers/linux/tpm/device-transport.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import { SerialTransport } from '../../../drivers/linux/tpm/serial-transport.ts';
import { getRandomCommand, randomResponse } from '../../support/tpm/commands.ts';

const whenever = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });
const good = randomResponse(new Uint8Array(8).fill(3));

interface Recorded {
  readonly calls: string[];
  readonly file: DeviceFile;
}

function deviceOf(read: () => Uint8Array | Error, written = (length: number) => length): Recorded {
  const calls: string[] = [];
  const file: DeviceFile = {
    write: async (_buffer, _offset, length, position) => {
      calls.push(`write ${length} at ${position}`);
      return { bytesWritten: written(length) };
    },
    read: async (buffer, offset, length, position) => {
      calls.push(`read ${length} at ${position}`);
      const answer = read();
      if (answer instanceof Error) throw answer;
      const part = answer.subarray(0, length);
      buffer.set(part, offset);
      return { bytesRead: part.length };
    },
    close: async () => void calls.push('close'),
  };
  return { calls, file };
}

const over = ({ file }: Recorded): SerialTransport =>
  new SerialTransport(new DeviceWire(file, 'device:/dev/tpmrm0'), { description: 'd', managesHandles: true });

const systemError = (code: string): Error => Object.assign(new Error(code), { code });

describe('a TPM device', () => {
  it('is written to once and read from once for a command, without a position', async () => {
    const device = deviceOf(() => good);
    const transport = over(device);
    expect(await transport.submit(getRandomCommand(8), {})).toEqual(good);
    await transport.close();
    expect(device.calls).toEqual(['write 12 at null', 'read 4097 at null', 'close']);
  });

  const answers: readonly (readonly [string, Uint8Array | Error, string])[] = [
    ['that answers nothing', new Uint8Array(0), 'ERR_HAL_DISCONNECTED'],
    ['that answers less than a header', new Uint8Array(9), 'ERR_TPM_MALFORMED_RESPONSE'],
    ['whose response is cut', good.subarray(0, good.length - 1), 'ERR_TPM_MALFORMED_RESPONSE'],
    ['whose response is longer than 4096 bytes', new Uint8Array(5000).fill(0x80), 'ERR_TPM_MALFORMED_RESPONSE'],
    ['that was removed', systemError('ENODEV'), 'ERR_HAL_DISCONNECTED'],
    ['that fails', systemError('EIO'), 'ERR_HAL_IO'],
    ['that times out', systemError('ETIME'), 'ERR_HAL_IO'],
  ];
  for (const [what, answer, code] of answers) {
    it(`${what} is ${code}`, async () => {
      const transport = over(deviceOf(() => answer));
      await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject({ code });
    });
  }

  it('that takes only a part of the command is ERR_HAL_IO', async () => {
    const transport = over(
      deviceOf(
        () => good,
        (length) => length - 1,
      ),
    );
    await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject({ code: 'ERR_HAL_IO' });
  });

  it('goes on after ERR_HAL_IO, and is dead after bytes that are no response', async () => {
    const queue: (Uint8Array | Error)[] = [systemError('EIO'), good, new Uint8Array(20), good];
    const device = deviceOf(() => queue.shift() ?? new Error('nothing left'));
    const transport = over(device);
    const submit = () => transport.submit(getRandomCommand(8), {});
    await expect(submit()).rejects.toMatchObject({ code: 'ERR_HAL_IO' });
    expect(await submit()).toEqual(good);
    await expect(submit()).rejects.toMatchObject({ code: 'ERR_TPM_MALFORMED_RESPONSE' });
    await expect(submit()).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
  });

  it('has to be a character device', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tpm-device-'));
    try {
      const path = join(folder, 'tpmrm0');
      await writeFile(path, '');
      await expect(linuxTpm(`device:${path}`).open(whenever())).rejects.toMatchObject({ code: 'ERR_HAL_NOT_FOUND' });
      await expect(linuxTpm(`device:${folder}`).open(whenever())).rejects.toMatchObject({ code: 'ERR_HAL_IO' });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('that is no TPM gives a typed error', async () => {
    await using nothing = await linuxTpm('device:/dev/null').open(whenever());
    await expect(nothing.submit(getRandomCommand(8), {})).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
    await using zeros = await linuxTpm('device:/dev/zero').open(whenever());
    await expect(zeros.submit(getRandomCommand(8), {})).rejects.toMatchObject({ code: 'ERR_TPM_MALFORMED_RESPONSE' });
    expect(zeros.managesHandles).toBe(false);
  });
});
