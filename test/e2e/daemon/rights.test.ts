/** Another user of the machine at the real socket, and a socket of another user: the kernel says who is who. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import type { Stage } from '../../demo/stage.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { requireBuild } from '../demo/built.ts';
import { ctl, enrolledStage, notRoot, OVERFLOW, openToAll, STRANGER } from './ctl.ts';

const PIN = '271828';
const missing = notRoot() ?? (await swtpmMissing()) ?? missingForBridge();
const title = (text: string): string => (missing === null ? text : `${text} (${missing})`);

/** Asks the API as whoever runs it, with curl's place taken by node: prints status and body. */
const CALL = `
const [socketPath, method, path, body] = process.argv.slice(1);
const headers = { host: 'unlockd', ...(body ? { 'content-type': 'application/json' } : {}) };
require('node:http').request({ socketPath, method, path, headers }, (answer) => {
  let text = ''; answer.on('data', (c) => { text += c; if (path.endsWith('/events') && text.includes('\\n\\n')) answer.destroy(); });
  answer.on('close', () => process.stdout.write(JSON.stringify({ status: answer.statusCode, text })));
}).end(body);`;

/** A daemon that says everything it is sent, one line of hexadecimal for each chunk. */
const LISTENER = `
require('node:net').createServer((socket) => {
  socket.on('data', (chunk) => console.log(chunk.toString('hex'))); socket.on('error', () => {});
  console.log('connected');
}).listen(process.argv[1], () => { require('node:fs').chmodSync(process.argv[1], 0o666); console.log('ready'); });`;

