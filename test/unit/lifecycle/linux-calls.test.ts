/** The C library through koffi: each call against what the kernel itself shows elsewhere. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLockExclusive } from '../../../drivers/linux/file-lock.ts';
import { peerCredentials } from '../../../drivers/linux/peer-credentials.ts';
import { openPipe } from '../../../drivers/linux/pipe.ts';
import { forbidCoreFiles, forbidDumping, isDumpable } from '../../../drivers/linux/process-hardening.ts';
import { notifyService } from '../../../drivers/linux/service-notify.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unlockd-linux-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const listening = (server: Server, where: string | number): Promise<void> =>
  new Promise((resolve) => {
    server.listen(where, () => resolve());
  });

/** Both ends of one connection. */
async function pair(where: string | null): Promise<{ near: Socket; far: Socket; server: Server }> {
  const server = createServer();
  await listening(server, where ?? 0);
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const address = server.address();
  const near =
    where === null && typeof address === 'object' && address !== null ? connect(address.port) : connect(where ?? '');
  return { near, far: await accepted, server };
}

const self = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1, pid: process.pid };

describe('SO_PEERCRED', () => {
  it('names this process at both ends of a UNIX socket', async () => {
    const { near, far, server } = await pair(join(folder, 's'));
    expect(peerCredentials(far)).toEqual(self);
    expect(peerCredentials(near)).toEqual(self);
    near.destroy();
    server.close();
  });

  it('says nothing about TCP, nor about a socket that is closed', async () => {
    const { near, far, server } = await pair(null);
    expect(peerCredentials(far)).toBeNull();
    near.destroy();
    far.destroy();
    await new Promise((resolve) => far.once('close', resolve));
    expect(peerCredentials(far)).toBeNull();
    server.close();
  });

  it.runIf(self.uid === 0)('names the uid of another user (skipped unless the tests run as root)', async () => {
    const server = createServer();
    const path = join(folder, 's');
    await listening(server, path);
    const { chmodSync } = await import('node:fs');
    chmodSync(folder, 0o755);
    chmodSync(path, 0o666);
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const script = `require('net').connect(${JSON.stringify(path)}); setTimeout(() => {}, 60000)`;
    const child: ChildProcess = spawn(process.execPath, ['-e', script], {
      uid: 12345,
      gid: 12346,
      cwd: '/',
      stdio: 'ignore',
    });
    const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
    const far = await Promise.race([accepted, failed]);
    expect(peerCredentials(far)).toEqual({ uid: 12345, gid: 12346, pid: child.pid });
    child.kill('SIGKILL');
    far.destroy();
    server.close();
  });
});

describe('hardening', () => {
  it('takes dumping and core files from the process, as /proc shows', () => {
    forbidDumping();
    expect(isDumpable()).toBe(false);
    forbidCoreFiles();
    expect(readFileSync('/proc/self/limits', 'ascii')).toMatch(/^Max core file size +0 +0 /m);
  });
});

describe('flock', () => {
  it('is exclusive between two openings of one file and ends with the descriptor', () => {
    const path = join(folder, 'lock');
    const [a, b] = [openSync(path, 'w'), openSync(path, 'w')];
    expect([tryLockExclusive(a), tryLockExclusive(b)]).toEqual([true, false]);
    closeSync(a);
    expect(tryLockExclusive(b)).toBe(true);
    closeSync(b);
    expect(() => tryLockExclusive(b)).toThrow(expect.objectContaining({ code: 'ERR_HAL_IO' }));
  });
});

describe('a pipe', () => {
  it('carries bytes from one end to the other and is closed on exec', () => {
    const { readFd, writeFd } = openPipe();
    writeSync(writeFd, 'through');
    const buffer = Buffer.alloc(16);
    expect(buffer.toString('ascii', 0, readSync(readFd, buffer))).toBe('through');
    for (const fd of [readFd, writeFd]) {
      const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'ascii'))?.[1] ?? '';
      expect(Number.parseInt(flags, 8) & 0o2000000).toBe(0o2000000);
      closeSync(fd);
    }
  });
});

describe('the datagram of sd_notify', () => {
  it('says when nobody listens, and refuses what is no address', () => {
    expect(() => notifyService(join(folder, 'none'), 'READY=1')).toThrow(
      expect.objectContaining({ code: 'ERR_HAL_IO', detail: { call: 'sendto', errno: 'ENOENT' } }),
    );
    expect(notifyService('relative', 'READY=1')).toBe(false);
    expect(notifyService(`/${'x'.repeat(200)}`, 'READY=1')).toBe(false);
  });

  // Node has no UNIX datagram socket to receive with: the kernel's own list shows who is bound, another language receives.
  it.each([
    ['a path', (base: string) => base],
    ['an abstract name', (base: string) => `@${base}`],
  ])('arrives as it was sent at %s (needs perl, which every Debian has)', async (_what, name) => {
    const path = name(join(folder, 'notify'));
    const script =
      'use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0) or die; my $p = $ARGV[0]; $p =~ s/^@/\\0/; ' +
      'bind(S, pack_sockaddr_un($p)) or die; $| = 1; print "bound\\n"; recv(S, $_, 100, 0); print;';
    const child = spawn('perl', ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    const bound = new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.stdout.on('data', (chunk) => {
        text += chunk;
        if (text.startsWith('bound\n')) resolve();
      });
    });
    await bound;
    const ended = new Promise((resolve) => child.once('close', resolve));
    try {
      expect(notifyService(path, 'READY=1\nSTATUS=listening')).toBe(true);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    await ended;
    expect(text).toBe('bound\nREADY=1\nSTATUS=listening');
  });
});
