/**
 * tpm2-tools on the same TPM: what we seal they unseal and the other way round, with an authorization value and under
 * a policy, and both make the same storage root key. One client at a time, as a software TPM wants it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../drivers/base/bytes.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import {
  create,
  createPrimary,
  emptyPolicy,
  evictControl,
  factorTemplate,
  load,
  type ObjectBlob,
  passwordAuth,
  policyNvWrittenDigest,
  policyOr,
  policyOrDigest,
  policySecret,
  policySecretDigest,
  readPublic,
  SRK_ECC,
  sealedTemplate,
  sessionAuth,
  startAuthSession,
  type Tpm,
  unseal,
} from '../../../drivers/tpm2/index.ts';
import { reader, readTpm2b, tpm2b } from '../../../drivers/tpm2/wire/marshal.ts';
import { type Swtpm, startSwtpm, swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { withTpm } from '../../support/tpm/driver.ts';
import { type Tpm2Tools, toolMissing, tpm2Tools } from '../../support/tpm/tpm2-tools.ts';

const missing = (await swtpmMissing()) ?? (await toolMissing('tpm2'));
const title = missing === null ? 'tpm2-tools and we' : `tpm2-tools and we (skipped: ${missing})`;

const SRK = 0x81000001;
const SRK_HEX = '0x81000001';
const PIN = '2468';
const secret = (text: string): Secret => Secret.copyOf(Buffer.from(text));

describe.skipIf(missing !== null)(title, () => {
  let swtpm: Swtpm;
  let tools: Tpm2Tools;
  beforeAll(async () => {
    swtpm = await startSwtpm();
    tools = await tpm2Tools(swtpm.config);
    await withTpm(swtpm.config, async (tpm) => {
      await using srk = await createPrimary(tpm, SRK_ECC);
      await evictControl(tpm, srk, SRK);
    });
  });
  afterAll(async () => {
    await tools[Symbol.asyncDispose]();
    await swtpm.close();
  });

  const ours = <T>(use: (tpm: Tpm) => Promise<T>): Promise<T> => withTpm(swtpm.config, use);

  /** tpm2-tools keep a blob as two files, each with its size in front. */
  async function handOver(name: string, blob: ObjectBlob): Promise<void> {
    await writeFile(tools.file(`${name}.pub`), tpm2b(blob.publicArea));
    await writeFile(tools.file(`${name}.priv`), tpm2b(blob.privateArea));
  }

  async function takeOver(name: string): Promise<ObjectBlob> {
    const content = async (file: string) => readTpm2b(reader(await readFile(tools.file(file))), file);
    return { publicArea: await content(`${name}.pub`), privateArea: await content(`${name}.priv`) };
  }

  async function seal(template: Parameters<typeof create>[2], value: string, text: string): Promise<ObjectBlob> {
    return await ours(async (tpm) => {
      const srk = await readPublic(tpm, SRK);
      await using session = await startAuthSession(tpm, { kind: 'hmac', salt: srk });
      using data = secret(text);
      using authValue = secret(value);
      const sensitive = value === '' ? { data } : { authValue, data };
      return await create(tpm, srk, template, { sensitive, sessions: [{ session, flags: { decrypt: true } }] });
    });
  }

  async function theyLoad(name: string): Promise<void> {
    await tools.flushAll();
    await tools.run('load', ['-C', SRK_HEX, '-u', `${name}.pub`, '-r', `${name}.priv`, '-c', `${name}.ctx`]);
  }

  it('make the same storage root key from the same template', async () => {
    await tools.flushAll();
    const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt';
    await tools.run('createprimary', ['-C', 'o', '-G', 'ecc256:null:aes128cfb', '-a', attributes, '-c', 'srk.ctx']);
    await tools.run('readpublic', ['-c', 'srk.ctx', '-n', 'srk.name']);
    const theirs = await readFile(tools.file('srk.name'));
    await tools.flushAll();
    const mine = await ours(async (tpm) => (await readPublic(tpm, SRK)).name);
    expect(toHex(mine)).toBe(theirs.toString('hex'));
  });

  it('what we seal under a PIN, they unseal', async () => {
    await handOver('ours', await seal(factorTemplate(true), PIN, 'sealed by us'));
    await theyLoad('ours');
    expect((await tools.run('unseal', ['-c', 'ours.ctx', '-p', PIN])).toString()).toBe('sealed by us');
    await tools.flushAll();
    await theyLoad('ours');
    const wrong = await tools.attempt('unseal', ['-c', 'ours.ctx', '-p', '1357']);
    expect([wrong.rc, wrong.stdout.toString()]).toEqual([0x98e, '']);
    await tools.flushAll();
  });

  it('what they seal under a PIN, we unseal over a salted session', async () => {
    await tools.flushAll();
    const files = ['-u', 'theirs.pub', '-r', 'theirs.priv'];
    const args = ['-C', SRK_HEX, '-i', '-', '-p', PIN, '-a', 'fixedtpm|fixedparent|userwithauth', ...files];
    await tools.run('create', args, Buffer.from('sealed by them'));
    await tools.flushAll();
    const blob = await takeOver('theirs');
    const opened = await ours(async (tpm) => {
      const srk = await readPublic(tpm, SRK);
      await using object = await load(tpm, srk, blob);
      await using session = await startAuthSession(tpm, { kind: 'hmac', salt: srk });
      using pin = secret(PIN);
      using data = await unseal(tpm, object, sessionAuth(session, pin, { decrypt: false, encrypt: true }));
      return Buffer.from(data.expose()).toString();
    });
    expect(opened).toBe('sealed by them');
  });

  it('what we seal under a policy of a factor object, they unseal by that policy only', async () => {
    const factor = await seal(factorTemplate(false), 'a factor', 'nothing');
    await handOver('factor', factor);
    await theyLoad('factor');
    await tools.run('readpublic', ['-c', 'factor.ctx', '-n', 'factor.name']);
    await tools.flushAll();
    const name = new Uint8Array(await readFile(tools.file('factor.name')));
    const branches = [policySecretDigest(emptyPolicy(), name), policyNvWrittenDigest(emptyPolicy(), true)];
    await handOver('locked', await seal(sealedTemplate(policyOrDigest(branches)), '', 'behind a policy'));
    await writeFile(tools.file('b0.pol'), branches[0] ?? '');
    await writeFile(tools.file('b1.pol'), branches[1] ?? '');

    await theyLoad('locked');
    const bare = await tools.attempt('unseal', ['-c', 'locked.ctx']);
    expect(bare.rc).toBe(0x12f);
    await tools.flushAll();

    await theyLoad('factor');
    await theyLoad('locked');
    await tools.run('flushcontext', ['-t']);
    await tools.run('startauthsession', ['-S', 'p.ses', '--policy-session']);
    await tools.run('policysecret', ['-S', 'p.ses', '-c', 'factor.ctx', 'a factor']);
    await tools.run('flushcontext', ['-t']);
    await tools.run('policyor', ['-S', 'p.ses', '-L', 'or.pol', '-l', 'sha256:b0.pol,b1.pol']);
    expect(toHex(await readFile(tools.file('or.pol')))).toBe(toHex(policyOrDigest(branches)));
    const opened = await tools.run('unseal', ['-c', 'locked.ctx', '-p', 'session:p.ses']);
    expect(opened.toString()).toBe('behind a policy');
    await tools.flushAll();
  });

  it('what they seal under a policy of a factor object, we unseal by that policy', async () => {
    const factor = await seal(factorTemplate(false), 'a factor', 'nothing');
    await handOver('second', factor);
    await theyLoad('second');
    await tools.run('startauthsession', ['-S', 't.ses']);
    await tools.run('policysecret', ['-S', 't.ses', '-L', 'secret.pol', '-c', 'second.ctx', 'a factor']);
    await tools.run('policyor', ['-S', 't.ses', '-L', 'their.pol', '-l', 'sha256:secret.pol,b1.pol']);
    await tools.flushAll();
    const args = ['-C', SRK_HEX, '-i', '-', '-L', 'their.pol', '-a', 'fixedtpm|fixedparent|adminwithpolicy'];
    await tools.run('create', [...args, '-u', 'l.pub', '-r', 'l.priv'], Buffer.from('behind their policy'));
    await tools.flushAll();

    const locked = await takeOver('l');
    const secretPolicy = new Uint8Array(await readFile(tools.file('secret.pol')));
    const opened = await ours(async (tpm) => {
      const srk = await readPublic(tpm, SRK);
      await using salted = await startAuthSession(tpm, { kind: 'hmac', salt: srk });
      await using policy = await startAuthSession(tpm, { kind: 'policy' });
      {
        await using object = await load(tpm, srk, factor);
        expect(toHex(policySecretDigest(emptyPolicy(), object.name))).toBe(toHex(secretPolicy));
        await policySecret(tpm, policy, object, passwordAuth(Buffer.from('a factor')), { nonceTPM: policy.nonceTPM });
      }
      await policyOr(tpm, policy, [secretPolicy, fromHex(toHex(policyNvWrittenDigest(emptyPolicy(), true)))]);
      await using object = await load(tpm, srk, locked);
      const sessions = [{ session: salted, flags: { encrypt: true } }];
      using data = await unseal(tpm, object, sessionAuth(policy), sessions);
      return Buffer.from(data.expose()).toString();
    });
    expect(opened).toBe('behind their policy');
  });
});
