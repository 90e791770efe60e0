/** The virtual key as other projects get it: from the tarball of `npm pack`, installed into an empty project. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runToEnd } from '../../support/umockdev/bridge.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const NONCE = Buffer.from('0102030405060708', 'hex');

let project: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'unlockd-packed-'));
  const packed = await runToEnd(['npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', project], {
    cwd: ROOT,
  });
  if (packed.status !== 0) throw new Error(packed.stderr);
  const [tarball = ''] = (await readdir(project)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(project, 'package.json'), '{ "name": "other", "private": true, "type": "module" }');
  // Without what is optional: it is not needed for this, and is native.
  const options = ['--silent', '--no-audit', '--no-fund', '--prefer-offline', '--omit=optional'];
  const installed = await runToEnd(['npm', 'install', ...options, join(project, tarball)], { cwd: project });
  if (installed.status !== 0) throw new Error(installed.stderr);
}, 120_000);
afterAll(() => rm(project, { recursive: true, force: true }));

it('npx unlockd-virtual-key starts one, which answers CTAPHID_INIT over UDP and ends with its standard input', async () => {
  const child = spawn('npx', ['unlockd-virtual-key', '--udp-port', '0'], { cwd: project, stdio: 'pipe' });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  try {
    const ready = JSON.parse((await lines.next()).value as string);
    expect(ready).toMatchObject({ ready: true, profile: '2.1' });
    const socket = createSocket('udp4');
    const init = Buffer.alloc(64);
    init.set([0xff, 0xff, 0xff, 0xff, 0x86, 0, 8]);
    init.set(NONCE, 7);
    socket.send(init, Number(String(ready.udp).split(':')[1]), '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    socket.close();
    expect(answer.subarray(0, 15).toString('hex')).toBe(`ffffffff860011${NONCE.toString('hex')}`);
  } finally {
    child.stdin.on('error', () => undefined);
    child.stdin.end('quit\n');
    const [status] = await once(child, 'close');
    expect(status).toBe(0);
  }
});

it('the modules can be used in a test of somebody else', async () => {
  const script = `
    import { VirtualAuthenticator, seededEntropy, systemClock, PROFILES } from 'unlockd/virtual-key';
    const key = new VirtualAuthenticator({ clock: systemClock, entropy: seededEntropy(new Uint8Array(16)), profile: PROFILES.bio });
    key.listen({ report: (report) => console.log(Buffer.from(report.subarray(0, 15)).toString('hex')), gone: () => {} });
    const init = new Uint8Array(64);
    init.set([0xff, 0xff, 0xff, 0xff, 0x86, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    key.receive(init);`;
  await writeFile(join(project, 'use.mjs'), script);
  const { stdout, stderr } = await runToEnd([process.execPath, 'use.mjs'], { cwd: project });
  expect([stdout, stderr]).toEqual([`ffffffff860011${NONCE.toString('hex')}\n`, '']);
});
