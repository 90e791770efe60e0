import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_EPOCH_STEP } from '../../../agent/container/authority/statement.ts';
import { type FileSystem, nodeFileSystem } from '../../../agent/container/durable-files.ts';
import { TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;

const stateFile = (agent: TestAgent): string => join(agent.folder, 'containers', `${UID}.state`);

describe('the numbers of a container', () => {
  it('that were pushed far ahead in the file refuse a change at once, and the container still opens', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(UID);
    const state = await agent.parts.store.readContainer(UID);
    if (state === null) throw new Error('not enrolled');
    await agent.parts.store.writeContainer({ ...state, highestSigned: state.highestSigned + MAX_EPOCH_STEP + 1 });
    const change = await agent.run(UID, { kind: 'pin-change' }, { pin: '246813', 'new-pin': '975310' });
    expect(change.failed?.refusal.code).toBe('ERR_EPOCH_GAP');
    expect((await agent.run(UID, UNLOCK, { pin: '246813' })).done).toMatchObject({ unlocked: true });
  });

  it('do not move on while the disk may bring the old file back, so that after a power cut one of them opens', async () => {
    let failing = false;
    const fs: FileSystem = {
      ...nodeFileSystem,
      open: async (path, flags, mode) => {
        const file = await nodeFileSystem.open(path, flags, mode);
        if (!failing || flags !== 'r') return file;
        const sync = async () => {
          throw Object.assign(new Error('input/output error'), { code: 'EIO' });
        };
        return { write: file.write.bind(file), close: () => file.close(), sync };
      },
    };
    await using agent = await TestAgent.start({ fs });
    await agent.setUpAndEnrol(UID);
    const write = agent.parts.store.writeContainer.bind(agent.parts.store);
    let writes = 0;
    let old: Buffer | null = null;
    agent.parts.store.writeContainer = async (state) => {
      writes++;
      if (writes === 2) {
        old = await readFile(stateFile(agent));
        failing = true;
      }
      await write(state);
    };
    const change = await agent.run(UID, { kind: 'pin-change' }, { pin: '246813', 'new-pin': '951620' });
    expect(change.failed?.refusal.code).toBe('ERR_CHANGE_NOT_REVOKED');
    const meanwhile = await agent.run(UID, UNLOCK, { pin: '951620' });
    expect(meanwhile.done).toMatchObject({ unlocked: true });
    // The power cut: the rename has never reached the disk.
    failing = false;
    if (old === null) throw new Error('nothing was written');
    await writeFile(stateFile(agent), old);
    await agent.service.stop();
    await agent.restart();
    expect((await agent.run(UID, UNLOCK, { pin: '246813' })).done).toMatchObject({ unlocked: true });
  });

  it('are not lost with a damaged file: the counter that an intent names stays until a good file is back', async () => {
    await using agent = await TestAgent.start();
    await agent.setUpAndEnrol(UID);
    const state = await agent.parts.store.readContainer(UID);
    if (state === null) throw new Error('not enrolled');
    const { containerId, counterIndex, authority } = state;
    await agent.parts.store.writeIntent(UID, 'retired', { containerId, counterIndex, authority: authority.publicArea });
    const good = await readFile(stateFile(agent));
    const bad = Buffer.from(good);
    bad[100] = (bad[100] ?? 0) ^ 1;
    await writeFile(stateFile(agent), bad);
    await agent.service.stop();
    await agent.restart();
    await writeFile(stateFile(agent), good);
    expect((await agent.run(UID, UNLOCK, { pin: '246813' })).done).toMatchObject({ unlocked: true });
  });
});
