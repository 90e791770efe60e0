/**
 * The last resort where neither NetworkManager nor wpa_supplicant is on the bus: the optional package node-wifi, asked in
 * a process of its own. What it says is known to be wrong for names that an attacker may choose, so all of it is marked
 * weak, and of security and root nothing is said.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Milliseconds } from '../../base/brand.ts';
import { utf8 } from '../../base/bytes.ts';
import type { Clock } from '../../base/clock.ts';
import { startDeadline } from '../../base/deadline.ts';
import { UnlockdError } from '../../base/errors.ts';
import type { WifiLink } from '../../hal/network.ts';
import { bssidOf } from './link.ts';

const MAX_OUTPUT = 64 * 1024;
const MAX_LINKS = 16;
const MAX_SSID = 32;
/** For `nmcli`, and nothing that whoever started the daemon has set. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C' };

/** Where the last resort is found; of a daemon as it was built nothing of it is set. */
export interface NodeWifiPlace {
  /** Path of the compiled program that asks. */
  readonly program?: string | undefined;
  /** A file beside whose `node_modules` the package is looked for. */
  readonly packages?: string | undefined;
}

export interface NodeWifiOptions extends NodeWifiPlace {
  readonly clock: Clock;
  readonly within: Milliseconds;
}

/** Only the compiled one is run. */
const PROGRAM = fileURLToPath(new URL('./node-wifi-program.js', import.meta.url));

const failed = (message: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_HAL_IO', `node-wifi: ${message}`, cause === undefined ? {} : { cause });

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function run(argv: readonly string[], signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', 'pipe', 'ignore'],
      cwd: '/',
      env: ENVIRONMENT,
      signal,
      killSignal: 'SIGKILL',
    });
    const parts: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > MAX_OUTPUT) child.kill('SIGKILL');
      else parts.push(part);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output: Buffer.concat(parts).toString('utf8') }));
  });
}

function linkOf(value: unknown): WifiLink | null {
  if (typeof value !== 'object' || value === null) return null;
  const { iface, ssid, bssid, quality } = value as Record<string, unknown>;
  if (typeof iface !== 'string' || typeof ssid !== 'string' || iface.length > 64) return null;
  const bytes = utf8(ssid);
  if (bytes.length > MAX_SSID) return null;
  const isQuality = typeof quality === 'number' && quality >= 0 && quality <= 100;
  return {
    interface: iface,
    ssid: bytes,
    bssid: typeof bssid === 'string' ? bssidOf(bssid) : null,
    security: null,
    quality: isQuality ? Math.round(quality) : null,
    root: null,
    source: 'node-wifi',
    weak: true,
  };
}

/** Looked for, and not loaded. */
function isInstalled(from: string): boolean {
  try {
    createRequire(from).resolve('node-wifi');
    return true;
  } catch {
    return false;
  }
}

/**
 * Asks once.
 * @returns null: the package is not installed
 * @throws {ERR_HAL_IO | ERR_HAL_TIMEOUT | ERR_HAL_ANSWER_INVALID} or the signal's reason
 */
export async function askNodeWifi(
  { clock, within, program = PROGRAM, packages }: NodeWifiOptions,
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly WifiLink[] | null> {
  signal.throwIfAborted();
  if (!isInstalled(packages ?? import.meta.url)) return null;
  using deadline = startDeadline(clock, within, { what: 'node-wifi', signal });
  const ended = await run(packages === undefined ? [program] : [program, packages], deadline.signal).catch(
    (cause: unknown) => {
      deadline.signal.throwIfAborted();
      throw failed('could not be started', cause);
    },
  );
  if (ended.code !== 0) throw failed('its process has ended without an answer');
  try {
    const list: unknown = JSON.parse(ended.output);
    if (!Array.isArray(list)) throw new TypeError('no list');
    return list.slice(0, MAX_LINKS).flatMap((value) => linkOf(value) ?? []);
  } catch (cause) {
    throw new UnlockdError('ERR_HAL_ANSWER_INVALID', 'node-wifi: its answer is none', { cause });
  }
}
