/**
 * The udev rules that are shipped, as udev itself understands them: `udevadm test` on a virtual key, in a mount namespace of
 * its own, where only these rules are added and a group of the daemon exists.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { TcpServer } from '../../../hal-mocks/fido2/tcp-server.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { bridgeArgv, missingCommand, missingForBridge, runToEnd } from '../../support/umockdev/bridge.ts';

const OPERATIONS = fileURLToPath(new URL('../../../docs/operations/', import.meta.url));
const KEY = '/sys/devices/pci0000:00/0000:00:01.0/usb1/1-1/1-1:1.0/0003:1209:BEEE.0001/hidraw/hidraw0';
const GID = 54_321;

/** Rules and the group file are laid over those of the machine, and udev's notes go nowhere. */
const IN_NAMESPACE = `set -e
mkdir -p /etc/udev/rules.d /dev/char
mount -t tmpfs none /run
mkdir /run/udev
mount -t tmpfs none /dev/char
mount --bind "$1/rules.d" /etc/udev/rules.d
mount --bind "$1/group" /etc/group
shift
exec "$@"`;

function missing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root, for a mount namespace';
  if (spawnSync('unshare', ['-m', 'true']).status !== 0) return 'no mount namespace can be made here';
  return missingForBridge() ?? missingCommand('udevadm', 'udev');
}
const reason = missing();

describe.skipIf(reason)(`the udev rules${reason === null ? '' : ` (${reason})`}`, () => {
  let folder: string;
  let server: TcpServer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'unlockd-udev-'));
    mkdirSync(join(folder, 'rules.d'));
    writeFileSync(join(folder, 'group'), `${readFileSync('/etc/group', 'utf8')}unlockd:x:${GID}:\n`);
    server = await TcpServer.start(new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy }), 0);
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What udev makes of the key when it is plugged in, with these rules. */
  async function plugIn(...rules: readonly string[]): Promise<string> {
    for (const old of readdirSync(join(folder, 'rules.d'))) rmSync(join(folder, 'rules.d', old));
    for (const rule of rules) copyFileSync(join(OPERATIONS, rule), join(folder, 'rules.d', rule));
    const at = { protocol: 'tcp', address: `127.0.0.1:${server.port}` } as const;
    const command = bridgeArgv(at, ['udevadm', 'test', '--action=add', KEY]);
    const { stdout, stderr } = await runToEnd(['unshare', '-m', 'sh', '-c', IN_NAMESPACE, 'sh', folder, ...command]);
    const all = stdout + stderr;
    expect(all).toContain('DEVNAME=/dev/hidraw0');
    // udev names the file and the line of what it does not understand.
    expect(all).not.toMatch(/unlockd[^\n]*\.rules:\d+ (?!GROUP|MODE)/);
    return all;
  }

  it('are needed: without them nobody gets a key', async () => {
    const seen = await plugIn();
    expect(seen).not.toMatch(/^run: 'uaccess'$/m);
    expect(seen).not.toContain('GROUP');
  });

  it('give a key to the person at the seat, before udev decides about that', async () => {
    const seen = await plugIn('70-unlockd.rules');
    expect(seen).toMatch(/^CURRENT_TAGS=.*:uaccess:/m);
    expect(seen).toMatch(/^run: 'uaccess'$/m);
    expect(seen).not.toContain(`GROUP ${GID}`);
  });

  it('give it to the group of a daemon under a user of its own, and to the person as before', async () => {
    const seen = await plugIn('70-unlockd.rules', '71-unlockd-own-user.rules');
    expect(seen).toContain(`71-unlockd-own-user.rules:5 GROUP ${GID}`);
    expect(seen).toContain('71-unlockd-own-user.rules:5 MODE 0660');
    expect(seen).toMatch(/^run: 'uaccess'$/m);
  });
});
