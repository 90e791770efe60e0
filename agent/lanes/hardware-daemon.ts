/**
 * The daemon of the hardware lane: that of this machine, which systemd stops and starts, or one of the run's own with a
 * folder of its own. Both have the configuration of this machine; a run changes nothing of it but where things are kept.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { startDeadline } from '../../drivers/base/deadline.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { peerCredentials } from '../../drivers/linux/peer-credentials.ts';
import { type ApiClient, createClient } from '../api/client.ts';
import type { Lane } from '../walkthrough/lane.ts';
import { LaneChild } from './child.ts';
import { DAEMON_PROGRAM } from './emulator-needs.ts';
import type { HardwareOptions } from './hardware-options.ts';
import { systemctl as systemctlOfThisMachine } from './hardware-system.ts';

export interface HardwareDaemon {
  readonly client: ApiClient;
  readonly act: Lane['daemon'];
  /** So that what was changed can be put back. @throws when it does not answer */
  readonly ensureRunning: (options: { signal: AbortSignal }) => Promise<void>;
  readonly close: () => Promise<void>;
}

const UNIT = 'unlockd.service';
const START_WITHIN = seconds(60);
const LOOK_EVERY = seconds(1);

/** Until it answers. @throws {ERR_HAL_TIMEOUT} and the signal's reason */
async function answers(client: ApiClient, clock: Clock, signal: AbortSignal): Promise<void> {
  using deadline = startDeadline(clock, START_WITHIN, { what: 'the daemon starts', signal });
  for (;;) {
    try {
      await client.status({ signal: deadline.signal });
      return;
    } catch {
      await clock.sleep(LOOK_EVERY, { signal: deadline.signal });
    }
  }
}

/** The one that runs on this machine. */
export function daemonOfThisMachine(
  { client, systemctl = systemctlOfThisMachine, uid }: Pick<HardwareOptions, 'client' | 'systemctl' | 'uid'>,
  clock: Clock,
): HardwareDaemon {
  const start = async (signal: AbortSignal): Promise<string | null> => {
    const why = await systemctl(['start', UNIT], { signal });
    if (why === null) await answers(client, clock, signal);
    return why;
  };
  return {
    client,
    act: async (what, { signal }) => {
      if (uid !== 0) return 'only root may stop and start the daemon of this machine';
      if (what === 'start') return await start(signal);
      // systemd starts it again by itself after a moment, as it does on any day.
      if (what === 'kill') return await systemctl(['kill', '--kill-whom=main', '--signal=SIGKILL', UNIT], { signal });
      return (await systemctl(['stop', UNIT], { signal })) ?? (await start(signal));
    },
    ensureRunning: async ({ signal }) => {
      try {
        await client.status({ signal });
      } catch {
        const why = uid === 0 ? await start(signal) : 'only root may start it';
        if (why !== null) throw new UnlockdError('ERR_DAEMON_NOT_RUNNING', `the daemon does not run: ${why}`);
      }
    },
    close: async () => undefined,
  };
}

const NODE = [process.execPath, '--disallow-code-generation-from-strings', '--max-semi-space-size=1'];

/**
 * Started in `folder`, which is made where it is not there and never removed: what the TPM knows of it is of use only with
 * it. @throws {ERR_LANE_MISSING | ERR_LANE_BROKEN} and the signal's reason
 */
export async function daemonOfItsOwn(folder: string, clock: Clock, signal: AbortSignal): Promise<HardwareDaemon> {
  if (!existsSync(DAEMON_PROGRAM)) throw new UnlockdError('ERR_LANE_MISSING', 'the daemon is not built: npm run build');
  const [state, run] = [join(folder, 'state'), join(folder, 'run')];
  mkdirSync(state, { recursive: true, mode: 0o700 });
  mkdirSync(run, { recursive: true, mode: 0o755 });
  const settings = [`paths.state_dir=${state}`, `paths.run_dir=${run}`].flatMap((each) => ['--set', each]);
  const client = createClient({
    socketPath: join(run, 'unlockd.sock'),
    check: { peerOf: async (socket) => peerCredentials(socket), trusts: (uid) => uid === process.getuid?.() },
  });
  let child: LaneChild | null = null;
  const start = async (startSignal: AbortSignal): Promise<void> => {
    child = new LaneChild([...NODE, DAEMON_PROGRAM, ...settings], { clock, what: 'the daemon', env: process.env });
    await child.line((line) => line.includes(' listens'), START_WITHIN, startSignal);
  };
  const stop = async (): Promise<void> => {
    await child?.stop();
    child = null;
  };
  try {
    await start(signal);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    client,
    act: async (what, options) => {
      if (what === 'kill') {
        child?.kill();
        await child?.ended();
        child = null;
        return null;
      }
      await stop();
      await start(options.signal);
      return null;
    },
    ensureRunning: async (options) => {
      if (child?.running !== true) await start(options.signal);
    },
    close: stop,
  };
}
