/** `key credentials …` and `key blobs …`: what a key stores, for whom, and the end of it. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { CborKey, CborValue } from '../../../drivers/fido2/wire/cbor.ts';
import { desk, deskWith, key, PIN } from '../../support/cli/keys.ts';

const ACCOUNTS = [
  ['a.example', 'first'],
  ['a.example', 'second'],
  ['b.example', 'third'],
] as const;
const namesOf = (authenticator: ReturnType<typeof key>) => authenticator.state.residents.map(({ user }) => user.name);

describe.each(['2.1', '2.0'] as const)('key credentials of a %s key', (profile) => {
  it('lists accounts by whom they are for, and how many more fit', async () => {
    const { run, json, ids } = await deskWith(profile, ACCOUNTS);
    const ran = await run('credentials list', { typed: [PIN] });
    expect(ran.stdout).toBe(
      `a.example:
  second, second in full (ES256, usable without the PIN)
    ${ids[1]}
  first, first in full (ES256, usable without the PIN)
    ${ids[0]}
b.example:
  third, third in full (ES256, usable without the PIN)
    ${ids[2]}
3 stored, room for 22 more.
`,
    );
    expect(ran.terminal).toMatch(/^PIN of Virtual Security Key \(.*\) \(8 tries left\): $/);
    const { object } = await json('credentials list b.example', { typed: [PIN] });
    expect(object.result).toMatchObject({
      stored: 3,
      remaining: 22,
      accounts: [{ id: ids[2], rpId: 'b.example', userName: 'third', displayName: 'third in full', algorithm: -7 }],
    });
  });

  it('deletes one, by as much of its id as tells it apart, when the word is typed', async () => {
    const { run, ids, authenticator } = await deskWith(profile, ACCOUNTS);
    const id = ids[1]?.slice(0, 16);
    const refused = await run(`credentials delete ${id}`, { typed: [PIN, 'delete'] });
    expect([refused.exit, refused.stderr]).toEqual([6, expect.stringContaining('nothing was changed')]);
    expect(refused.terminal).toContain('deletes second, second in full at a.example from the security key for ever');
    expect(namesOf(authenticator)).toHaveLength(3);
    const ran = await run(`credentials delete ${id}`, { typed: [PIN, 'DELETE'] });
    expect(ran.stdout).toBe('second, second in full at a.example is deleted.\n');
    expect(namesOf(authenticator).sort()).toEqual(['first', 'third']);
    await run(`credentials delete ${ids[0]} --yes --key-pin-fd 3`, { lines: { 3: [PIN] } });
    expect(namesOf(authenticator)).toEqual(['third']);
  });
});

describe('key credentials', () => {
  it('renames one', async () => {
    const { json, ids, authenticator } = await deskWith('2.1', ACCOUNTS);
    const { object } = await json(`credentials rename ${ids[0]} --name work`, { typed: [PIN] });
    expect(object.result).toMatchObject({ renamed: { userName: 'work', displayName: 'first in full' } });
    expect(namesOf(authenticator)).toContain('work');
    expect((await json(`credentials rename ${ids[0]}`)).exit).toBe(2);
  });

  it('of an older key are not renamed', async () => {
    const { run, ids } = await deskWith('2.0', ACCOUNTS);
    const ran = await run(`credentials rename ${ids[0]} --name work`, { typed: [PIN] });
    expect([ran.exit, ran.stderr]).toEqual([10, expect.stringContaining('does not rename accounts')]);
  });

  it('says that an id is of none, or of several', async () => {
    const { json, ids, authenticator } = await deskWith('2.1', ACCOUNTS);
    const none = await json('credentials delete ffffffffffffffffffffffffffffffff --yes', { typed: [PIN] });
    expect([none.exit, none.object.error.code]).toEqual([2, 'ERR_CTAP_NO_SUCH_ID']);
    authenticator.misbehave({
      name: 'ids that begin alike',
      reply: (reply) => {
        const credential = reply.body?.get(7);
        if (!(credential instanceof Map) || !reply.body?.has(8)) return reply;
        const id = Buffer.concat([Buffer.from('abcd', 'hex'), credential.get('id') as Uint8Array]);
        return {
          ...reply,
          body: new Map<CborKey, CborValue>([...reply.body, [7, new Map([...credential, ['id', id]])]]),
        };
      },
    });
    const several = await json('credentials delete ABCD --yes', { typed: [PIN] });
    expect(several.object.error).toMatchObject({ code: 'ERR_CTAP_NO_SUCH_ID', detail: { found: 3 } });
    expect(namesOf(authenticator)).toHaveLength(ids.length);
    expect((await json('credentials delete xyz')).object.error.code).toBe('ERR_CLI_USAGE');
  });

  it('shows names that are written to deceive on a line of their own', async () => {
    const { run, authenticator } = await deskWith('2.1', ACCOUNTS.slice(0, 1));
    authenticator.configure((state) => {
      for (const each of state.residents) {
        state.residents = [{ ...each, user: { ...each.user, name: 'x\nb.example:\n  \u202egood\u001b[2K' } }];
      }
    });
    const { stdout } = await run('credentials list', { typed: [PIN] });
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      'a.example:',
      '  x\ufffdb.example:\ufffd  \ufffdgood\ufffd[2K, first in full (ES256, usable without the PIN)',
    ]);
  });

  it('asks again when the PIN was wrong, and takes a finger instead of it', async () => {
    const { run } = await deskWith('2.1', ACCOUNTS);
    const wrong = await run('credentials list', { typed: ['000000', PIN] });
    expect([wrong.exit, wrong.stderr]).toEqual([0, 'PIN wrong, 7 tries left\n']);
    const bio = await deskWith('bio', ACCOUNTS);
    bio.authenticator.configure((state) => {
      state.templates = [{ id: randomBytes(16), name: null, finger: 'thumb' }];
    });
    bio.authenticator.reader.onWait(() => queueMicrotask(() => bio.authenticator.reader.show('thumb')));
    const ran = await bio.run('credentials list', { typed: [] });
    expect([ran.exit, ran.terminal]).toEqual([0, '']);
    expect(ran.stderr).toContain(
      'Put your finger on the reader of Virtual Security Key (virtual:fido2:0) (3 tries left)',
    );
  });

  it('falls back to the PIN when the reader is blocked, and says each time what is left', async () => {
    const { run, authenticator } = await deskWith('bio', ACCOUNTS);
    authenticator.configure((state) => {
      state.templates = [{ id: randomBytes(16), name: null, finger: 'thumb' }];
    });
    authenticator.reader.onWait(() => queueMicrotask(() => authenticator.reader.show('elbow')));
    const ran = await run('credentials list', { typed: [PIN] });
    expect(ran.exit).toBe(0);
    expect(ran.stderr.match(/\(\d tr\w+ left\)/g)?.[0]).toBe('(3 tries left)');
    expect(ran.terminal).toContain('(8 tries left)');
  });

  it.each([
    ['without a PIN', '2.1', 'ERR_CTAP_PIN_NOT_SET'],
    ['that cannot', '2.1-no-pin', 'ERR_CTAP_UNSUPPORTED'],
  ] as const)('of a key %s is refused before anything is asked', async (_what, profile, code) => {
    const { json } = desk(key(profile));
    expect((await json('credentials list', { typed: [PIN] })).object.error.code).toBe(code);
  });

  it('gets a new token where the old one ended while the person thought', async () => {
    const { run, ids, authenticator } = await deskWith('2.1', ACCOUNTS);
    // A key has one token; whoever else gets one ends it (CTAP 2.1 §6.5.5.7.2).
    const thinking = async () => {
      expect((await run('credentials list', { typed: [PIN] })).exit).toBe(0);
      return 'DELETE';
    };
    const ran = await run(`credentials delete ${ids[0]}`, { typed: [PIN, thinking] });
    expect([ran.exit, ran.terminal.match(/PIN of/g)]).toEqual([0, ['PIN of']]);
    expect(namesOf(authenticator)).not.toContain('first');
  });
});

describe('key blobs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unlockd-blobs-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'blob');
  const back = join(folder, 'back');

  it('stores one for an account, lists it, reads it back and deletes it', async () => {
    const { run, json, ids } = await deskWith('2.1', ACCOUNTS);
    const blob = randomBytes(300);
    writeFileSync(file, blob);
    expect((await run('blobs list', { typed: [] })).stdout).toBe('The security key keeps no large blob.\n');
    expect((await run(`blobs set ${ids[0]} ${file}`, { typed: [PIN] })).stdout).toContain(
      '300 bytes are stored for first',
    );
    await run(`blobs set ${ids[2]} ${file}`, { typed: [PIN] });
    const listed = await run('blobs list', { typed: [PIN] });
    expect(listed.stdout).toMatch(
      /^300 bytes \(packed \d+ bytes\): first, first in full at a.example\n300 bytes .*third/,
    );
    await run(`blobs get ${ids[0]} -o ${back}`, { typed: [PIN] });
    expect(readFileSync(back)).toEqual(blob);
    expect(statSync(back).mode & 0o777).toBe(0o600);
    const all = await json('credentials list', { typed: [PIN] });
    expect(all.stdout + listed.stdout).not.toContain('largeBlobKey');
    expect(all.object.result.accounts).toMatchObject([
      { largeBlobs: true },
      { largeBlobs: true },
      { largeBlobs: true },
    ]);
    const { object } = await json(`blobs get ${ids[0]}`, { typed: [PIN] });
    expect(object.result).toEqual({ base64: blob.toString('base64'), bytes: 300 });
    const kept = await run(`blobs delete ${ids[0]}`, { typed: [PIN, 'no'] });
    expect(kept.exit).toBe(6);
    await run(`blobs delete ${ids[0]}`, { typed: [PIN, 'DELETE'] });
    expect((await json(`blobs get ${ids[0]}`, { typed: [PIN] })).object.error.code).toBe('ERR_CTAP_NO_SUCH_ID');
    expect((await json('blobs list', { typed: [PIN] })).object.result.blobs).toMatchObject([{ bytes: 300 }]);
  });

  it('keeps one under a key of its own, without any account', async () => {
    const { run, json } = await deskWith('2.1', ACCOUNTS);
    const [blob, own] = [randomBytes(100), join(folder, 'own')];
    writeFileSync(file, blob);
    writeFileSync(own, randomBytes(32));
    const stored = await run(`blobs set key:${own} ${file}`, { typed: [PIN] });
    expect(stored.stdout).toBe('100 bytes are stored for the key of the file.\n');
    // Reading it is nobody's secret: the key of the blob is.
    const read = await json(`blobs get key:${own}`, { typed: [] });
    expect(read.object.result).toEqual({ base64: blob.toString('base64'), bytes: 100 });
    writeFileSync(own, randomBytes(32));
    expect((await json(`blobs get key:${own}`, { typed: [] })).object.error.code).toBe('ERR_CTAP_NO_SUCH_ID');
    writeFileSync(own, randomBytes(31));
    expect((await json(`blobs get key:${own}`, { typed: [] })).object.error.code).toBe('ERR_CLI_FILE');
    expect((await json(`blobs get key:${join(folder, 'none')}`, { typed: [] })).object.error.code).toBe('ERR_CLI_FILE');
  });

  it('deletes one under a key of its own when the word is typed', async () => {
    const { run, json } = await deskWith('2.1', []);
    const own = join(folder, 'own');
    writeFileSync(own, randomBytes(32));
    writeFileSync(file, randomBytes(10));
    await run(`blobs set key:${own} ${file}`, { typed: [PIN] });
    expect((await run(`blobs delete key:${own}`, { typed: [PIN, 'no'] })).exit).not.toBe(0);
    await run(`blobs delete key:${own} --yes`, { typed: [PIN] });
    expect((await json(`blobs get key:${own}`, { typed: [] })).object.error.code).toBe('ERR_CTAP_NO_SUCH_ID');
  });

  it('says that one is too large, and that a terminal is no place for one', async () => {
    const { run, json, ids } = await deskWith('2.1', ACCOUNTS);
    writeFileSync(file, randomBytes(2000));
    const large = await json(`blobs set ${ids[0]} ${file}`, { typed: [PIN] });
    expect(large.object.error.code).toBe('ERR_CTAP_STORAGE_FULL');
    expect((await run(`blobs get ${ids[0]}`, { typed: [], terminalFds: [1] })).exit).toBe(2);
  });

  it('of a key that keeps none is refused before anything is asked', async () => {
    const { json } = await deskWith('2.0', ACCOUNTS);
    const ran = await json('blobs list', { typed: [PIN] });
    expect([ran.object.error.code, ran.terminal]).toEqual(['ERR_CTAP_UNSUPPORTED', '']);
  });
});
