/** The looking commands that ask the daemon: the users of this machine, and the policy of one context of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiOnSocket, apiOnSocket, peerOfUid } from '../../support/api/api-on-socket.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { ctl } from '../../support/cli/fake-deps.ts';

const POLICY = { version: 2, contexts: { unlock: { require: { all: ['pin', 'securityKey'] } } } };
const ALICE = { user: 'alice', gestures: ['pin', 'securityKey'], keys: 2, phones: 0 };
const BOB = { user: 'bob', gestures: ['pin'], keys: 0, phones: 1 };

let folder: string;
let service: FakeService;
let api: ApiOnSocket;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'unlockd-live-'));
  writeFileSync(join(folder, 'policy.json'), JSON.stringify(POLICY));
  service = new FakeService();
  api = await apiOnSocket(service);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  api.peer = peerOfUid(0);
  service.facts = { pinIsBound: true, users: [ALICE, BOB], unread: [] };
  service.calls.length = 0;
});

const run = (...args: string[]) => ctl(api.socketPath, ['policy', ...args.map((arg) => arg.replace('@', folder))]);

describe('policy lint and policy risk with --enrolled', () => {
  it('hold the policy against the users of this machine', async () => {
    const risk = await run('risk', '@/policy.json', '--enrolled');
    expect(risk.exit).toBe(0);
    expect(risk.stdout).toContain('unlock: bob cannot unlock at all with what is enrolled\n');
    const lint = await run('lint', '@/policy.json', '--enrolled');
    expect([lint.exit, lint.stdout]).toEqual([1, expect.stringContaining('bob has no way into unlock')]);
    expect(service.calls.map(({ method }) => method)).toEqual(['policyFacts', 'policyFacts']);
  });

  it('take from the machine whether its TPM limits tries at the PIN', async () => {
    service.facts = { pinIsBound: false, users: [ALICE], unread: [] };
    const lint = await run('lint', '@/policy.json', '--enrolled', '--json');
    const { findings } = (JSON.parse(lint.stdout) as { result: { findings: { code: string }[] } }).result;
    expect(findings.map(({ code }) => code)).toContain('pin-not-bound');
  });

  it('say whose container could not be read', async () => {
    service.facts = { pinIsBound: true, users: [ALICE], unread: ['carol'] };
    const ran = await run('risk', '@/policy.json', '--enrolled');
    expect(ran.stderr).toBe('nothing is known of carol: the container cannot be read\n');
  });

  it('take a file or the users of the machine, not both', async () => {
    const ran = await run('risk', '@/policy.json', '--enrolled', '--users', '@/policy.json');
    expect([ran.exit, ran.stderr]).toEqual([2, expect.stringContaining('--enrolled')]);
    expect(service.calls).toEqual([]);
  });

  it('are for root: who else has what is nobody’s to know', async () => {
    api.peer = peerOfUid(1000);
    const ran = await run('risk', '@/policy.json', '--enrolled');
    expect([ran.exit, ran.stderr]).toEqual([5, expect.stringContaining('ERR_API_FORBIDDEN')]);
  });

  it('refuse facts that are none, whoever sends them', async () => {
    service.facts = { pinIsBound: true, users: [{ ...BOB, gestures: ['nose'] }], unread: [] };
    expect((await run('risk', '@/policy.json', '--enrolled')).stderr).toContain('ERR_POLICY_USER_FACTS');
  });
});

describe('policy explain --context', () => {
  it('asks the daemon about that context, and says whose policy it is', async () => {
    service.ownContexts = ['unlock', 'wallet'];
    const wallet = await run('explain', '--context', 'wallet');
    expect(wallet.stdout).toMatch(/^the policy of this machine for wallet: two\n/);
    const plain = await run('explain');
    expect(plain.stdout).toMatch(/^the policy of this machine: two\n/);
    const ssh = await run('explain', '--context', 'ssh');
    expect(ssh.stdout).toMatch(/^the policy of this machine, as ssh has no policy of its own: two\n/);
  });

  it('of a file or a time still needs a trace', async () => {
    expect((await run('explain', '@/policy.json', '--context', 'wallet')).exit).toBe(2);
    expect((await run('explain', '--at', '2')).exit).toBe(2);
  });
});

describe('users', () => {
  it('are told in words whose state they are; the ids stay in --json', async () => {
    const line = { strength: null, policyPending: false } as const;
    service.users = async () => [
      { uid: 1000, user: 'alice', state: 'pending-signature', ...line },
      { uid: 1001, user: 'bob', state: 'recovery-needed', ...line },
    ];
    const words = await ctl(api.socketPath, ['users']);
    expect(words.stdout).toBe(
      'alice (uid 1000): waits for the signature of its policy\nbob (uid 1001): needs recovery\n',
    );
    const json = await ctl(api.socketPath, ['users', '--json']);
    expect(json.stdout).toContain('"pending-signature"');
  });
});
