import { describe, expect, it } from 'vitest';
import { emptyAuth, nameOfHandle, TPM_RH, type Tpm } from '../../../drivers/tpm2/index.ts';
import { TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const never = new AbortController().signal;

/** TPM2_Clear (Part 3 §24.6) by the platform: what a firmware menu does. */
const clear = async (tpm: Tpm): Promise<void> => {
  const handle = TPM_RH.PLATFORM;
  await tpm.execute({ command: 'Clear', handles: [{ handle, name: nameOfHandle(handle), auth: emptyAuth }] });
};

describe('a TPM that was cleared or replaced', () => {
  it('gets a set-up of its own, and the sheet brings the user and his earlier keys back', async () => {
    await using agent = await TestAgent.start();
    const sheet = await agent.setUpAndEnrol(UID);
    const before = await agent.run(UID, UNLOCK, { pin: '246813' });
    await agent.service.lock({ uid: UID, gid: UID, pid: 1 });

    await agent.parts.tpm.withTpm(never, clear);
    const refused = await agent.run(UID, UNLOCK, { pin: '246813' });
    expect(refused.failed?.refusal.code).toBe('ERR_TPM_OTHER_DEVICE');
    const again = await agent.run(0, { kind: 'setup' });
    expect(again.done).toMatchObject({ tpmReplaced: true, pinIsBound: true });
    expect((await agent.run(0, { kind: 'setup' })).failed?.refusal.code).toBe('ERR_SETUP_DONE');

    const recovered = await agent.run(UID, { kind: 'recover' }, { recovery: sheet, 'new-pin': '864209' });
    expect(recovered.failed).toBeNull();
    const after = await agent.run(UID, UNLOCK, { pin: '864209' });
    expect(after.done).toMatchObject({ unlocked: true, strength: 'bound-2' });
    expect(after.out.get('purpose-key')).not.toEqual(before.out.get('purpose-key'));
    const earlier = await agent.run(UID, { kind: 'earlier-key', purpose: 'test', earlier: 1 }, { pin: '864209' });
    expect(earlier.out.get('purpose-key')).toEqual(before.out.get('purpose-key'));
    const older = await agent.run(UID, { kind: 'earlier-key', purpose: 'test', earlier: 2 }, { pin: '864209' });
    expect(older.failed?.refusal.code).toBe('ERR_CONTAINER_NO_EARLIER_KEY');
  });
});
