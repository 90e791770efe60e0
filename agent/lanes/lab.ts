/**
 * The lane of the virtual lab: inside its guest, where the daemon runs with its real drivers on devices that are real to
 * the kernel. `npm run lab` starts the guest, and this program in it; elsewhere there is no such lane.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { OperatorHal } from '../../drivers/hal/operator.ts';
import { peerCredentials } from '../../drivers/linux/peer-credentials.ts';
import { createClient } from '../api/client.ts';
import { withRoots } from '../walkthrough/roots.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';
import { askStage, type StageRequest } from './lab-stage.ts';
import type { LaneOptions, OpenedLane } from './options.ts';
import { setUpMachine } from './set-up.ts';

/** Socket of the stage, in the environment of the guest. */
const STAGE_VARIABLE = 'UNLOCKD_LAB_STAGE';
/** As the settings have it by default. */
const DAEMON_SOCKET = '/run/unlockd/unlockd.sock';
const ROOT = 0;

/** @throws {ERR_LANE_MISSING} outside of the guest; {ERR_LANE_BROKEN}; and the signal's reason */
export async function openLabLane({ given }: Walkthrough, options: LaneOptions): Promise<OpenedLane> {
  const stage = process.env[STAGE_VARIABLE];
  if (stage === undefined || stage === '') {
    throw new UnlockdError('ERR_LANE_MISSING', 'the lab lane runs in the guest of the virtual lab', {
      detail: { lane: 'lab', how: 'npm run lab -- WALKTHROUGH' },
    });
  }
  const ask = (request: StageRequest, asked: { signal: AbortSignal }) => askStage(stage, request, asked);
  options.progress('setting the guest up');
  const { names = { phones: {}, roots: {} } } = await ask({ do: 'open', given }, options);
  const own = (of: Readonly<Record<string, string>>, name: string): string | null =>
    Object.hasOwn(of, name) ? (of[name] ?? null) : null;
  const rootThumbprint = (root: string) => own(names.roots, root);
  const client = createClient({
    socketPath: DAEMON_SOCKET,
    check: { peerOf: async (socket) => peerCredentials(socket), trusts: (uid) => uid === ROOT },
  });
  options.progress('setting the machine up');
  const { policy, ...others } = given;
  const rooted = policy === undefined ? others : { ...others, policy: withRoots(policy, given, rootThumbprint) };
  await setUpMachine(client, rooted, options.signal);
  const done = async (request: StageRequest, asked: { signal: AbortSignal }): Promise<void> => {
    const { why } = await ask(request, asked);
    if (why !== null) throw new UnlockdError('ERR_LANE_BROKEN', why, { detail: { lane: 'lab' } });
  };
  const operator: OperatorHal = {
    touch: (asked) => done({ do: 'touch' }, asked),
    insert: (key, asked) => done({ do: 'insert', key }, asked),
    remove: (key, asked) => done({ do: 'remove', key }, asked),
    perform: async (step, asked) => (await ask({ do: 'perform', step }, asked)).why,
  };
  return {
    name: 'lab',
    operator,
    subject: {
      ...client,
      start: async (request, asked = {}) => {
        const { signal = options.signal } = asked;
        await ask({ do: 'hands-off' }, { signal });
        return await client.start(request, asked);
      },
    },
    owner: client,
    daemon: async (what, asked) => (await ask({ do: 'daemon', what }, asked)).why,
    restart: async (what, asked) => (await ask({ do: 'restart', what }, asked)).why,
    lacks: { fingerprint: 'there is no fingerprint reader in the guest' },
    phoneAddress: (phone) => own(names.phones, phone),
    rootThumbprint,
    devices: async (asked) => (await ask({ do: 'devices' }, asked)).devices ?? [],
    // The guest ends with the run, and everything in it.
    [Symbol.asyncDispose]: async () => undefined,
  };
}
