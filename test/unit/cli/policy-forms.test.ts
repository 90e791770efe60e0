/** The policy commands of the forms: import, export, set, show and sign, with and without a daemon. */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { parseToml } from '../../../agent/policy/forms/native-toml.ts';
import { parseSignedDocument, signedBytes } from '../../../agent/policy/forms/signed-document.ts';
import { readWindowsPolicy } from '../../../agent/policy/forms/windows/read.ts';
import { type ApiOnSocket, apiOnSocket, peerOfUid } from '../../support/api/api-on-socket.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { ctl } from '../../support/cli/fake-deps.ts';

const PIN = '{D6886603-9D2F-4EB2-B667-1971041FA96B}';
const FINGER = '{BEC09223-B018-416D-A0AC-523971B639F5}';
const FACE = '{8AF662BF-65A0-4D0A-A540-A338A999D36F}';
const SIGNAL = '{27FBDB57-B613-4AF2-9D7E-4FA7A66C21AD}';
const RULE =
  '<rule schemaVersion="1.0"><signal type="ipConfig"><ipv4Prefix>198.51.100.0/25</ipv4Prefix><dnsSuffix>corp.example</dnsSuffix></signal></rule>';
const TENANT = '11111111-2222-3333-4444-555555555555';

const KEY = 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\PassportForWork';
const reg = (...lines: readonly string[]): Buffer =>
  Buffer.from(`\ufeff${['Windows Registry Editor Version 5.00', '', ...lines, ''].join('\r\n')}`, 'utf16le');
const GPO = reg(
  `[${KEY}\\DeviceUnlock]`,
  `"GroupA"="${PIN},${FACE},${FINGER}"`,
  `"GroupB"="${SIGNAL},${PIN}"`,
  `"Plugins"="${RULE.replaceAll('"', '\\"')}"`,
  `[${KEY}\\PINComplexity]`,
  '"MinimumPINLength"=dword:00000008',
);
const INTUNE = JSON.stringify({
  '@odata.type': '#microsoft.graph.windows10CustomConfiguration',
  displayName: 'Hello',
  omaSettings: [
    {
      '@odata.type': '#microsoft.graph.omaSettingInteger',
      omaUri: `./Device/Vendor/MSFT/PassportForWork/${TENANT}/Policies/PINComplexity/MinimumPINLength`,
      displayName: 'min',
      value: 10,
    },
    {
      '@odata.type': '#microsoft.graph.omaSettingBoolean',
      omaUri: './Device/Vendor/MSFT/PassportForWork/DynamicLock/DynamicLock',
      displayName: 'lock',
      value: true,
    },
  ],
});
const NATIVE =
  'version = 2\n[contexts.unlock]\nfirst = ["pin"]\nthen = ["securityKey"]\n[contexts.wallet]\nrequire = { all = ["pin", "securityKey", "fingerprint"] }\n';