describe.skipIf(missing !== null)(title('another user at the real socket'), () => {
  let stage: Stage;
  beforeAll(async () => {
    ({ stage } = await enrolledStage(PIN));
    await openToAll(stage);
  });
  afterAll(() => stage?.close());

  async function call(
    uid: number,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; text: string }> {
    const args = ['-e', CALL, stage.socket, method, path, ...(body === undefined ? [] : [JSON.stringify(body)])];
    const child = spawn(process.execPath, args, {
      uid,
      gid: uid,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 30_000,
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    await once(child, 'close');
    return JSON.parse(out) as { status: number; text: string };
  }

  it('sees nothing of the container of root', async () => {
    const status = await ctl(stage.socket, ['status'], { uid: STRANGER });
    expect(status.answer.result).toMatchObject({ own: { uid: STRANGER, state: 'none', keys: 0, pinTriesLeft: null } });
    const users = await ctl(stage.socket, ['users'], { uid: STRANGER });
    expect([users.code, users.status]).toEqual(['ERR_API_FORBIDDEN', 5]);
    const events = await ctl(stage.socket, ['events'], { uid: STRANGER });
    expect(events.answer).toMatchObject({ ok: true, result: { events: [] } });
  });

  it('cannot spend a try of root: its unlock is its own, and it has no container', async () => {
    const before = (await stage.ctl(['status'])).answer.result;
    const attempt = await ctl(stage.socket, ['unlock', '--pin-fd', '3'], { uid: STRANGER, secret: '999999' });
    expect([attempt.code, attempt.status]).toEqual(['ERR_CONTAINER_MISSING', 9]);
    expect((await stage.ctl(['status'])).answer.result).toEqual(before);
  });

  it.each([
    ['setup', 'POST', '/v1/ceremonies', { kind: 'setup' }],
    ['lockout-reset', 'POST', '/v1/ceremonies', { kind: 'lockout-reset' }],
    ['policy-set', 'PUT', '/v1/policy', { version: 1 }],
    ['users', 'GET', '/v1/users', undefined],
  ])('%s is refused with ERR_API_FORBIDDEN', async (_what, method, path, body) => {
    const refused = await call(STRANGER, method, path, body);
    expect([refused.status, refused.text.includes('ERR_API_FORBIDDEN')]).toEqual([403, true]);
  });

  it('a user whom the kernel cannot name is nobody: ERR_API_PEER_UNKNOWN', async () => {
    const refused = await call(OVERFLOW, 'GET', '/v1/status');
    expect([refused.status, refused.text.includes('ERR_API_PEER_UNKNOWN')]).toEqual([403, true]);
    expect(refused.text).toContain('overflow uid');
  });

  it('cannot remove the container of root, and root keeps it', async () => {
    const refused = await call(STRANGER, 'POST', '/v1/ceremonies', { kind: 'unenrol', uid: 0 });
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('ERR_API_FORBIDDEN');
    expect((await stage.ctl(['status'])).answer.result).toMatchObject({ own: { state: 'locked' } });
  });

  it('a ceremony of root does not exist for it, nor one of its own for root: ERR_API_NO_SUCH_CEREMONY', async () => {
    const begin = async (uid: number): Promise<string> => {
      const { text } = await call(uid, 'POST', '/v1/ceremonies', { kind: 'unlock', purpose: null, forSeconds: null });
      return (JSON.parse(text) as { id: string }).id;
    };
    for (const [owner, stranger] of [
      [0, STRANGER],
      [STRANGER, 0],
    ] as const) {
      const id = await begin(owner);
      for (const [method, path] of [
        ['GET', `/v1/ceremonies/${id}/events`],
        ['DELETE', `/v1/ceremonies/${id}`],
        ['GET', `/v1/ceremonies/${id}/secrets/purpose-key`],
      ] as const) {
        const answer = await call(stranger, method, path);
        expect([answer.status, answer.text.includes('ERR_API_NO_SUCH_CEREMONY')]).toEqual([404, true]);
      }
      expect((await call(owner, 'DELETE', `/v1/ceremonies/${id}`)).status).toBe(204);
    }
  });

  it('a socket that it may not reach: ERR_CLI_SOCKET_PERMISSION, exit code 5; reachable again, it is served', async () => {
    await chmod(stage.socket, 0o600);
    const refused = await ctl(stage.socket, ['status'], { uid: STRANGER });
    expect([refused.code, refused.status]).toEqual(['ERR_CLI_SOCKET_PERMISSION', 5]);
    await chmod(stage.socket, 0o666);
    expect((await ctl(stage.socket, ['status'], { uid: STRANGER })).status).toBe(0);
  });

  it('the state folder and all files in it are closed to it', async () => {
    const look = spawn('sh', ['-c', 'cat "$0"/machine.state', stage.stateFolder], {
      uid: STRANGER,
      gid: STRANGER,
      stdio: 'ignore',
    });
    const [status] = await once(look, 'close');
    expect(status).not.toBe(0);
    expect((await readFile(join(stage.stateFolder, 'machine.state'))).length).toBeGreaterThan(0);
  });
});

const another = notRoot();
describe.skipIf(another !== null)(`a socket of another user${another === null ? '' : ` (${another})`}`, () => {
  it.each([
    ['a plain user', STRANGER],
    ['a user whom the kernel cannot name', OVERFLOW],
  ])('of %s gets not a byte: ERR_CLI_DAEMON_UNTRUSTED, exit code 11', async (_who, uid) => {
    requireBuild();
    const folder = await mkdtemp(join(tmpdir(), 'unlockd-foreign-'));
    await chown(folder, uid, uid);
    const socket = join(folder, 'unlockd.sock');
    const listener = spawn(process.execPath, ['-e', LISTENER, socket], {
      uid,
      gid: uid,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const heard: string[] = [];
      const lines = createInterface({ input: listener.stdout });
      await new Promise<void>((resolve) => {
        lines.on('line', (line) => {
          if (line === 'ready') resolve();
          else heard.push(line);
        });
      });
      for (const args of [
        ['unlock', '--pin-fd', '3'],
        ['pin', 'change', '--pin-fd', '3', '--new-pin-fd', '3'],
        ['lock'],
      ]) {
        const refused = await ctl(socket, args, { secret: PIN });
        expect([refused.code, refused.status]).toEqual(['ERR_CLI_DAEMON_UNTRUSTED', 11]);
      }
      // It was connected to, which is how its uid is known, and was told nothing at all.
      expect(new Set(heard)).toEqual(new Set(['connected']));
    } finally {
      listener.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    }
  });
});
