/** A machine that takes signed policy documents only: what it refuses, and that the older policy ends with the next unlock. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfigText } from '../../../agent/config/file.ts';
import { documentKeysOf } from '../../../agent/container/document-keys.ts';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { DEFAULT_DOCUMENT } from '../../../agent/policy/model.ts';
import { DocumentSigner } from '../../support/policy/document-signer.ts';
import { peer, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const ROOT = peer(0);
const PIN = '246813';
const document = (minLength: number): string =>
  formatDocument({ ...DEFAULT_DOCUMENT, pin: { ...DEFAULT_DOCUMENT.pin, minLength } });
const fails = (code: string) => expect.objectContaining({ code });

describe('a machine with document keys', () => {
  const signer = new DocumentSigner();
  let folder: string;
  let keyFile: string;
  let agent: TestAgent;
  const set = (text: string) => agent.service.setPolicy(ROOT, text);
  const stored = () => agent.parts.store.readPolicy();

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'unlockd-keys-'));
    keyFile = join(folder, 'keys.pem');
    writeFileSync(keyFile, `# the policy office\n${signer.publicKey}`, { mode: 0o644 });
    agent = await TestAgent.start({ settings: { documentKeys: () => documentKeysOf(readConfigText(keyFile)) } });
  });
  afterEach(async () => {
    await agent[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes a signed document, keeps its signature, and takes only newer ones after it', async () => {
    await set(signer.signed(3, document(8)));
    expect(await stored()).toMatchObject({ version: 2, document: document(8), signedUpTo: 3 });
    expect((await stored())?.signature?.documentVersion).toBe(3);
    expect(agent.audit.at(-1)).toMatchObject({ event: 'policy-set', detail: { documentVersion: 3, key: signer.id } });
    for (const older of [signer.signed(3, document(8)), signer.signed(3, document(9)), signer.signed(2, document(9))]) {
      await expect(set(older)).rejects.toEqual(fails('ERR_POLICY_DOCUMENT_OLDER'));
    }
    await set(signer.signed(4, document(9)));
    expect(await stored()).toMatchObject({ version: 3, document: document(9), signedUpTo: 4 });
  });

  it.each<[string, string, () => string]>([
    ['is not signed', 'ERR_POLICY_DOCUMENT_UNSIGNED', () => document(8)],
    ['is signed by another key', 'ERR_POLICY_DOCUMENT_SIGNATURE', () => new DocumentSigner().signed(1, document(8))],
    [
      'is signed by another key under the name of a trusted one',
      'ERR_POLICY_DOCUMENT_SIGNATURE',
      () => {
        const other = new DocumentSigner();
        return other.signed(1, document(8)).replace(other.id, signer.id);
      },
    ],
    [
      'was changed after it was signed',
      'ERR_POLICY_DOCUMENT_SIGNATURE',
      () => signer.signed(1, document(8)).replace('\\"minLength\\":8', '\\"minLength\\":4'),
    ],
    [
      'was given a higher version after it was signed',
      'ERR_POLICY_DOCUMENT_SIGNATURE',
      () => signer.signed(1, document(8)).replace('"version": 1', '"version": 9'),
    ],
    [
      'has a field that nobody signed',
      'ERR_POLICY_DOCUMENT_SIGNATURE',
      () => signer.signed(1, document(8)).replace('{', '{ "note": "x",'),
    ],
    [
      'has a signature of zeroes',
      'ERR_POLICY_DOCUMENT_SIGNATURE',
      () => signer.signed(1, document(8)).replace(/"signature": "[0-9a-f]+"/, `"signature": "${'0'.repeat(128)}"`),
    ],
    ['is signed and no policy', 'ERR_POLICY_INVALID', () => signer.signed(1, '{"version":2}')],
  ])('refuses a document that %s with %s, and nothing changes', async (_what, code, text) => {
    await expect(set(text())).rejects.toEqual(fails(code));
    expect(await stored()).toBeNull();
    expect(agent.audit.filter(({ event }) => event === 'policy-set')).toEqual([]);
  });

  it('does not count down when it has taken unsigned documents in between', async () => {
    await set(signer.signed(5, document(8)));
    Object.assign(agent.parts.settings, { documentKeys: () => null });
    await set(document(9));
    expect(await stored()).toMatchObject({ signature: null, signedUpTo: 5 });
    Object.assign(agent.parts.settings, { documentKeys: () => documentKeysOf(readConfigText(keyFile)) });
    expect((await agent.service.policy(ROOT)).warnings.join()).toContain('not signed by a key that it trusts now');
    await expect(set(signer.signed(5, document(8)))).rejects.toEqual(fails('ERR_POLICY_DOCUMENT_OLDER'));
    await agent.restart();
    await expect(set(signer.signed(4, document(8)))).rejects.toEqual(fails('ERR_POLICY_DOCUMENT_OLDER'));
  });

  it('reads the keys anew each time: one that was taken out signs nothing more, and one that was put in does', async () => {
    const next = new DocumentSigner();
    await set(signer.signed(1, document(8)));
    writeFileSync(keyFile, next.publicKey);
    await expect(set(signer.signed(2, document(9)))).rejects.toEqual(fails('ERR_POLICY_DOCUMENT_SIGNATURE'));
    expect((await agent.service.policy(ROOT)).warnings.join()).toContain('not signed by a key that it trusts now');
    await set(next.signed(2, document(9)));
    expect((await agent.service.policy(ROOT)).warnings).toEqual([]);
  });

  it.each<[string, string, () => void]>([
    ['can be written by everybody', 'ERR_CONFIG_PERMISSION', () => writeFileSync(keyFile, signer.publicKey)],
    ['is gone', 'ERR_CONFIG_UNREADABLE', () => rmSync(keyFile)],
    ['is empty', 'ERR_CONFIG_INVALID', () => writeFileSync(keyFile, '')],
    [
      'holds half a key beside a whole one',
      'ERR_CONFIG_INVALID',
      () => writeFileSync(keyFile, `${signer.publicKey}-----BEGIN PUBLIC KEY-----\nAAAA\n`),
    ],
    [
      'holds a key that is not Ed25519',
      'ERR_CONFIG_INVALID',
      () =>
        writeFileSync(
          keyFile,
          '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n',
        ),
    ],
  ])('takes no document at all when the file of its keys %s: %s', async (_what, code, spoil) => {
    const { chmodSync } = await import('node:fs');
    spoil();
    if (code === 'ERR_CONFIG_PERMISSION') chmodSync(keyFile, 0o666);
    await expect(set(signer.signed(1, document(8)))).rejects.toEqual(fails(code));
    await expect(set(document(8))).rejects.toEqual(fails(code));
    expect(await stored()).toBeNull();
  });

  it('names who is pending, and each user’s next unlock puts the new one in force and ends the old one', async () => {
    await agent.setUpAndEnrol(1000);
    await agent.setUpAndEnrol(1001);
    const file = join(agent.folder, 'containers', '1000.state');
    const older = await readFile(file);
    const view = await set(signer.signed(1, document(7)));
    expect(view.pending.toSorted()).toEqual([agent.parts.userName(1000), agent.parts.userName(1001)].toSorted());
    const before = (await agent.service.status(peer(1000))).own.epoch ?? 0;
    expect((await agent.run(1000, UNLOCK, { pin: PIN })).done).toMatchObject({ policyInForce: 2 });
    expect((await agent.service.status(peer(1000))).own.epoch).toBeGreaterThan(before);
    expect((await agent.service.policy(ROOT)).pending).toEqual([agent.parts.userName(1001)]);
    expect((await agent.run(1001, UNLOCK, { pin: PIN })).done).toMatchObject({ policyInForce: 2 });
    expect((await agent.service.policy(ROOT)).pending).toEqual([]);
    // The container as it was under the older policy, with the right PIN and key: the counter of the TPM is past it.
    await agent.service.lock(peer(1000));
    await writeFile(file, older);
    await agent.restart();
    expect((await agent.run(1000, UNLOCK, { pin: PIN })).failed?.refusal.code).toMatch(/^ERR_EPOCH_/);
    expect((await agent.service.status(peer(1000))).own.state).toBe('recovery-needed');
  });
});

it('a machine without document keys takes a signed document for what stands in it', async () => {
  await using agent = await TestAgent.start();
  await agent.service.setPolicy(ROOT, new DocumentSigner().signed(3, document(8)));
  expect(await agent.parts.store.readPolicy()).toMatchObject({ document: document(8), signature: null, signedUpTo: 0 });
});
