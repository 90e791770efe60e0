/**
 * The TPM of the guest: swtpm in a process of its own, which QEMU shows as a tpm-crb device. It has no state before, and
 * none is kept: each run has a new one.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 20_000;

export interface GuestTpm extends AsyncDisposable {
  /** Arguments of QEMU. */
  readonly devices: readonly string[];
}

/** @throws an Error with swtpm's words when it does not start */
export async function startGuestTpm(): Promise<GuestTpm> {
  const folder = mkdtempSync(join(tmpdir(), 'unlockd-lab-tpm-'));
  const socket = join(folder, 'control');
  const state = ['--tpmstate', `dir=${folder}`, '--ctrl', `type=unixio,path=${socket}`];
  const child = spawn('swtpm', ['socket', '--tpm2', ...state, '--flags', 'not-need-init,startup-clear'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      words += error.message;
      resolve();
    });
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const close = async () => {
    kill();
    await exited;
    process.removeListener('exit', kill);
    rmSync(folder, { recursive: true, force: true });
  };
  const ends = performance.now() + START_MS;
  while (!existsSync(socket)) {
    if (child.exitCode !== null || performance.now() > ends || /ENOENT/.test(words)) {
      await close();
      throw new Error(`swtpm did not start: ${words.trim()}`);
    }
    await sleep(20);
  }
  return {
    devices: [
      ...['-chardev', `socket,id=tpm,path=${socket}`, '-tpmdev', 'emulator,id=tpm0,chardev=tpm'],
      ...['-device', 'tpm-crb,tpmdev=tpm0'],
    ],
    [Symbol.asyncDispose]: close,
  };
}
