/** The program `ip` as scripts play it: what hangs, floods, lies or dies. */
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../drivers/base/clock.ts';
import { FileEvents } from '../../../drivers/linux/network/file-events.ts';
import { askIp, findIp, IpMonitor } from '../../../drivers/linux/network/ip-program.ts';
import { KernelEvents } from '../../../drivers/linux/network/kernel-events.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unlockd-ip-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let made = 0;
async function program(script: string): Promise<string> {
  const path = join(folder, `ip${made++}`);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}
const signal = () => new AbortController().signal;

/** Waits for a file that a script writes; the test's own time limit ends it. */
async function written(name: string): Promise<string> {
  for (;;) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text.trim();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('asking ip', () => {
  it('gives what it prints', async () => {
    expect(await askIp(await program(`echo '[{"ifname":"eth0"}]'`), ['-j'], { signal: signal() })).toEqual([
      { ifname: 'eth0' },
    ]);
  });

  it('hands it the arguments, and nothing of our environment', async () => {
    const path = await program(`/usr/bin/printf '["%s %s","%s"]' "$1" "$2" "$HOME"`);
    expect(await askIp(path, ['-j', 'a b;c'], { signal: signal() })).toEqual(['-j a b;c', '']);
  });

  it('takes silence for an empty list', async () => {
    expect(await askIp(await program('true'), [], { signal: signal() })).toEqual([]);
  });

  for (const [what, script, code] of [
    ['no JSON', 'echo eth0: UP', 'ERR_HAL_ANSWER_INVALID'],
    ['half of it', `printf '[{"ifname":'`, 'ERR_HAL_ANSWER_INVALID'],
    ['an error', 'echo []; exit 2', 'ERR_HAL_IO'],
    ['more than any machine has', 'yes 1', 'ERR_HAL_IO'],
  ] as const) {
    it(`refuses ${what} with ${code}`, async () => {
      await expect(askIp(await program(script), [], { signal: signal() })).rejects.toMatchObject({ code });
    });
  }

  it('refuses a program that is none', async () => {
    await expect(askIp(join(folder, 'nowhere'), [], { signal: signal() })).rejects.toMatchObject({
      code: 'ERR_HAL_IO',
    });
  });

  it('ends a program that hangs when nobody waits any more', async () => {
    const path = await program(`echo $$ > ${folder}/hanging; exec sleep 60`);
    const abort = new AbortController();
    const asked = askIp(path, [], { signal: abort.signal });
    const pid = Number(await written('hanging'));
    const reason = new Error('not wanted');
    abort.abort(reason);
    await expect(asked).rejects.toBe(reason);
    expect(isRunning(pid)).toBe(false);
  });

  it('finds the first that runs, and null where there is none', async () => {
    const path = await program('true');
    await writeFile(join(folder, 'text'), 'not a program', { mode: 0o644 });
    expect(await findIp([join(folder, 'nowhere'), join(folder, 'text'), path])).toBe(path);
    expect(await findIp([join(folder, 'nowhere')])).toBeNull();
  });
});

describe('ip monitor', () => {
  it('wakes for what it prints, and is gone when it is stopped', async () => {
    const path = await program(`echo $$ > ${folder}/monitor; echo change; exec sleep 60`);
    let woken: () => void = () => undefined;
    const wake = new Promise<void>((resolve) => {
      woken = resolve;
    });
    const monitor = new IpMonitor(path, () => woken());
    await wake;
    const pid = Number(await written('monitor'));
    await monitor.stop();
    expect(isRunning(pid)).toBe(false);
  });
});

describe('events of the kernel', () => {
  it('begin anew when the monitor dies, and somebody looks then', async () => {
    const clock = new ManualClock();
    const path = await program(`echo run >> ${folder}/runs`);
    let wakes = 0;
    await using _events = new KernelEvents({ clock, ipPrograms: [path] }, () => {
      wakes++;
    });
    const runs = async () => (await readFile(join(folder, 'runs'), 'utf8').catch(() => '')).split('\n').length - 1;
    for (let expected = 1; expected <= 3; expected++) {
      while ((await runs()) < expected) await new Promise((resolve) => setTimeout(resolve, 5));
      // Until it is known that it has ended, and the pause has begun.
      while (clock.pending === 0) await settle();
      await clock.advance(30_000);
    }
    expect(wakes).toBeGreaterThanOrEqual(2);
  });

  it('tell of a file that is written, made or replaced, and of no other', async () => {
    const watched = await mkdtemp(join(folder, 'watched-'));
    const file = join(watched, 'resolv.conf');
    let woken: () => void = () => undefined;
    const next = () =>
      new Promise<void>((resolve) => {
        woken = resolve;
      });
    const wakes: number[] = [];
    let heard = next();
    await using _events = new FileEvents({ files: [file], folders: [] }, () => {
      wakes.push(wakes.length);
      woken();
    });
    // That it has begun is a reason to look too.
    await heard;
    for (const change of [() => writeFile(file, 'nameserver 192.0.2.53\n'), () => rm(file)]) {
      heard = next();
      await change();
      await heard;
    }
    await settle();
    const before = wakes.length;
    await writeFile(join(watched, 'hosts'), '');
    await writeFile(join(watched, 'resolv.conf.new'), '');
    heard = next();
    await rename(join(watched, 'resolv.conf.new'), file);
    await heard;
    expect(wakes.length - before).toBeLessThanOrEqual(2);
  });

  it('end with everything that they started', async () => {
    const path = await program(`echo $$ > ${folder}/ended; exec sleep 60`);
    const events = new KernelEvents({ clock: systemClock, ipPrograms: [path] }, () => undefined);
    const pid = Number(await written('ended'));
    await events[Symbol.asyncDispose]();
    expect(isRunning(pid)).toBe(false);
  });
});
