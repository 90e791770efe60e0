/** Files that the configuration names and that are read long after the start: what is wrong with them is said before. */
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfigText } from '../../../agent/config/file.ts';
import { documentKeysOf } from '../../../agent/container/document-keys.ts';
import { doctorProbes } from '../../../agent/doctor-probes.ts';
import { TestAgent } from '../../support/service/test-agent.ts';

const PEM = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unlockd-files-'));
  path = join(folder, 'named');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What `doctor` says of the file; undefined: nothing. */
async function doctors(section: string, key: string): Promise<string | null | undefined> {
  return await asConfigured(section, key, async () => {
    const facts = await (await doctorProbes()).folders();
    return facts.find((fact) => fact.path === path)?.problem;
  });
}

/** Runs `look` in the world of a configuration that names the file. */
async function asConfigured<T>(section: string, key: string, look: () => Promise<T>): Promise<T> {
  const config = join(folder, 'unlockd.toml');
  const text = `[paths]\nstate_dir = "${folder}"\nrun_dir = "${folder}"\n[${section}]\n${key} = "${path}"\n`;
  await writeFile(config, text, { mode: 0o600 });
  const before = process.env.UNLOCKD_CONFIG;
  process.env.UNLOCKD_CONFIG = config;
  try {
    return await look();
  } finally {
    if (before === undefined) delete process.env.UNLOCKD_CONFIG;
    else process.env.UNLOCKD_CONFIG = before;
  }
}

describe('the keys of signed policy documents', () => {
  const settings = () => ({ documentKeys: () => documentKeysOf(readConfigText(path)) });
  const problems = async (): Promise<readonly string[]> => {
    await using agent = await TestAgent.start({ settings: settings() });
    return agent.problems.map(({ code, message }) => `${code} ${message}`);
  };

  it('that are sound are no problem at the start, nor to doctor', async () => {
    await writeFile(path, PEM);
    expect(await problems()).toEqual([]);
    expect(await doctors('policy', 'document_key')).toBeNull();
  });

  it('that are missing, broken or open to others are told at the start, with what it means, and by doctor', async () => {
    expect(await problems()).toEqual([`ERR_CONFIG_UNREADABLE no policy can be set: ${path}: there is no such file`]);
    expect(await doctors('policy', 'document_key')).toBe('there is no such file');
    await writeFile(path, PEM.replace('MCow', 'AAAA'));
    expect(await problems()).toEqual([
      'ERR_CONFIG_INVALID no policy can be set: policy.document_key: a key in it cannot be read',
    ]);
    expect(await doctors('policy', 'document_key')).toBe('policy.document_key: a key in it cannot be read');
    await writeFile(path, PEM);
    await chmod(path, 0o666);
    expect(await problems()).toEqual([expect.stringMatching(/^ERR_CONFIG_PERMISSION no policy can be set: /)]);
  });

  it('that are missing keep nobody from being served', async () => {
    await using agent = await TestAgent.start({ settings: settings() });
    await agent.setUpAndEnrol(1000);
    const unlocked = await agent.run(1000, { kind: 'unlock', purpose: null, forSeconds: null }, { pin: '246813' });
    expect(unlocked.done).toMatchObject({ unlocked: true });
  });
});

describe('the script of surroundings', () => {
  it('is looked at by doctor: nothing is said of a good one, of a bad one where', async () => {
    await writeFile(path, '{"kind":"wifi","unavailable":"no-device"}\n');
    expect(await doctors('simulation', 'surroundings')).toBeNull();
    await writeFile(path, '{"kind":"wifi","unavailable":"tired"}\n');
    expect(await doctors('simulation', 'surroundings')).toMatch(/:1:16: unavailable: is to be one of/);
    await rm(path);
    expect(await doctors('simulation', 'surroundings')).toBe('there is no such file');
  });
});

describe('the FIDO metadata', () => {
  const fact = () =>
    asConfigured('hid', 'metadata_file', async () => (await (await doctorProbes()).metadata?.(null)) ?? null);

  it('that can be read is counted by doctor, and what cannot be is a problem that says where', async () => {
    expect(await fact()).toMatchObject({ problem: { code: 'ERR_CONFIG_UNREADABLE' } });
    await writeFile(path, '{"entries": [{}]');
    expect(await fact()).toMatchObject({ problem: { code: 'ERR_CTAP_METADATA_FILE' } });
    await writeFile(path, '{"entries": []}');
    expect(await fact()).toEqual({ path, models: 0, signed: false, ageDays: 0, problem: null });
    await chmod(path, 0o666);
    expect(await fact()).toMatchObject({ problem: { code: 'ERR_CONFIG_PERMISSION' } });
  });
});
