import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FileSystem, nodeFileSystem } from '../../../agent/container/durable-files.ts';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { DEFAULT_DOCUMENT } from '../../../agent/policy/model.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;

describe('a newer policy of the machine', () => {
  it('that asks the key to verify its user is not in force with a key that was enrolled without', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(UID);
    const document = formatDocument({ ...DEFAULT_DOCUMENT, securityKey: { userVerification: 'required' } });
    await agent.service.setPolicy(peer(0), document);
    const outcome = await agent.run(UID, UNLOCK, { pin: '246813' });
    expect(outcome.done).toMatchObject({ unlocked: true, policyPending: 'ERR_POLICY_KEY_NOT_VERIFYING' });
    expect((await agent.service.status(peer(UID))).own.policyPending).toBe(true);
  });

  it('does not keep anybody out while the disk is full', async () => {
    let full = false;
    const fs: FileSystem = {
      ...nodeFileSystem,
      open: async (path, flags, mode) => {
        if (full && flags === 'w') throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        return await nodeFileSystem.open(path, flags, mode);
      },
    };
    await using agent = await TestAgent.start({ fs });
    await agent.setUpAndEnrol(UID);
    await agent.service.setPolicy(peer(0), formatDocument(DEFAULT_DOCUMENT));
    full = true;
    const outcome = await agent.run(UID, UNLOCK, { pin: '246813' });
    full = false;
    expect(outcome.done).toMatchObject({ unlocked: true, policyPending: 'ERR_STATE_WRITE_FAILED' });
    expect((await agent.run(UID, UNLOCK, { pin: '246813' })).done).toMatchObject({ policyInForce: 2 });
  });

  it('that is damaged keeps nobody out, and root sets the next one', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(UID);
    await agent.service.setPolicy(peer(0), formatDocument(DEFAULT_DOCUMENT));
    expect((await agent.run(UID, UNLOCK, { pin: '246813' })).done).toMatchObject({ policyInForce: 2 });
    await writeFile(join(agent.folder, 'policy.state'), 'garbage');
    const outcome = await agent.run(UID, UNLOCK, { pin: '246813' });
    expect(outcome.done).toMatchObject({ unlocked: true, policyPending: 'ERR_STATE_CORRUPT' });
    expect((await agent.service.status(peer(UID))).own.state).toBe('unlocked');
    await agent.service.setPolicy(peer(0), formatDocument(DEFAULT_DOCUMENT));
    expect((await agent.run(UID, UNLOCK, { pin: '246813' })).done).toMatchObject({ policyInForce: 3 });
  });
});
