/** `unlockctl policy lint|explain|simulate|risk|diff` and `events --record`, on files and against a service in memory. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTrace } from '../../../agent/policy/forms/trace.ts';
import { formatTrace, traceHeader } from '../../../agent/policy/study/trace.ts';
import { apiOnSocket } from '../../support/api/api-on-socket.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { ctl } from '../../support/cli/fake-deps.ts';
import { satisfied, USER } from '../../support/policy-fixtures.ts';

const NOWHERE = '/nowhere';
const policy = (require: unknown, more: object = {}) =>
  JSON.stringify({
    version: 2,
    contexts: { unlock: { require } },
    rules: [{ name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] }],
    ...more,
  });

let folder: string;
const file = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unlockd-study-'));
  writeFileSync(file('two.json'), policy({ all: ['pin', 'securityKey'] }, { rules: [] }));
  writeFileSync(
    file('signal.json'),
    policy({ all: ['pin', { any: ['securityKey', 'network'] }] }, { pin: { minLength: 8 } }),
  );
  writeFileSync(file('wrong.json'), policy({ all: [{ any: ['pin'] }, { any: ['pin'] }] }));
  writeFileSync(file('bad.json'), '{"version": 2,');
  const users = [
    { user: 'alice', gestures: ['pin', 'securityKey'], keys: 2 },
    { user: 'bob', gestures: ['pin'] },
  ];
  writeFileSync(file('users.json'), JSON.stringify(users));
  writeFileSync(file('no-users.json'), '[{"user": "alice", "gestures": ["nose"]}]');
  const entries = [
    satisfied('network', { observedAt: 500, validFor: 60_000 }),
    satisfied('pin', { observedAt: 1000, validFor: 10_000 }),
  ];
  const clock = { monotonicMs: 0, wall: null, localTime: null };
  writeFileSync(file('trace.jsonl'), formatTrace({ header: traceHeader(clock, USER, false), entries }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => ctl(NOWHERE, ['policy', ...args]);
const result = async (...args: string[]) => {
  const ran = await run(...args, '--json');
  return { exit: ran.exit, ...JSON.parse(ran.stdout) };
};

describe('policy lint', () => {
  it('says the weakest way in, and ends with 0 where there is no error', async () => {
    expect(await run('lint', file('two.json'))).toMatchObject({
      exit: 0,
      stdout: 'unlock: the weakest way in opens with this machine + the PIN + a security key (bound-2)\n',
    });
    const risky = await run('lint', file('signal.json'));
    expect([risky.exit, risky.stdout]).toEqual([0, expect.stringContaining('risk: rules[0]: rule office is no proof')]);
  });

  it('ends with 1 where there is an error, also of a user who is named', async () => {
    const wrong = await result('lint', file('wrong.json'));
    expect([wrong.exit, wrong.result.findings[0].code]).toEqual([1, 'no-way-in']);
    const users = await result('lint', file('two.json'), '--users', file('users.json'));
    expect([users.exit, users.result.findings[0].message]).toEqual([
      1,
      'bob has no way into unlock with what is enrolled',
    ]);
  });

  it('of a machine whose TPM does not limit tries it says so', async () => {
    const { exit, result: report } = await result('lint', file('two.json'), '--without-lockout');
    expect([exit, report.weakest[0].strength]).toEqual([0, 'bound-1']);
    expect(report.findings.map(({ code }: { code: string }) => code)).toContain('pin-not-bound');
  });

  it('ends with 2 where the policy or the users cannot be read, and names the file', async () => {
    const bad = await result('lint', file('bad.json'));
    expect([bad.exit, bad.error.code, bad.error.message]).toEqual([
      2,
      'ERR_POLICY_INVALID',
      expect.stringContaining('bad.json:1:15'),
    ]);
    const users = await result('lint', file('two.json'), '--users', file('no-users.json'));
    expect([users.exit, users.error.code, users.error.detail]).toMatchObject([
      2,
      'ERR_POLICY_USER_FACTS',
      { element: '0.gestures.0' },
    ]);
  });
});

describe('policy risk', () => {
  it('names what goes, where it stands, and whom it hits', async () => {
    const ran = await run('risk', file('signal.json'), '--users', file('users.json'));
    expect(ran.exit).toBe(0);
    expect(ran.stdout).toContain(
      'unlock: if the network 192.0.2.0/24 is renumbered (rules[0].all[0].ipv4Prefix), bob needs the recovery sheet\n',
    );
    expect(ran.stdout).toContain(
      'unlock: if the PIN is forgotten, or the TPM is locked out, alice and bob need the recovery sheet\n',
    );
    const { result: report } = await result('risk', file('signal.json'));
    expect(report.users.map(({ user }: { user: string }) => user)).toContain('somebody with a PIN only');
  });
});

describe('policy diff', () => {
  it('says what changes its verdict with an example, and what changes beside it', async () => {
    const ran = await run('diff', file('two.json'), file('signal.json'));
    expect(ran.exit).toBe(0);
    expect(ran.stdout.split('\n')).toEqual([
      'unlock: 1 difference',
      '  a trusted network + the PIN by rule office: granted by the second policy, denied by the first',
      '    for example with the PIN; ipv4Prefix 192.0.2.0/24',
      '  nothing else, over all combinations of 3 elements',
      'pin.minLength: 6, then 8',
      '',
    ]);
  });

  it('with --exit-code fails where there is a difference, and only there', async () => {
    expect((await run('diff', file('two.json'), file('signal.json'), '--exit-code')).exit).toBe(1);
    expect((await run('diff', file('two.json'), file('two.json'), '--exit-code')).exit).toBe(0);
    const { result: report } = await result('diff', file('two.json'), file('two.json'));
    expect(report).toMatchObject({ contexts: [{ context: 'unlock', differences: [], complete: true }], settings: [] });
  });

  it('of one file compares with the policy of this machine, which comes first', async () => {
    const service = new FakeService();
    service.policyDocument = JSON.parse(policy({ all: ['pin', 'securityKey'] }, { rules: [] }));
    await using api = await apiOnSocket(service);
    const ran = await ctl(api.socketPath, ['policy', 'diff', file('signal.json'), '--json']);
    expect(JSON.parse(ran.stdout).result.contexts[0].differences).toMatchObject([{ grantedBy: 'b' }]);
  });
});

describe('policy simulate', () => {
  it('says each verdict with what began it', async () => {
    const ran = await run('simulate', file('signal.json'), '--trace', file('trace.jsonl'));
    expect(ran.exit).toBe(0);
    expect(ran.stdout).toContain(' 1.000 s  granted (bound-1): a trusted network + the PIN\n');
    expect(ran.stdout).toContain('11.000 s+ denied: missing: the PIN\n');
  });

  it('writes the page, and tells the intervals to programs', async () => {
    const { exit, result: timeline } = await result(
      ...['simulate', file('signal.json'), '--trace', file('trace.jsonl'), '--until', '5', '-o', file('page.html')],
    );
    expect([exit, timeline.file, timeline.end]).toEqual([0, file('page.html'), 5000]);
    expect(timeline.intervals.at(-1)).toMatchObject({ from: 1000, to: 5000, verdict: 'granted' });
    const page = readFileSync(file('page.html'), 'utf8');
    for (const part of ['<!doctype html>', '<svg ', 'trace: trace.jsonl']) expect(page).toContain(part);
  });

  it('ends with 2 where the trace is none', async () => {
    const { exit, error } = await result('simulate', file('two.json'), '--trace', file('two.json'));
    expect([exit, error.code, error.detail.line]).toEqual([2, 'ERR_POLICY_TRACE', 1]);
    expect((await run('simulate', file('two.json'))).exit).toBe(2);
  });
});

describe('policy explain', () => {
  it('of an instant of a trace says the whole tree', async () => {
    const ran = await run('explain', file('signal.json'), '--trace', file('trace.jsonl'), '--at', '2.5');
    expect(ran.exit).toBe(0);
    expect(ran.stdout).toContain('✓ granted by a trusted network + the PIN (bound-1)\n');
    expect(ran.stdout).toContain('✓ rule office: holds\n');
    const { result: later } = await result(
      'explain',
      file('signal.json'),
      '--trace',
      file('trace.jsonl'),
      '--at',
      '20',
    );
    expect(later).toMatchObject({ verdict: 'denied', atMs: 20_000, missing: [['pin']] });
  });

  it('without a trace is the word of the daemon', async () => {
    await using api = await apiOnSocket(new FakeService());
    const ran = await ctl(api.socketPath, ['policy', 'explain']);
    expect(ran).toMatchObject({
      exit: 0,
      stdout: 'the policy of this machine: two\n  ✗ denied: no pair of factors of the policy is satisfied\n',
    });
    expect((await run('explain', file('two.json'))).exit).toBe(2);
  });
});

describe('events --record', () => {
  it('writes a trace that is read again, for its owner alone, until it is interrupted', async () => {
    const service = new FakeService();
    const network = satisfied('network', { observedAt: 1500 });
    service.sensed = [network];
    await using api = await apiOnSocket(service);
    const stop = new AbortController();
    const path = file('recorded.jsonl');
    const recording = ctl(api.socketPath, ['events', '--record', path, '--json'], { interrupted: stop.signal });
    await expect.poll(() => readFileSync(path, 'utf8').split('\n').length, { timeout: 10_000 }).toBe(4);
    stop.abort();
    const ran = await recording;
    expect([ran.exit, JSON.parse(ran.stdout).result]).toEqual([0, { file: path, signals: 2 }]);
    const { header, entries } = parseTrace(readFileSync(path, 'utf8'));
    expect(entries).toEqual([network, { lost: 'wifi', at: 2000 }]);
    expect(header).toMatchObject({ user: 1000, machineSimulated: false });
    expect(header.clock.localTime).not.toBeNull();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await run('simulate', file('signal.json'), '--trace', path)).exit).toBe(0);
  });

  it('ends by itself after the time that was asked for', async () => {
    await using api = await apiOnSocket(new FakeService());
    const ran = await ctl(api.socketPath, ['events', '--record', file('short.jsonl'), '--for', '1s', '--json']);
    expect([ran.exit, JSON.parse(ran.stdout).ok]).toEqual([0, true]);
  });

  it.each([
    [['events', '--for', '5s'], '--for says how long to --record'],
    [['events', '--record', 'x', '--windows'], 'cannot be used with'],
  ])('%j is no command line', async (args, words) => {
    await using api = await apiOnSocket(new FakeService());
    const ran = await ctl(api.socketPath, [...args, '--json']);
    expect([ran.exit, JSON.parse(ran.stdout).error.message]).toEqual([2, expect.stringContaining(words)]);
  });

  it('ends with 1 where the file cannot be written', async () => {
    await using api = await apiOnSocket(new FakeService());
    const ran = await ctl(api.socketPath, ['events', '--record', join(folder, 'none', 'x'), '--json']);
    expect([ran.exit, JSON.parse(ran.stdout).error.code]).toEqual([1, 'ERR_CLI_FILE']);
  });
});
