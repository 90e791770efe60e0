/**
 * What the transports make of a program that poses as the TPM: a whole response or a typed error, never another throw,
 * a hang, or an answer that belongs to another command.
 */
import { describe, expect, it } from 'vitest';
import { concat, u16, u32, utf8 } from '../../../drivers/base/bytes.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import { getRandomCommand, randomOf, randomResponse, response } from '../../support/tpm/commands.ts';
import { type FakeTpmServer, startFakeServer } from '../../support/tpm/fake-server.ts';
import { tctildrMissing } from '../../support/tpm/tctildr.ts';

const MALFORMED = { code: 'ERR_TPM_MALFORMED_RESPONSE' };
const DISCONNECTED = { code: 'ERR_HAL_DISCONNECTED' };
const whenever = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });
const good = randomResponse(new Uint8Array(8).fill(7));

const header = (tag: number, size: number, rc = 0): Uint8Array => concat(u16(tag), u32(size), u32(rc));

/** Bytes that are no response, whatever follows. */
const GARBAGE: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['a tag of no TPM', header(0x1234, 10)],
  ['the tag of a command of TPM 1.2', header(0x00c1, 10)],
  ['the tag of a TPM 1.2 response that is longer than its header', concat(header(0x00c4, 12), new Uint8Array(2))],
  ['responseSize 9', header(0x8001, 9)],
  ['responseSize 0', header(0x8001, 0)],
  ['responseSize 4097', concat(header(0x8001, 4097), new Uint8Array(4087))],
  ['responseSize 0xFFFFFFFF', header(0x8001, 0xffffffff)],
  ['an answer in text', utf8('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['zero bytes', new Uint8Array(64)],
];

/** What only a transport that reads the stream itself can tell; tpm2-tss is not asked to. */
const STREAM_GARBAGE: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['one byte more than the response', concat(good, Uint8Array.of(0))],
  ['two responses to one command', concat(good, good)],
  ['a flood', new Uint8Array(1 << 20).fill(0x80)],
];

async function withServer(answer: FakeTpmServer['answer'], use: (server: FakeTpmServer) => Promise<void>) {
  await using server = await startFakeServer(answer);
  await use(server);
}