describe('the policy commands', () => {
  let folder: string;
  const file = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  /** Nobody listens there: what ends with 0 did not need the daemon. */
  const offline = (line: string) => ctl(join(folder, 'none.sock'), line.split(' '));
  const offlineJson = async (line: string) => {
    const ran = await offline(`${line} --json`);
    expect(ran.stdout.trimEnd().split('\n')).toHaveLength(1);
    return { ...ran, object: JSON.parse(ran.stdout) };
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'unlockd-forms-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('imports a registry file as TOML on stdout, and says on stderr what it is worth', async () => {
    const ran = await offline(`policy import ${file('hello.reg', GPO)}`);
    expect(ran.exit).toBe(0);
    const document = parseToml(ran.stdout);
    expect(document.contexts.unlock).toEqual({
      require: { all: [{ any: ['pin', 'face', 'fingerprint'] }, { any: ['trustedSignal', 'pin'] }] },
      acceptAsserted: true,
    });
    expect(document.rules[0]?.all).toEqual([
      { type: 'ipConfig', ipv4Prefix: '198.51.100.0/25', dnsSuffix: ['corp.example'] },
    ]);
    expect(document.pin.minLength).toBe(8);
    expect(ran.stderr).toContain('read as: Windows policy\n');
    expect(ran.stderr).toContain('at its weakest it opens with: this machine alone (asserted)\n');
    expect(ran.stderr).toMatch(
      /as in Windows these pairs are accepted though no TPM enforces .*: a fingerprint \+ a trusted network; a face/,
    );
  });

  it('puts several sources together, the stronger one winning, and tells who lost', async () => {
    const ran = await offlineJson(`policy import ${file('a.json', INTUNE)} ${file('b.reg', GPO)}`);
    const { document, notes } = ran.object.result;
    expect([document.pin.minLength, document.dynamicLock.enabled]).toEqual([8, true]);
    expect(notes).toContainEqual(expect.objectContaining({ code: 'overridden' }));
  });

  it.each([
    ['TOML', 'policy.toml', (text: string) => parseToml(text)],
    ['JSON', 'policy.json', (text: string) => parseDocument(text)],
  ])('writes %s to a file that is called %s', async (_form, name, parse) => {
    const path = join(folder, name);
    const ran = await offline(`policy import ${file('hello.reg', GPO)} --output ${path}`);
    expect([ran.exit, ran.stdout.includes('first PIN or face or fingerprint, then trusted signal or PIN')]).toEqual([
      0,
      true,
    ]);
    expect(parse(readFileSync(path, 'utf8')).pin.minLength).toBe(8);
  });

  it('exports what it imported: a registry file, an Intune profile', async () => {
    const native = join(folder, 'policy.toml');
    await offline(`policy import ${file('hello.reg', GPO)} -o ${native}`);
    const back = join(folder, 'back.reg');
    const ran = await offline(`policy export ${native} --format reg -o ${back}`);
    expect(ran.exit).toBe(0);
    expect(readWindowsPolicy(readFileSync(back)).policy).toEqual(readWindowsPolicy(GPO).policy);
    expect(ran.stderr).toContain('in Windows any part of the suffix may match');
    const profile = await offline(`policy export ${native} --format oma --tenant ${TENANT}`);
    expect(readWindowsPolicy(profile.stdout).policy).toEqual(readWindowsPolicy(GPO).policy);
    expect((await offline(`policy export ${native} --format reg`)).exit).toBe(2);
    const noTenant = await offline(`policy export ${native} --format oma`);
    const noGuid = await offline(`policy export ${native} --format oma --tenant contoso`);
    expect([noGuid.exit, noGuid.stderr.includes('"contoso" is no GUID')]).toEqual([2, true]);
    expect([noTenant.exit, noTenant.stderr.includes('give its GUID with `--tenant`')]).toEqual([2, true]);
  });

  it('refuses to export what Windows cannot say, with every reason', async () => {
    const ran = await offlineJson(`policy export ${file('policy.toml', NATIVE)} --format strings`);
    expect([ran.exit, ran.object.error.code]).toEqual([2, 'ERR_POLICY_NOT_WINDOWS']);
    expect(ran.object.reasons.map(({ text }: { text: string }) => text)).toEqual([
      'contexts.unlock.require.all[1].any[0]: Windows does not take a security key as an unlock factor',
      'contexts.wallet: Windows has a policy for unlocking and for nothing else',
    ]);
    const words = await offline(`policy export ${file('policy.toml', NATIVE)} --format strings`);
    expect(words.stderr).toContain('  ✗ contexts.wallet: Windows has a policy for unlocking and for nothing else\n');
  });

  it('names the file, the line and the column of an error, in every form', async () => {
    const toml = file('bad.toml', `${NATIVE}[pin]\nhistory = 99\n`);
    expect((await offline(`policy import ${toml}`)).stderr).toContain(`${toml}:8:1: pin.history: `);
    const json = file('bad.json', '{\n  "version": 2,\n  "contexts": {}\n}');
    expect((await offline(`policy import ${json}`)).stderr).toContain(`${json}:3:3: contexts.unlock: `);
    const rules = file('bad.xml', RULE.replace('/25', ''));
    const ran = await offlineJson(`policy import ${rules}`);
    expect(ran.object.error).toMatchObject({ code: 'ERR_POLICY_RULE_VALUE', detail: { line: 1 } });
    expect(ran.exit).toBe(2);
    expect(ran.object.error.message.startsWith(`${rules}: `)).toBe(true);
    const words = async (text: string) => (await offline(`policy lint ${file('typo.toml', text)}`)).stderr;
    expect(await words(NATIVE.replace('version = 2', 'version = 3'))).toContain(': version: expected 2');
    const lists = (first: string) => `version = 2\n[contexts.unlock]\nfirst = ["${first}"]\nthen = ["pin"]\n`;
    expect(await words(lists('pinn'))).toContain('is none of pin, securityKey');
    expect(await words(lists('phone'))).toContain('a signal may stand in "then" only');
    const wifi = '[[rules]]\nname = "a"\n[[rules.all]]\ntype = "wifi"\n';
    expect(await words(`${lists('face')}${wifi}sssid = "x"\n`)).toContain('.sssid: there is no such element');
    expect(await words(`${lists('face')}${wifi}`)).toContain('.ssid: expected string, and there is nothing');
    expect((await offline(`policy lint ${file('nothing.toml', '\n')}`)).stderr).toContain(
      'nothing.toml: the file is empty',
    );
    expect((await offline(`policy lint ${file('noise.bin', '\xff')}`)).stderr).not.toContain('noise.bin: noise.bin');
    expect((await offline(`policy lint ${folder}/none.toml`)).stderr).toContain('none.toml: there is no such file');
    const strings = file('strings.json', JSON.stringify({ groupA: 'what', groupB: 'what' }));
    const profile = file(
      'profile.json',
      JSON.stringify({ './Device/Vendor/MSFT/PassportForWork/UseBiometrics': true }),
    );
    const both = await offline(`policy import ${strings} ${profile}`);
    expect([both.exit, both.stderr]).toEqual([
      2,
      expect.stringMatching(/^unlockctl: \S*strings\.json\S*.*: DeviceUnlock\/GroupA/),
    ]);
    const two = await offline(`policy import ${file('a.toml', NATIVE)} ${file('b.toml', NATIVE)}`);
    expect([two.exit, two.stderr.includes('a native document is one file')]).toEqual([2, true]);
  });

  it('reads what an editor of Windows has saved, and refuses what never ends', async () => {
    expect((await offline(`policy import ${file('bom.toml', `\ufeff${NATIVE.replaceAll('\n', '\r\n')}`)}`)).exit).toBe(
      0,
    );
    const json = '\ufeff{ "version": 1, "first": ["pin"], "then": ["securityKey"] }';
    expect((await offline(`policy import ${file('bom.json', json)}`)).exit).toBe(0);
    const endless = await offline('policy import /dev/zero');
    expect([endless.exit, endless.stderr.includes('ERR_CLI_FILE')]).toEqual([1, true]);
  });

  it('signs a document of any form, so that the public key verifies it', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = file('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const ran = await offline(`policy sign ${file('policy.toml', NATIVE)} --key ${key} --document-version 7`);
    expect(ran.exit).toBe(0);
    const signed = parseSignedDocument(ran.stdout);
    expect(signed.version).toBe(7);
    expect(parseDocument(signed.document)).toEqual(parseToml(NATIVE));
    expect(
      verify(
        null,
        signedBytes(signed),
        createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
        signed.signature,
      ),
    ).toBe(true);
    const again = await offline(`policy export ${file('signed.json', ran.stdout)} --format toml`);
    expect(parseToml(again.stdout)).toEqual(parseToml(NATIVE));
  });

  it.each([
    ['no key', 'not a key', '7', 'holds no private key'],
    [
      'a key for something else',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      '7',
      'it has to be Ed25519',
    ],
    ['no version', '', '0', 'versions begin with 1'],
  ])('signs nothing with %s', async (_what, pem, version, words) => {
    const line = `policy sign ${file('p.toml', NATIVE)} --key ${file('key.pem', pem)} --document-version ${version}`;
    const ran = await offline(line);
    expect([ran.exit, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toContain(words);
  });

  describe('with a daemon', () => {
    let service: FakeService;
    let api: ApiOnSocket;
    const run = (line: string) => ctl(api.socketPath, line.split(' '));
    beforeEach(async () => {
      service = new FakeService();
      api = await apiOnSocket(service);
      api.peer = peerOfUid(0);
    });
    afterEach(async () => {
      await api[Symbol.asyncDispose]();
      expect(api.unexpected).toEqual([]);
    });

    it.each([
      ['TOML', () => NATIVE, 'read as: TOML'],
      ['a registry file', () => GPO, 'read as: Windows policy'],
      ['an Intune profile', () => INTUNE, 'note: DeviceUnlock: the policy names no unlock factors'],
    ])('sets %s and shows what was understood', async (_form, content, words) => {
      const ran = await run(`policy set ${file('policy', content())}`);
      expect([ran.exit, ran.stdout.includes(words)]).toEqual([0, true]);
      expect(parseDocument(JSON.stringify(service.policyDocument)).version).toBe(2);
    });

    it('shows what another context asks for, and sends a signed document as it is', async () => {
      const ran = await run(`policy set ${file('policy.toml', NATIVE)}`);
      expect(ran.stdout).toContain('  for wallet: first PIN, then security key, then fingerprint\n');
      const { privateKey } = generateKeyPairSync('ed25519');
      const key = file('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
      const signed = join(folder, 'signed.json');
      await run(`policy sign ${file('p.toml', NATIVE)} --key ${key} --document-version 1 -o ${signed}`);
      expect((await run(`policy set ${signed}`)).stdout).toContain('read as: signed document\n');
      expect(service.policyDocument).toEqual(JSON.parse(readFileSync(signed, 'utf8')));
    });

    it('imports and sets in one step', async () => {
      expect((await run(`policy import ${file('hello.reg', GPO)} --set`)).stdout).toContain('The policy is set.');
      expect(service.policyDocument).toMatchObject({ pin: { minLength: 8 } });
      api.peer = peerOfUid(1000);
      expect((await run(`policy import ${file('hello.reg', GPO)} --set`)).exit).toBe(5);
    });

    it('shows and exports the policy of the machine', async () => {
      service.policyDocument = JSON.parse(JSON.stringify(parseToml(NATIVE)));
      const shown = await run('policy show --toml');
      expect(shown.stdout).toContain(
        '\n[contexts.wallet]\nrequire = { all = ["pin", "securityKey", "fingerprint"] }\n',
      );
      expect(parseToml((await run('policy export')).stdout)).toEqual(parseToml(NATIVE));
      expect((await run('policy export --format strings')).exit).toBe(2);
    });
  });
});
