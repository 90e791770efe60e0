/**
 * A lane for walkthroughs in one process: the real service over swtpm, virtual keys behind the HID seam. The daemon can be
 * restarted here but not killed: there is no process of its own.
 */

import { DaemonRefusal } from '../../../agent/api/daemon-refusal.ts';
import type { Lane, Subject } from '../../../agent/walkthrough/lane.ts';
import type { Walkthrough } from '../../../agent/walkthrough/schema.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { isUnlockdError, UnlockdError } from '../../../drivers/base/errors.ts';
import { PROFILES } from '../../../hal-mocks/fido2/profile.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { peer, TestAgent } from '../service/test-agent.ts';

const UID = 1000;

/** What crosses the socket as a refusal. */
async function refusals<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    const { code, message, cure } = error;
    throw new DaemonRefusal({ code, message, cure, detail: {} });
  }
}

function subjectOf(agent: TestAgent): Subject {
  const who = peer(UID);
  const never = new AbortController().signal;
  return {
    start: (request, { signal = never } = {}) =>
      refusals(async () => {
        const { id } = await agent.service.begin(who, request);
        const events = agent.service.ceremony(who, id).events({ signal });
        return {
          id,
          events: (async function* () {
            yield* events;
          })(),
        };
      }),
    supply: (id, slot, secret) => refusals(() => agent.service.ceremony(who, id).supply(slot, secret)),
    take: (id, slot) => refusals(() => agent.service.ceremony(who, id).take(slot)),
    cancel: (id) => refusals(() => agent.service.ceremony(who, id).cancel()),
    status: () => refusals(() => agent.service.status(who)),
    lock: () => refusals(() => agent.service.lock(who)),
  };
}

/** The lane with what the walkthrough gives of keys and policy; the caller closes the agent. */
export async function inProcessLane({ given }: Walkthrough): Promise<{ lane: Lane; agent: TestAgent }> {
  const agent = await TestAgent.start({ touch: false });
  try {
    return { lane: await laneOf(agent, given), agent };
  } catch (error) {
    await agent.close();
    throw error;
  }
}

async function laneOf(agent: TestAgent, given: Walkthrough['given']): Promise<Lane> {
  agent.key.remove();
  const keys = new Map<string, VirtualAuthenticator>();
  for (const [name, where] of Object.entries(given.keys)) {
    const key = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy, profile: PROFILES['2.1'] });
    if (where === 'unplugged') key.remove();
    agent.hid.attach(key);
    keys.set(name, key);
  }
  const named = (name: string): VirtualAuthenticator => {
    const key = keys.get(name);
    if (key === undefined) throw new UnlockdError('ERR_HAL_NOT_FOUND', `there is no key ${name}`);
    return key;
  };
  const setup = await agent.run(0, { kind: 'setup' });
  if (setup.failed !== null) throw new Error(setup.failed.refusal.message);
  if (given.policy !== undefined) await agent.service.setPolicy(peer(0), JSON.stringify(given.policy));
  return {
    name: 'mock',
    subject: subjectOf(agent),
    operator: {
      // The event may come a moment before the key itself waits.
      touch: async () => {
        for (const key of keys.values()) {
          if (!key.plugged) continue;
          if (key.presence.waiting) key.presence.touch();
          else {
            const stop = key.presence.onWait(() => {
              stop();
              setImmediate(() => key.presence.touch());
            });
          }
        }
      },
      insert: async (name) => named(name).insert(),
      remove: async (name) => named(name).remove(),
    },
    daemon: async (what) => {
      if (what !== 'restart') return 'the daemon has no process of its own: it can only be restarted';
      await agent.service.stop();
      await agent.restart();
      return null;
    },
  };
}
