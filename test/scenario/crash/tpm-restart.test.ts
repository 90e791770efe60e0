/**
 * swtpm killed at every TPM command of an unlock and started again: a typed error for the unlock that met it, and the
 * next one opens, without a restart of the daemon. Each unclean stop costs a try, which the owner resets.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const PIN = '246813';
const missing = await swtpmMissing();

describe.skipIf(missing !== null)(`a TPM that dies in an unlock${missing ? ` (${missing})` : ''}`, () => {
  let agent: TestAgent;
  let owner = '';
  let sent = 0;
  let killAt = Number.POSITIVE_INFINITY;
  let killed: Promise<void> = Promise.resolve();

  beforeAll(async () => {
    agent = await TestAgent.start({
      trace: ({ seam, direction }) => {
        if (seam !== 'tpm' || direction !== 'out') return;
        if (sent++ === killAt) killed = agent.swtpm.kill();
      },
    });
    const setup = await agent.run(0, { kind: 'setup' });
    owner = setup.out.get('owner-sheet')?.toString('ascii') ?? '';
    await agent.setUpAndEnrol(UID, PIN);
  });
  afterAll(() => agent.close());

  it('is a clear error at each of its commands, and the next unlock opens', async () => {
    sent = 0;
    expect((await agent.run(UID, UNLOCK, { pin: PIN })).failed).toBeNull();
    const commands = sent;
    expect(commands).toBeGreaterThan(10);
    let met = 0;
    for (let at = 0; at < commands; at++) {
      sent = 0;
      killAt = at;
      const { failed, done } = await agent.run(UID, UNLOCK, { pin: PIN });
      killAt = Number.POSITIVE_INFINITY;
      await killed;
      await agent.swtpm.start();
      // The last commands only free what the unlock has used: it has its answer then.
      if (done === null) {
        expect(failed?.refusal.code, `command ${at} of ${commands}`).toMatch(/^ERR_(HAL|TPM)_/);
        met++;
      }
      const { failed: again } = await agent.run(UID, UNLOCK, { pin: PIN });
      expect(again, `after command ${at} of ${commands}`).toBeNull();
      await agent.resetLockout(owner);
    }
    expect(met, `${met} of ${commands} unlocks failed`).toBeGreaterThan(commands / 2);
  }, 240_000);
});
