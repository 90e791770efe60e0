import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createClient } from '../../../agent/api/client.ts';
import { daemonOfThisMachine } from '../../../agent/lanes/hardware-daemon.ts';
import { surfaceOfThisMachine } from '../../../agent/lanes/hardware-system.ts';
import { systemClock } from '../../../drivers/base/clock.ts';

test.runIf(process.platform === 'linux')('what the kernel shows in /dev and /sys is what there is', () => {
  const root = mkdtempSync(join(tmpdir(), 'unlockd-surface-'));
  try {
    expect(surfaceOfThisMachine(root)).toEqual({ tpm: false, bluetooth: false, wifi: false, ethernet: false });
    mkdirSync(join(root, 'sys/class/net/lo'), { recursive: true });
    mkdirSync(join(root, 'sys/class/net/wlan0/device'), { recursive: true });
    mkdirSync(join(root, 'sys/class/net/wlan0/phy80211'), { recursive: true });
    expect(surfaceOfThisMachine(root)).toEqual({ tpm: false, bluetooth: false, wifi: true, ethernet: false });
    mkdirSync(join(root, 'sys/class/net/eth0/device'), { recursive: true });
    mkdirSync(join(root, 'sys/class/bluetooth/hci0'), { recursive: true });
    mkdirSync(join(root, 'dev'));
    writeFileSync(join(root, 'dev/tpmrm0'), '');
    expect(surfaceOfThisMachine(root)).toEqual({ tpm: true, bluetooth: true, wifi: true, ethernet: true });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

const signal = new AbortController().signal;
const client = createClient({ socketPath: '/nowhere', check: { peerOf: async () => null, trusts: () => false } });

test('the daemon of this machine is stopped and started by systemd, by root alone', async () => {
  const asked: string[] = [];
  const systemctl = async (args: readonly string[]): Promise<string | null> => {
    asked.push(args.join(' '));
    return 'there is no systemctl here';
  };
  const daemon = daemonOfThisMachine({ client, systemctl, uid: 0 }, systemClock);
  for (const what of ['kill', 'start', 'restart'] as const) {
    expect(await daemon.act(what, { signal })).toBe('there is no systemctl here');
  }
  expect(asked).toEqual([
    'kill --kill-whom=main --signal=SIGKILL unlockd.service',
    'start unlockd.service',
    'stop unlockd.service',
  ]);
  const person = daemonOfThisMachine({ client, systemctl, uid: 1000 }, systemClock);
  expect(await person.act('kill', { signal })).toBe('only root may stop and start the daemon of this machine');
  await expect(person.ensureRunning({ signal })).rejects.toMatchObject({ code: 'ERR_DAEMON_NOT_RUNNING' });
  expect(asked).toHaveLength(3);
});
