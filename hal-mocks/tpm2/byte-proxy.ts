/**
 * Faults below the TPM seam: a proxy on a UNIX socket that hands a software TPM's bytes on in pieces, or stops in the
 * middle of a response. What a transport makes of its stream is tried with it; the seam above never sees pieces.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ByteProxyOptions {
  /** Where the TPM listens. */
  readonly socketPath: string;
  /** Sizes of the pieces are drawn from it: 1 to 16 bytes. */
  readonly seed: number;
  /** Breaks the connection once this many bytes of responses went through. */
  readonly cutAfter?: number;
}

export interface ByteProxy extends AsyncDisposable {
  /** The address in the words of the configuration. */
  readonly config: string;
}

async function forward(from: Socket, to: Socket, options: ByteProxyOptions): Promise<void> {
  let passed = 0;
  let piece = 0;
  for await (const chunk of from as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      const drawn = createHash('sha256').update(`piece ${options.seed} ${piece++}`).digest();
      const allowed = (options.cutAfter ?? Number.POSITIVE_INFINITY) - passed;
      const size = Math.min(1 + (drawn.readUInt8() % 16), chunk.length - at, allowed);
      if (size <= 0) {
        to.destroy();
        from.destroy();
        return;
      }
      to.write(chunk.subarray(at, at + size));
      at += size;
      passed += size;
      // A turn of the event loop between pieces, or the kernel puts them together again.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  to.end();
}

/** Starts a proxy in front of a software TPM, for one client after the other. */
export async function startByteProxy(options: ByteProxyOptions): Promise<ByteProxy> {
  const folder = await mkdtemp(join(Buffer.byteLength(tmpdir()) > 60 ? '/tmp' : tmpdir(), 'utpm-proxy-'));
  const path = join(folder, 't.sock');
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const tpm = connect({ path: options.socketPath });
    for (const socket of [client, tpm]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => undefined);
    }
    client.pipe(tpm);
    client.on('close', () => tpm.destroy());
    forward(tpm, client, options).catch(() => client.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    config: `swtpm:path=${path}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
