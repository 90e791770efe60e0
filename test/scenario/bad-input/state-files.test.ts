/** State files that are damaged, or of a newer version of the product: named, kept, never overwritten by accident. */
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeState, type StateKind } from '../../../agent/container/envelope.ts';
import { CONTAINER_STATE, type ContainerState } from '../../../agent/container/state.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';
import { endOf, kept } from './scene.ts';

const PIN = { pin: '246813' };
const ENROL = { kind: 'enrol' } as const;
let agent: TestAgent;
beforeEach(async () => {
  agent = await TestAgent.start();
  await agent.setUpAndEnrol(1000);
});
afterEach(() => agent.close());

const containers = (): string => join(agent.folder, 'containers');
const file = (): string => join(containers(), '1000.state');

describe('a damaged container file', () => {
  let good: Buffer;
  let bad: Buffer;
  beforeEach(async () => {
    good = await readFile(file());
    bad = Buffer.from(good);
    bad[bad.length >> 1] = (bad[bad.length >> 1] ?? 0) ^ 1;
    await writeFile(file(), bad);
  });
  const aside = async (): Promise<string> => {
    const names = (await readdir(containers())).filter((name) => name.startsWith('1000.state.corrupt-'));
    expect(names).toHaveLength(1);
    return join(containers(), names[0] ?? '');
  };

  it('is named, kept aside byte by byte, and stays refused, also after a restart', async () => {
    const first = await agent.run(1000, UNLOCK, PIN);
    expect(endOf(first)).toBe('ERR_STATE_CORRUPT');
    expect(first.failed?.refusal.message).toContain(await aside());
    expect(await readFile(await aside())).toEqual(bad);
    await agent.restart();
    const second = await agent.run(1000, UNLOCK, PIN);
    expect(endOf(second)).toBe('ERR_STATE_CORRUPT');
    expect(second.failed?.refusal.message).toContain(await aside());
    expect((await agent.service.status(peer(1000))).own.state).toBe('recovery-needed');
    expect(await readFile(await aside())).toEqual(bad);
  });

  it('keeps a new enrolment out until it is put right', async () => {
    expect(endOf(await agent.run(1000, ENROL, { 'new-pin': '975310' }))).toBe('ERR_STATE_CORRUPT');
    await agent.restart();
    expect(endOf(await agent.run(1000, ENROL, { 'new-pin': '975310' }))).toBe('ERR_STATE_CORRUPT');
    expect(await readFile(await aside())).toEqual(bad);
  });

  it('restored from a copy, it unlocks', async () => {
    await agent.run(1000, UNLOCK, PIN);
    await writeFile(file(), good, { mode: 0o600 });
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });

  it('given up, the user enrols anew', async () => {
    await agent.run(1000, UNLOCK, PIN);
    expect((await agent.run(0, { kind: 'unenrol', uid: 1000 })).done).toMatchObject({ counterFreed: false });
    expect(endOf(await agent.run(1000, ENROL, { 'new-pin': '975310' }))).toBe('done');
  });

  it('does not keep the daemon from starting, nor others from being served; root sees who is concerned', async () => {
    await agent.setUpAndEnrol(1001, '314159');
    await agent.restart();
    expect(endOf(await agent.run(1001, UNLOCK, { pin: '314159' }))).toBe('done');
    expect(await agent.service.users(peer(0))).toMatchObject([
      { uid: 1000, state: 'recovery-needed' },
      { uid: 1001, state: 'locked' },
    ]);
  });
});

describe('a container file that is no state file at all', () => {
  it.each([
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('# container\n')],
    ['the file of another kind', null],
  ])('%s: ERR_STATE_CORRUPT, kept aside as it was', async (_what, content) => {
    const put = content ?? (await readFile(join(agent.folder, 'machine.state')));
    await writeFile(file(), put);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('ERR_STATE_CORRUPT');
    const [name] = (await readdir(containers())).filter((each) => each.startsWith('1000.state.corrupt-'));
    expect(await readFile(join(containers(), name ?? ''))).toEqual(put);
  });
});

describe('the file of another user in the place of the own', () => {
  it('opens nothing: a container belongs to the uid that is written in it', async () => {
    await agent.setUpAndEnrol(1001, '314159');
    await writeFile(join(containers(), '1001.state'), await readFile(file()));
    expect(endOf(await agent.run(1001, UNLOCK, PIN))).toBe('ERR_STATE_CORRUPT');
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });
});

describe('a damaged machine file', () => {
  it('is named and kept aside; nothing is set up over it; restored, everybody unlocks', async () => {
    const path = join(agent.folder, 'machine.state');
    const good = await readFile(path);
    await writeFile(path, good.subarray(0, good.length - 1));
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('ERR_STATE_CORRUPT');
    expect(endOf(await agent.run(0, { kind: 'setup' }))).toBe('ERR_STATE_CORRUPT');
    const [name] = (await readdir(agent.folder)).filter((each) => each.startsWith('machine.state.corrupt-'));
    expect(await readFile(join(agent.folder, name ?? ''))).toEqual(good.subarray(0, good.length - 1));
    await writeFile(path, good);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });

  it('does not keep the daemon from starting, which then says what is wrong', async () => {
    const path = join(agent.folder, 'machine.state');
    const good = await readFile(path);
    await writeFile(path, 'damaged');
    await agent.restart();
    expect(agent.problems.map(({ code }) => code)).toEqual(['ERR_STATE_CORRUPT']);
    await rename(path, `${path}.gone`).catch(() => undefined);
    await writeFile(path, good);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });
});

describe('a container file of a newer version', () => {
  it('is refused with ERR_STATE_NEWER and not touched by anything; the version that wrote it reads it again', async () => {
    const state = await agent.parts.store.readContainer(1000);
    if (state === null) throw new Error('not enrolled');
    const good = await readFile(file());
    const newer: StateKind<ContainerState> = { ...CONTAINER_STATE, version: CONTAINER_STATE.version + 1 };
    await writeFile(file(), encodeState(newer, state));
    await agent.restart();
    const before = await kept(agent.folder);
    const refused = await agent.run(1000, UNLOCK, PIN);
    expect(endOf(refused)).toBe('ERR_STATE_NEWER');
    expect(refused.failed?.refusal.detail).toMatchObject({
      version: CONTAINER_STATE.version + 1,
      known: CONTAINER_STATE.version,
    });
    expect(endOf(await agent.run(1000, { kind: 'pin-change' }, { ...PIN, 'new-pin': '975310' }))).toBe(
      'ERR_STATE_NEWER',
    );
    expect(endOf(await agent.run(1000, ENROL, { 'new-pin': '975310' }))).toBe('ERR_STATE_NEWER');
    expect(endOf(await agent.run(1000, { kind: 'unenrol', uid: null }))).toBe('ERR_STATE_NEWER');
    expect((await agent.service.status(peer(1000))).own.state).toBe('recovery-needed');
    expect(await kept(agent.folder)).toEqual(before);
    await writeFile(file(), good);
    expect(endOf(await agent.run(1000, UNLOCK, PIN))).toBe('done');
  });
});

describe('a damaged count of tries', () => {
  it('costs a wait, never the container', async () => {
    await writeFile(join(containers(), '1000.tries'), 'damaged');
    await agent.restart();
    const limited = await agent.run(1000, UNLOCK, PIN);
    expect(endOf(limited)).toBe('ERR_PIN_SOFT_LIMIT');
    expect((await agent.service.status(peer(1000))).own.state).toBe('locked');
  });
});
