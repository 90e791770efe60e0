/** What is forgotten, and when: `lock`, the end of a span while the clock of timers stood still, suspend, stop. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { UnlockedContainers } from '../../../agent/service/unlocked.ts';
import { type MonotonicMs, milliseconds, monotonicMs, unixMs } from '../../../drivers/base/brand.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import { deferred } from '../../../drivers/base/deferred.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { SimulatedSurroundings } from '../../../hal-mocks/signals/simulated-surroundings.ts';
import { documentOf, officeNetwork } from '../../support/policy-fixtures.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const PIN = { pin: '246813' };
const KEPT = { kind: 'unlock', purpose: null, forSeconds: null } as const;

describe('an unlocked container with a span', () => {
  it('is locked when its span is over by the wall clock, though the timer stood still in a suspend', () => {
    let wall = 1_700_000_000_000;
    const expired: number[] = [];
    const clock: Clock = {
      ...systemClock,
      now: (): MonotonicMs => monotonicMs(1),
      wall: () => unixMs(wall),
      timer: () => () => undefined,
    };
    const unlocked = new UnlockedContainers(clock, (uid) => expired.push(uid));
    unlocked.add(1000, new Uint8Array(16), Secret.take(new Uint8Array(32).fill(7)), milliseconds(60_000));
    unlocked.add(1001, new Uint8Array(16), Secret.take(new Uint8Array(32).fill(7)), milliseconds(60_000));
    wall += 59_999;
    expect(unlocked.stateOf(1000)).not.toBeNull();
    wall += 1;
    expect(() => unlocked.purposeKey(1000, 'disk')).toThrow(/locked/);
    expect(unlocked.stateOf(1001)).toBeNull();
    expect(expired).toEqual([1000, 1001]);
  });
});

describe('forgetting', () => {
  let agent: TestAgent;
  const uid = 1000;
  const state = async () => (await agent.service.status(peer(uid))).own.state;

  /** An unlock whose purpose key nobody has taken. */
  async function untaken(): Promise<string> {
    const ceremony = await agent.service.begin(peer(uid), UNLOCK);
    for await (const event of ceremony.events({ signal: new AbortController().signal })) {
      if (event.type === 'prompt') ceremony.supply(event.slot, Secret.take(Buffer.from(PIN.pin)));
      if (event.type === 'done') return ceremony.id;
      if (event.type === 'failed') break;
    }
    throw new Error('the unlock did not end well');
  }

  /** An unlock that waits for its PIN. */
  async function waiting() {
    const ceremony = await agent.service.begin(peer(uid), UNLOCK);
    for await (const event of ceremony.events({ signal: new AbortController().signal })) {
      if (event.type === 'prompt') break;
    }
    return ceremony;
  }

  async function endOf(ceremony: Awaited<ReturnType<typeof waiting>>): Promise<string> {
    for await (const event of ceremony.events({ signal: new AbortController().signal })) {
      if (event.type === 'failed') return event.refusal.code;
    }
    return 'no refusal';
  }

  beforeAll(async () => {
    agent = await TestAgent.start();
    await agent.setUpAndEnrol(uid, PIN.pin);
    await agent.setUpAndEnrol(1001, PIN.pin);
  });
  afterAll(() => agent.close());

  it('`lock` wipes the key that nobody took and cancels what the user has under way, and nobody else’s', async () => {
    const id = await untaken();
    const ceremony = await waiting();
    const other = await agent.service.begin(peer(1001), UNLOCK);
    expect(await agent.service.lock(peer(uid))).toEqual({ wasUnlocked: true });
    expect(() => agent.service.ceremony(peer(uid), id).take('purpose-key')).toThrow(/no purpose-key/);
    expect(await endOf(ceremony)).toBe('ERR_API_CEREMONY_CANCELLED');
    for await (const event of other.events({ signal: new AbortController().signal })) {
      expect(event.type).toBe('prompt');
      break;
    }
    other.cancel();
    expect(await state()).toBe('locked');
  });

  it('`lock` in the middle of an unlock wins: the container does not open afterwards', async () => {
    const ceremony = await agent.service.begin(peer(uid), KEPT);
    agent.touch = false;
    let first = true;
    agent.key.presence.onWait(() => {
      if (!first) return;
      first = false;
      // At the touch everything but the key's answer is there.
      void agent.service.lock(peer(uid));
      setImmediate(() => agent.key.presence.touch());
    });
    for await (const event of ceremony.events({ signal: new AbortController().signal })) {
      if (event.type === 'prompt') ceremony.supply(event.slot, Secret.take(Buffer.from(PIN.pin)));
    }
    agent.touch = true;
    expect(await endOf(ceremony)).toBe('ERR_API_CEREMONY_CANCELLED');
    expect(await state()).toBe('locked');
  });

  it.each(['suspend', 'stop'])('%s forgets every key and every secret before anything is waited for', async (why) => {
    const id = await untaken();
    const ceremony = await waiting();
    const forgotten = agent.service.forgetAll(why);
    expect(agent.parts.unlocked.stateOf(uid)).toBeNull();
    expect(() => agent.service.ceremony(peer(uid), id).take('purpose-key')).toThrow(/no purpose-key/);
    await forgotten;
    expect(await endOf(ceremony)).toBe('ERR_API_CEREMONY_CANCELLED');
    expect(agent.audit.filter(({ event }) => event === 'locked').at(-1)).toMatchObject({ uid, detail: { why } });
  });

  it('a suspend that nobody announced is made good before the next request is answered', async () => {
    await agent.run(uid, KEPT, PIN);
    expect(await state()).toBe('unlocked');
    agent.slept = true;
    expect(await state()).toBe('locked');
    await agent.run(uid, KEPT, PIN);
    agent.slept = true;
    await expect(agent.service.purposeKey(peer(uid), 'disk')).rejects.toMatchObject({ code: 'ERR_CONTAINER_LOCKED' });
    const id = await untaken();
    agent.slept = true;
    expect(() => agent.service.ceremony(peer(uid), id).take('purpose-key')).toThrow(/no purpose-key/);
  });

  it('of the finished ceremonies of one uid the last eight are kept; the key of an older one is wiped', async () => {
    const other = await agent.service.begin(peer(1001), UNLOCK);
    other.cancel();
    await endOf(other);
    const first = agent.service.ceremony(peer(uid), await untaken());
    const ids = [first.id];
    for (let more = 0; more < 8; more++) {
      const ceremony = await waiting();
      ids.push(ceremony.id);
      ceremony.cancel();
      await endOf(ceremony);
    }
    // What comes after the end of the last one is done when the next request of the same user has its turn.
    (await waiting()).cancel();
    const found = (id: string) => {
      try {
        return agent.service.ceremony(peer(uid), id).id === id;
      } catch {
        return false;
      }
    };
    expect(ids.map(found)).toEqual([false, ...Array.from({ length: 8 }, () => true)]);
    expect(() => first.take('purpose-key')).toThrow(/no purpose-key/);
    expect(agent.service.ceremony(peer(1001), other.id).id).toBe(other.id);
  });

  it('the service forgets first when it stops, also with a TPM that never answers', async () => {
    await agent.run(uid, KEPT, PIN);
    const ceremony = await waiting();
    const answer = deferred<void>();
    const hung = agent.parts.tpm.withTpm(new AbortController().signal, () => answer.promise);
    ceremony.supply('pin', Secret.take(Buffer.from(PIN.pin)));
    const stopped = agent.service.stop();
    const left = agent.parts.unlocked.stateOf(uid);
    answer.resolve();
    await hung;
    await stopped;
    expect(left).toBeNull();
  });
});

