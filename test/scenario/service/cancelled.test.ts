import { describe, expect, it } from 'vitest';
import type { Ceremony, CeremonyEvent } from '../../../agent/api/ports.ts';
import { COUNTER_RANGE } from '../../../agent/container/authority/statement.ts';
import { getHandles } from '../../../drivers/tpm2/index.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const never = new AbortController().signal;

async function lastEvent(ceremony: Ceremony): Promise<CeremonyEvent | undefined> {
  let last: CeremonyEvent | undefined;
  for await (const event of ceremony.events({ signal: never })) last = event;
  return last;
}

const counters = (agent: TestAgent): Promise<readonly number[]> =>
  agent.parts.tpm.withTpm(never, (tpm) => getHandles(tpm, COUNTER_RANGE.first));

describe('a ceremony that is cancelled', () => {
  it('while it waits for its turn does nothing when the turn comes', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(UID);
    const waiting = await agent.service.begin(peer(UID), UNLOCK);
    const unenrol = await agent.service.begin(peer(UID), { kind: 'unenrol', uid: null });
    unenrol.cancel();
    waiting.cancel();
    for await (const first of unenrol.events({ signal: never })) {
      expect(first).toMatchObject({ type: 'progress', step: expect.stringContaining('until another command') });
      break;
    }
    expect(await lastEvent(unenrol)).toMatchObject({
      type: 'failed',
      refusal: { code: 'ERR_API_CEREMONY_CANCELLED' },
    });
    expect((await agent.run(UID, UNLOCK, { pin: '246813' })).done).toMatchObject({ unlocked: true });
  });

  it('leaves no counter behind when a recovery is given up, however often', async () => {
    await using agent = await TestAgent.start();
    const sheet = await agent.setUpAndEnrol(UID);
    const before = await counters(agent);
    for (let attempt = 0; attempt < 2; attempt++) {
      const given = await agent.run(UID, { kind: 'recover' }, { recovery: sheet });
      expect(given.failed?.refusal.code).toBe('ERR_API_CEREMONY_CANCELLED');
    }
    expect(await counters(agent)).toEqual(before);
    const recovered = await agent.run(UID, { kind: 'recover' }, { recovery: sheet, 'new-pin': '864209' });
    expect(recovered.done).toMatchObject({ oldCounterFreed: true });
    expect(await counters(agent)).toHaveLength(1);
  });

  it('after the commit of a recovery is told that it is done, and the next start frees the old counter', async () => {
    await using agent = await TestAgent.start();
    const sheet = await agent.setUpAndEnrol(UID);
    const write = agent.parts.store.writeContainer.bind(agent.parts.store);
    let ceremony: Ceremony | undefined;
    const begin = agent.service.begin.bind(agent.service);
    agent.service.begin = async (who, request) => {
      ceremony = await begin(who, request);
      return ceremony;
    };
    agent.parts.store.writeContainer = async (state) => {
      await write(state);
      ceremony?.cancel();
    };
    const outcome = await agent.run(UID, { kind: 'recover' }, { recovery: sheet, 'new-pin': '864209' });
    expect(outcome.done).toMatchObject({ state: 'locked' });
    agent.parts.store.writeContainer = write;
    await agent.service.stop();
    await agent.restart();
    expect(await counters(agent)).toHaveLength(1);
    expect((await agent.run(UID, UNLOCK, { pin: '864209' })).done).toMatchObject({ unlocked: true });
  });
});
