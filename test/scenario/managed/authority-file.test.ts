/** The public key of a managed machine is needed at set-up and at no other time: a bad file refuses that, and no start. */

import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAuthorityFile } from '../../../agent/container/authority/authority-file.ts';
import { doctorProbes } from '../../../agent/doctor-probes.ts';
import { TestAgent } from '../../support/service/test-agent.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authority-'));
  path = join(folder, 'authority.pem');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pem = (curve: string): string =>
  generateKeyPairSync('ec', { namedCurve: curve }).publicKey.export({ type: 'spki', format: 'pem' }).toString();

describe('the authority’s file', () => {
  it('holds the coordinates of its key; without a file this machine signs', async () => {
    await writeFile(path, pem('P-256'));
    const read = readAuthorityFile(path);
    expect([read?.x.length, read?.y.length]).toEqual([32, 32]);
    expect(readAuthorityFile('')).toBeNull();
  });

  it.each([
    ['that is absent', async () => undefined],
    ['that is a folder', async () => (path = folder)],
    ['that is no key', async () => await writeFile(path, 'hello')],
    ['that has a key of another curve', async () => await writeFile(path, pem('P-384'))],
    ['that is too large', async () => await writeFile(path, pem('P-256').padEnd(65_537))],
  ])(
    '%s refuses set-up with ERR_CONFIG_INVALID, before the TPM is told anything; the agent starts',
    async (_, make) => {
      await make();
      await using agent = await TestAgent.start({ settings: { managedAuthority: () => readAuthorityFile(path) } });
      expect(agent.problems).toEqual([]);
      const setup = await agent.run(0, { kind: 'setup' });
      expect(setup.failed?.refusal).toMatchObject({
        code: 'ERR_CONFIG_INVALID',
        detail: { key: 'policy.authority_file' },
      });
      expect(setup.out.size).toBe(0);
      expect(await agent.parts.store.readMachine()).toBeNull();
      path = join(folder, 'good.pem');
      await writeFile(path, pem('P-256'));
      expect((await agent.run(0, { kind: 'setup' })).done).toMatchObject({ authority: 'managed' });
      await rm(path);
      await agent.restart();
      expect((await agent.service.policy({ uid: 0, gid: 0, pid: 1 })).authority).toBe('managed');
    },
  );

  it('that is bad is a finding of doctor', async () => {
    const config = join(folder, 'unlockd.toml');
    await writeFile(
      config,
      `[paths]\nstate_dir = "${folder}"\nrun_dir = "${folder}"\n[policy]\nauthority_file = "${path}"\n`,
      {
        mode: 0o600,
      },
    );
    const before = process.env.UNLOCKD_CONFIG;
    process.env.UNLOCKD_CONFIG = config;
    try {
      const { folders } = await doctorProbes();
      const fact = async () => (await folders()).find((found) => found.path === path);
      expect((await fact())?.problem).toMatch(/cannot be read/);
      await writeFile(path, pem('P-256'));
      expect((await fact())?.problem).toBeNull();
    } finally {
      if (before === undefined) delete process.env.UNLOCKD_CONFIG;
      else process.env.UNLOCKD_CONFIG = before;
    }
  });
});
