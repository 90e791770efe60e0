/**
 * A lane for walkthroughs with the daemon as a process of its own, from the build: its real socket and client, swtpm, and one
 * virtual key that the unmodified node-hid finds as /dev/hidraw0.
 */
import { createClient } from '../../../agent/api/client.ts';
import type { Lane } from '../../../agent/walkthrough/lane.ts';
import type { Walkthrough } from '../../../agent/walkthrough/schema.ts';
import { peerCredentials } from '../../../drivers/linux/peer-credentials.ts';
import { Stage } from '../../demo/stage.ts';

/** Why a walkthrough is not for this lane; null: it is. */
export const notForProcessLane = ({ given, steps }: Walkthrough): string | null =>
  Object.keys(given.keys).length > 1 || steps.some(({ action }) => ['insert', 'remove', 'lose'].includes(action))
    ? 'one key, which stays plugged in'
    : null;

/** The caller closes the stage. */
export async function processLane(): Promise<{ lane: Lane; stage: Stage }> {
  const stage = await Stage.set();
  try {
    stage.touches = false;
    await stage.startDaemon();
    const setup = await stage.ctlWithSheet(['setup']);
    if (!setup.answer.ok) throw new Error(`set-up: ${setup.answer.error?.code}`);
    return { lane: laneOf(stage), stage };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

function laneOf(stage: Stage): Lane {
  let daemonPid = 0;
  const client = createClient({
    socketPath: stage.socket,
    check: {
      peerOf: async (socket) => {
        const peer = await peerCredentials(socket);
        daemonPid = peer?.pid ?? 0;
        return peer;
      },
      trusts: () => true,
    },
  });
  // The daemon's event and the key's own line come in either order.
  let wanted = false;
  let allowed = false;
  const touchIfBoth = () => {
    if (!wanted || !allowed) return;
    [wanted, allowed] = [false, false];
    stage.authenticator.say('touch');
  };
  stage.authenticator.onLine((line) => {
    if (!line.includes('"touch-wanted"')) return;
    wanted = true;
    touchIfBoth();
  });
  const stays = async () => Promise.reject(new Error('the key of this lane stays plugged in'));
  return {
    name: 'emulator',
    subject: {
      ...client,
      start: (request, options) => {
        [wanted, allowed] = [false, false];
        return client.start(request, options);
      },
    },
    operator: {
      touch: async () => {
        allowed = true;
        touchIfBoth();
      },
      insert: stays,
      remove: stays,
    },
    daemon: async (what) => {
      if (what === 'kill') {
        // Its pid is what the kernel says of the other end of the socket.
        process.kill(daemonPid, 'SIGKILL');
        await stage.daemon?.exited();
        stage.daemon = null;
      } else {
        if (what === 'restart') await stage.stopDaemon();
        await stage.startDaemon();
      }
      return null;
    },
  };
}
