/**
 * The daemon in the guest: the program of the build as it is, with its own drivers and its defaults, but for how long it
 * waits for a person, who is a program here.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ApiClient, createClient } from '../../../agent/api/client.ts';
import { peerCredentials } from '../../../drivers/linux/peer-credentials.ts';
import { until } from '../../radio/guest/world.ts';
import { Service } from './programs.ts';

export const SOCKET = '/run/unlockd/unlockd.sock';
const PROGRAM = fileURLToPath(new URL('../../../agent/main.js', import.meta.url));
const START_SECONDS = 240;
const SETTINGS: Readonly<Record<string, string | number>> = {
  'unlock.touch_timeout_seconds': 8,
  'unlock.insert_timeout_seconds': 8,
  'unlock.attempt_timeout_seconds': 60,
};

/** As `unlockctl` makes it: the other end has to be the daemon's user, here root. */
export const client = (): ApiClient =>
  createClient({
    socketPath: SOCKET,
    check: { peerOf: async (socket) => peerCredentials(socket), trusts: (uid) => uid === 0 },
  });

const serviceWith = (settings: typeof SETTINGS): Service =>
  new Service('unlockd', [
    ...[process.execPath, '--disallow-code-generation-from-strings', PROGRAM],
    ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
  ]);

export class Daemon {
  readonly api = client();
  #service = serviceWith(SETTINGS);

  get runs(): boolean {
    return this.#service.runs;
  }

  async start(): Promise<void> {
    mkdirSync('/run/unlockd', { recursive: true, mode: 0o755 });
    this.#service.start();
    await until('the daemon', START_SECONDS, async () => {
      if (!this.#service.runs) return 'ended';
      return (await this.api.status()) !== null;
    });
    if (!this.#service.runs) throw new Error('the daemon ended at once: see unlockd.log');
  }

  /** Starts it anew on another TPM. @param device its node */
  async moveTo(device: string): Promise<void> {
    await this.end('SIGTERM');
    this.#service = serviceWith({ ...SETTINGS, 'tpm.tcti': `device:${device}` });
    await this.start();
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#service.end(signal);
  }
}
