/** An old state file put in its place while the daemon runs: `status` says so before anybody types a PIN for nothing. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const missing = await swtpmMissing();

describe.skipIf(missing !== null)(`an old state file under a running daemon${missing ? ` (${missing})` : ''}`, () => {
  let agent: TestAgent;
  let path = '';
  let old: Buffer;
  /** Commands that read a counter. */
  let reads = 0;
  beforeAll(async () => {
    agent = await TestAgent.start({
      trace: ({ direction, label }) => {
        if (direction === 'out' && label === 'TPM2_NV_Read') reads++;
      },
    });
    await agent.setUpAndEnrol(UID);
    path = join(agent.folder, 'containers', `${UID}.state`);
    old = await readFile(path);
    const changed = await agent.run(UID, { kind: 'pin-change' }, { pin: '246813', 'new-pin': '975310' });
    expect(changed.failed).toBeNull();
  });
  afterAll(() => agent.close());

  const state = async () => (await agent.service.status(peer(UID))).own.state;
  const users = async () => (await agent.service.users(peer(0))).find(({ uid }) => uid === UID)?.state;

  it('is recovery-needed at the next status and among the users, and locked again with the right file', async () => {
    expect(await state()).toBe('locked');
    const good = await readFile(path);
    await writeFile(path, old);
    expect(await state()).toBe('recovery-needed');
    expect(await users()).toBe('recovery-needed');
    expect((await agent.run(UID, UNLOCK, { pin: '246813' })).failed?.refusal.code).toBe('ERR_EPOCH_AHEAD');
    await writeFile(path, good);
    expect(await state()).toBe('locked');
    expect(await users()).toBe('locked');
    expect((await agent.run(UID, UNLOCK, { pin: '975310' })).failed).toBeNull();
    await agent.service.lock(peer(UID));
  });

  it('costs the TPM one look for each state that is found, not one for each status', async () => {
    await state();
    const good = await readFile(path);
    const during = async (): Promise<number> => {
      const before = reads;
      for (let n = 0; n < 3; n++) await state();
      return reads - before;
    };
    expect(await during()).toBe(0);
    await writeFile(path, old);
    expect(await during()).toBe(1);
    await writeFile(path, good);
    expect(await during()).toBe(1);
  });

  it('says nothing new while the TPM cannot be asked', async () => {
    const good = await readFile(path);
    await agent.swtpm.stop();
    try {
      await writeFile(path, old);
      expect(await state()).toBe('locked');
    } finally {
      await agent.swtpm.start();
    }
    expect(await state()).toBe('recovery-needed');
    await writeFile(path, good);
    expect(await state()).toBe('locked');
  });
});