function describeHostile(name: string, prefix: string, garbage: readonly (readonly [string, Uint8Array])[]): void {
  describe(name, () => {
    for (const [what, bytes] of garbage) {
      it(`${what} is ERR_TPM_MALFORMED_RESPONSE, and the connection is dead`, async () => {
        await withServer(
          (socket) => void socket.write(bytes),
          async (server) => {
            await using transport = await linuxTpm(prefix + server.config).open(whenever());
            await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject(MALFORMED);
            await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject(DISCONNECTED);
            expect(server.received).toHaveLength(1);
          },
        );
      });
    }

    it('a response that stops in the middle, then the end of the stream, is ERR_HAL_DISCONNECTED', async () => {
      for (const length of [0, 1, 9, 10, 15]) {
        await withServer(
          (socket) => void socket.end(good.subarray(0, length)),
          async (server) => {
            await using transport = await linuxTpm(prefix + server.config).open(whenever());
            await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject(DISCONNECTED);
          },
        );
      }
    });

    it('a connection that is reset is ERR_HAL_DISCONNECTED', async () => {
      await withServer(
        (socket) => void socket.destroy(),
        async (server) => {
          await using transport = await linuxTpm(prefix + server.config).open(whenever());
          await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject(DISCONNECTED);
          await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject(DISCONNECTED);
        },
      );
    });

    it('a response that comes byte by byte is a response', async () => {
      const slowly: FakeTpmServer['answer'] = async (socket) => {
        for (const byte of good) {
          socket.write(Uint8Array.of(byte));
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      await withServer(slowly, async (server) => {
        await using transport = await linuxTpm(prefix + server.config).open(whenever());
        expect(await transport.submit(getRandomCommand(8), {})).toEqual(good);
        expect(await transport.submit(getRandomCommand(8), {})).toEqual(good);
      });
    });

    it('a refusal with the tag of TPM 1.2 (TPM_RC_BAD_TAG) is a response', async () => {
      await withServer(
        (socket) => void socket.write(header(0x00c4, 10, 0x1e)),
        async (server) => {
          await using transport = await linuxTpm(prefix + server.config).open(whenever());
          expect(await transport.submit(getRandomCommand(8), {})).toEqual(header(0x00c4, 10, 0x1e));
        },
      );
    });

    it('a response of 4096 bytes is taken', async () => {
      const largest = response(0, new Uint8Array(4086).fill(1));
      await withServer(
        (socket) => void socket.write(largest),
        async (server) => {
          await using transport = await linuxTpm(prefix + server.config).open(whenever());
          expect(await transport.submit(getRandomCommand(8), {})).toEqual(largest);
        },
      );
    });

    it('a TPM that never answers does not keep close from returning', async () => {
      await withServer(
        () => undefined,
        async (server) => {
          const transport = await linuxTpm(prefix + server.config).open(whenever());
          const waiting = transport.submit(getRandomCommand(8), {});
          const outcome = expect(waiting).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
          await transport.close();
          await outcome;
        },
      );
    });

    it('the next command is not sent before the late answer to an aborted one has come', async () => {
      let answerFirst: (() => void) | undefined;
      const answer: FakeTpmServer['answer'] = (socket, command, number) => {
        const reply = () => void socket.write(randomResponse(new Uint8Array(command[11] ?? 0).fill(number)));
        if (number === 0) answerFirst = reply;
        else reply();
      };
      await withServer(answer, async (server) => {
        await using transport = await linuxTpm(prefix + server.config).open(whenever());
        const controller = new AbortController();
        const first = transport.submit(getRandomCommand(8), { signal: controller.signal });
        const rejected = expect(first).rejects.toThrow('stop');
        while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
        controller.abort(new Error('stop'));
        await rejected;

        const impatient = new AbortController();
        const second = transport.submit(getRandomCommand(9), { signal: impatient.signal });
        const gaveUp = expect(second).rejects.toThrow('too long');
        impatient.abort(new Error('too long'));
        await gaveUp;

        const third = transport.submit(getRandomCommand(10), {});
        await new Promise((resolve) => setImmediate(resolve));
        expect(server.received).toHaveLength(1);
        answerFirst?.();
        expect(randomOf(await third)).toEqual(new Uint8Array(10).fill(1));
        expect(server.received.map((command) => command[11])).toEqual([8, 10]);
      });
    });
  });
}

describeHostile('a hostile TPM on the stream', '', [...GARBAGE, ...STREAM_GARBAGE]);

describe('a hostile TPM on the stream, between commands', () => {
  it('bytes that nobody asked for are ERR_TPM_MALFORMED_RESPONSE at the next command', async () => {
    await using server = await startFakeServer((socket) => void socket.write(good));
    server.greet = (socket) => void socket.write(good);
    await using transport = await linuxTpm(server.config).open(whenever());
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject(MALFORMED);
    expect(server.received).toHaveLength(0);
  });

  it('a TPM that hangs up is ERR_HAL_DISCONNECTED at the next command', async () => {
    await using server = await startFakeServer((socket) => void socket.end(good));
    await using transport = await linuxTpm(server.config).open(whenever());
    expect(await transport.submit(getRandomCommand(8), {})).toEqual(good);
    await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject(DISCONNECTED);
  });
});

const noTctildr = await tctildrMissing();
if (noTctildr === null) describeHostile('a hostile TPM behind libtss2-tctildr', 'tcti:', GARBAGE);
else
  describe.skip(`a hostile TPM behind libtss2-tctildr (skipped: ${noTctildr})`, () =>
    it('is not run', () => undefined));