describe('what was around the machine before a suspend', () => {
  it('does not count after it: the clock of its age stood still, and the machine may be anywhere', async () => {
    const uid = 1000;
    const world = new SimulatedSurroundings(systemClock);
    world.set(
      { kind: 'ipConfig', observation: officeNetwork() },
      { validFor: milliseconds(3_600_000), repeated: false },
    );
    const drivers = world.drivers;
    await using agent = await TestAgent.start({
      drivers,
      simulated: true,
      settings: { unlockWithin: milliseconds(800) },
    });
    const seen = () => agent.sensors.ledger.latest('ipConfig')?.state === 'observed';
    for (let i = 0; i < 200 && !seen(); i++) await systemClock.sleep(milliseconds(10), {});
    await agent.run(0, { kind: 'setup' });
    await agent.service.setPolicy(peer(0), formatDocument(documentOf(['pin'], ['network'])));
    await agent.setUpAndEnrol(uid, PIN.pin);
    expect((await agent.run(uid, UNLOCK, PIN)).done).toMatchObject({ strength: 'bound-1' });
    agent.slept = true;
    expect((await agent.service.explainPolicy(peer(uid))).missing).toEqual([['network', 'pin']]);
    expect((await agent.run(uid, UNLOCK, PIN)).failed?.refusal.code).toBe('ERR_POLICY_DENIED');
    world.set({ kind: 'ipConfig', observation: officeNetwork() });
    for (let i = 0; i < 200 && !seen(); i++) await systemClock.sleep(milliseconds(10), {});
    expect((await agent.run(uid, UNLOCK, PIN)).done).toMatchObject({ strength: 'bound-1' });
    // Somebody typed the PIN and waited; the machine slept, unannounced, and wakes up where the network is.
    world.set({ kind: 'ipConfig', observation: officeNetwork('198.51.100.7/24') });
    const ceremony = await agent.service.begin(peer(uid), UNLOCK);
    let ended = '';
    for await (const event of ceremony.events({ signal: new AbortController().signal })) {
      if (event.type === 'prompt') ceremony.supply(event.slot, Secret.take(Buffer.from(PIN.pin)));
      if (event.type === 'waiting' && !agent.slept) {
        agent.slept = true;
        world.set({ kind: 'ipConfig', observation: officeNetwork() });
      }
      if (event.type === 'done') ended = 'unlocked';
      if (event.type === 'failed') ended = event.refusal.code;
    }
    expect(ended).toBe('ERR_API_CEREMONY_CANCELLED');
  });
});
