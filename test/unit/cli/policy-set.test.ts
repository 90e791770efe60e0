/** `policy set` says what a policy gives up before it sends it, and with `--check` sends nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { type ApiOnSocket, apiOnSocket, peerOfUid } from '../../support/api/api-on-socket.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { ctl } from '../../support/cli/fake-deps.ts';

const PAIR = { require: { all: ['pin', 'securityKey'] } };
const WIDER = { require: { all: ['pin', { any: ['securityKey', 'network'] }] } };
const RULES = [{ name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] }];
const policy = (contexts: Readonly<Record<string, unknown>>) => ({ version: 2, contexts, rules: RULES });

describe('policy set', () => {
  let folder: string;
  let service: FakeService;
  let api: ApiOnSocket;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'unlockd-set-'));
    service = new FakeService();
    api = await apiOnSocket(service);
    api.peer = peerOfUid(0);
    writeFileSync(join(folder, 'wider.json'), JSON.stringify(policy({ unlock: WIDER })));
    writeFileSync(join(folder, 'same.json'), JSON.stringify(policy({ unlock: PAIR, wallet: PAIR })));
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    service.policyDocument = policy({ unlock: PAIR, wallet: PAIR });
    service.calls.length = 0;
  });

  const run = (...args: string[]) =>
    ctl(api.socketPath, ['policy', 'set', ...args.map((arg) => arg.replace('@', folder))]);
  const methods = () => service.calls.map(({ method }) => method);

  it('tells a dropped and a weaker context, with an example, before it is sent', async () => {
    const ran = await run('@/wider.json');
    expect(ran.exit).toBe(0);
    expect(ran.stderr).toMatch(
      /^warning: unlock is weaker than before \(bound-2 -> bound-1, opens with [^)]*\): .*for example with .*192\.0\.2\./m,
    );
    expect(ran.stderr).toMatch(/^warning: the context wallet is dropped: .*its own key goes/m);
    expect(methods()).toEqual(['policy', 'setPolicy']);
    // The daemon's own words stand in the answer.
    expect(ran.stdout).toContain('warning: this got weaker\n');
  });

  it('tells a program the same, one line each', async () => {
    const lines = (await run('@/wider.json', '--json')).stderr.trimEnd().split('\n');
    const events = lines.map((line) => JSON.parse(line) as { type: string; context: string; dropped: boolean });
    expect(new Set(events.map(({ type, context, dropped }) => `${type} ${context} ${dropped}`))).toEqual(
      new Set(['weaker unlock false', 'weaker wallet true']),
    );
  });

  it('has nothing to tell of a policy that gives nothing up', async () => {
    expect((await run('@/same.json')).stderr).toBe('');
  });

  it('sets it all the same where the policy that is set cannot be read', async () => {
    service.breakNext = new UnlockdError('ERR_STATE_CORRUPT', 'damaged');
    expect(await run('@/wider.json')).toMatchObject({ exit: 0, stderr: '' });
    expect(methods()).toEqual(['policy', 'setPolicy']);
  });

  it('with --check says what would be given up, and sets nothing', async () => {
    const ran = await run('@/wider.json', '--check');
    expect(ran).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/wallet is dropped[\s\S]*Nothing was set\.\n$/),
    });
    expect(methods()).toEqual(['policy']);
    expect((await run('@/same.json', '--check')).stdout).toContain('No context is dropped or weaker than now.\n');
    const { result } = JSON.parse((await run('@/wider.json', '--check', '--json')).stdout) as {
      result: { set: boolean; weaker: readonly { context: string }[] };
    };
    expect([result.set, result.weaker.map(({ context }) => context)]).toEqual([false, ['unlock', 'wallet']]);
    service.breakNext = new UnlockdError('ERR_STATE_CORRUPT', 'damaged');
    expect((await run('@/wider.json', '--check')).stderr).toContain('ERR_STATE_CORRUPT');
  });

  it('says who approves it and whether the document is signed, which are two things', async () => {
    const view = service.policy.bind(service);
    expect((await run('@/same.json')).stdout).toContain('the TPM of this machine approves it for each container\n');
    service.policy = async (peer) => ({ ...(await view(peer)), signed: { version: 7, key: 'ab'.repeat(32) } });
    const shown = (await ctl(api.socketPath, ['policy', 'show'])).stdout;
    expect(shown).toContain(`the document is signed: version 7, key ${'ab'.repeat(32)}\n`);
    expect(shown).not.toContain('signed by this machine');
  });
});
