/** A fault of the program in the middle of an unlock ends that unlock with an error, and nothing else. */
import { afterEach, expect, it, vi } from 'vitest';
import { CeremonyRun } from '../../../agent/service/ceremony-run.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

afterEach(() => vi.restoreAllMocks());

it('what throws while an answer is taken in becomes the end of the ceremony, and the fault is reported', async () => {
  await using agent = await TestAgent.start();
  await agent.setUpAndEnrol(1000);
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', onUnhandled);
  try {
    const emit = CeremonyRun.prototype.emit;
    vi.spyOn(CeremonyRun.prototype, 'emit').mockImplementation(function (this: CeremonyRun, event) {
      if (event.type === 'refused') throw new TypeError('a fault');
      emit.call(this, event);
    });
    await expect(agent.run(1000, UNLOCK, { pin: '111112' })).rejects.toThrow('a fault');
    vi.restoreAllMocks();
    expect(agent.faults).toHaveLength(1);
    agent.faults.length = 0;
    expect((await agent.run(1000, UNLOCK, { pin: '246813' })).done).toMatchObject({ unlocked: true });
    expect((await agent.service.status(peer(1000))).own.state).toBe('unlocked');
    expect(unhandled).toEqual([]);
  } finally {
    process.removeListener('unhandledRejection', onUnhandled);
  }
});
