/** `unlockctl` in this process against the API over a real socket, with a service in memory. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiOnSocket, apiOnSocket, peerOfUid } from '../../support/api/api-on-socket.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { ctl, type Typed } from '../../support/cli/fake-deps.ts';

const SHEET = new FakeService().sheet;

describe('unlockctl', () => {
  let service: FakeService;
  let api: ApiOnSocket;
  let folder: string;
  const run = (line: string, world: Typed = {}) => ctl(api.socketPath, line.split(' '), world);
  /** Runs with `--json`: exactly one object on stdout. */
  const json = async (line: string, world: Typed = {}) => {
    const ran = await run(`${line} --json`, world);
    expect(ran.stdout.trimEnd().split('\n')).toHaveLength(1);
    return { ...ran, object: JSON.parse(ran.stdout) };
  };
  const begun = () => service.calls.filter(({ method }) => method.startsWith('begin')).length;

  beforeEach(async () => {
    service = new FakeService();
    api = await apiOnSocket(service);
    folder = mkdtempSync(join(tmpdir(), 'unlockd-cli-'));
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
    expect(api.unexpected).toEqual([]);
  });

  describe('unlock', () => {
    beforeEach(() => void service.addUser(1000, '271828'));

    it('asks on the terminal and shows what happens as it happens', async () => {
      const ran = await run('unlock', { typed: ['271828'] });
      expect(ran).toMatchObject({ exit: 0, stdout: 'Unlocked.\n', terminal: 'PIN (5 tries left): ' });
      expect(ran.stderr).toBe('Touch your security key now (a test key)\n');
    });

    it('says how many tries a wrong PIN leaves, and asks again', async () => {
      const ran = await run('unlock', { typed: ['000000', '271828'] });
      expect(ran.exit).toBe(0);
      expect(ran.stderr).toContain('PIN wrong, 4 tries left\n');
    });

    it('ends with 3 and the reasons when the tries are used up', async () => {
      const ran = await run('unlock', { typed: ['1', '1', '1', '1', '1'] });
      expect(ran.exit).toBe(3);
      expect(ran.stderr).toContain('ERR_PIN_WRONG');
      expect(ran.stderr).toContain('\n  ✗ the PIN is missing\n');
    });

    it('reads the PIN from a descriptor, and ends with what was refused when that has no further line', async () => {
      expect((await run('unlock --pin-fd 3', { lines: { 3: ['271828'] } })).exit).toBe(0);
      const wrong = await json('unlock --pin-fd 3', { lines: { 3: ['000000'] } });
      expect([wrong.exit, wrong.object.error.code]).toEqual([3, 'ERR_PIN_WRONG']);
      const inWords = await run('unlock --pin-fd 3', { lines: { 3: ['000000'] } });
      expect(inWords.stderr.split('PIN wrong')).toHaveLength(2);
      for (const each of service.containers.values()) each.tries = 5;
      expect([...service.ceremonies.values()].at(-1)?.cancelled).toBe(true);
      const empty = await json('unlock --pin-fd 3', { lines: { 3: [] } });
      expect(empty.object.error.code).toBe('ERR_CLI_NO_SECRET_SOURCE');
    });

    it('with --json tells its events as lines of JSON on stderr', async () => {
      const ran = await json('unlock --for 10m --pin-fd 3', { lines: { 3: ['271828'] } });
      expect(ran.object).toEqual({ ok: true, result: { purpose: null, forSeconds: 600 } });
      const types = ran.stderr.trimEnd().split('\n');
      expect(types.map((line) => JSON.parse(line).type)).toEqual(['prompt', 'touch']);
    });

    it('hands the key to a descriptor', async () => {
      const ran = await run('unlock --purpose disk --out-fd 5 --pin-fd 3', { lines: { 3: ['271828'] } });
      expect(ran.written).toEqual({ 5: Buffer.from(service.keyOf('disk')).toString() });
    });

    it('gives the key to a command on a pipe and passes its exit code on', async () => {
      const file = join(folder, 'key');
      const script = `cat "/dev/fd/$UNLOCKD_KEY_FD" > ${file}; exit 42`;
      const argv = ['unlock', '--purpose', 'disk', '--pin-fd', '3', '--', 'sh', '-c', script];
      const ran = await ctl(api.socketPath, argv, { lines: { 3: ['271828'] } });
      expect(ran.exit).toBe(42);
      expect(readFileSync(file)).toEqual(Buffer.from(service.keyOf('disk')));
    });

    it('tells a command that is not there from one that a signal ended', async () => {
      const key = ['unlock', '--purpose', 'p', '--pin-fd', '3', '--'];
      const world: Typed = { lines: { 3: ['271828'] } };
      const missing = await ctl(api.socketPath, [...key, '/nowhere/to/be/found'], world);
      expect([missing.exit, missing.stderr.includes('ERR_CLI_COMMAND')]).toEqual([127, true]);
      expect((await ctl(api.socketPath, [...key, 'sh', '-c', 'kill -TERM $$'], world)).exit).toBe(128 + 15);
    });

    it('takes the key of an unlocked container without asking, only with --reuse', async () => {
      const line = 'unlock --purpose disk --out-fd 5 --reuse';
      const locked = await run(line);
      expect(locked.exit).toBe(9);
      expect(locked.stderr).toContain('ERR_CONTAINER_LOCKED');
      expect(begun()).toBe(0);
      await run('unlock --pin-fd 3', { lines: { 3: ['271828'] } });
      expect((await run(line)).written[5]).toBe(Buffer.from(service.keyOf('disk')).toString());
    });

    it.each([
      ['--out-fd without a purpose', 'unlock --out-fd 5', '--purpose'],
      ['a command without a purpose', 'unlock -- true', '--purpose'],
      ['a purpose without a place', 'unlock --purpose p', '--out-fd'],
      ['an empty command', 'unlock --purpose p --', 'command is missing'],
      ['a key on a terminal', 'unlock --purpose p --out-fd 9', 'terminal'],
      ['a raw key and JSON on one stdout', 'unlock --purpose p --out-fd 1 --json', '--out-fd 1'],
      ['a time that is none', 'unlock --for ten', '90s'],
      ['a command where none belongs', 'lock -- true', 'only unlock'],
    ])('refuses %s as a matter of usage, before anything begins', async (_what, line, word) => {
      const ran = await run(line, { terminalFds: [9] });
      expect(ran.exit).toBe(2);
      expect(ran.stdout + ran.stderr).toContain(word);
      expect(begun()).toBe(0);
    });

    it('is cancelled in the daemon when the person interrupts it', async () => {
      const interruption = new AbortController();
      const running = run('unlock', { typed: [null], interrupted: interruption.signal });
      while (begun() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      interruption.abort(new Error('SIGINT'));
      expect((await running).exit).toBe(6);
      expect([...service.ceremonies.values()].map((each) => each.cancelled)).toEqual([true]);
    });

    it('gives an open prompt up when the daemon ends the ceremony', async () => {
      const running = run('unlock', { typed: [null] });
      while (begun() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      for (const ceremony of service.ceremonies.values()) ceremony.cancel();
      const ran = await running;
      expect([ran.exit, ran.stderr.includes('ERR_API_CEREMONY_CANCELLED')]).toEqual([6, true]);
    });
  });

  describe('setup, enrol and recover', () => {
    it('asks a new PIN twice, shows the sheet on the terminal only, and asks two groups back', async () => {
      const ran = await run('enrol', { typed: ['314159', '314159', 'BBBBB EEEEE'] });
      expect(ran.exit).toBe(0);
      expect(ran.terminal).toContain(SHEET);
      expect(ran.terminal.split('Groups 2 and 5')).toHaveLength(2);
      expect(ran.stderr).not.toContain('Groups');
      expect(ran.stdout + ran.stderr).not.toContain('BBBBB');
      expect(service.containers.get(1000)?.pin).toBe('314159');
    });

    it('begins again when the new PIN was typed differently, and gives up in the end', async () => {
      const again = await run('enrol', { typed: ['111111', '222222', '314159', '314159', 'BBBBB EEEEE'] });
      expect([again.exit, service.containers.get(1000)?.pin]).toEqual([0, '314159']);
      service.containers.clear();
      const never = await run('enrol', { typed: ['1', '2', '3', '4', '5', '6'] });
      expect(never.stderr).toContain('ERR_CLI_PIN_MISMATCH');
      expect([...service.ceremonies.values()].at(-1)?.cancelled).toBe(true);
    });

    it('works on descriptors alone, and then the sheet is nowhere else', async () => {
      const world: Typed = { lines: { 3: ['314159', 'BBBBB EEEEE'] } };
      const ran = await json('enrol --new-pin-fd 3 --recovery-groups-fd 3 --sheet-fd 7', world);
      expect([ran.exit, ran.object.ok]).toEqual([0, true]);
      expect(ran.written).toEqual({ 7: `${SHEET}\n` });
      expect(ran.stdout + ran.stderr).not.toContain('BBBBB');
    });

    it('says which groups are asked back where no terminal shows it', async () => {
      const world: Typed = { lines: { 3: ['314159', 'BBBBB EEEEE'] } };
      const ran = await run('enrol --new-pin-fd 3 --recovery-groups-fd 3 --sheet-fd 7', world);
      expect(ran.stderr.split('Groups 2 and 5')).toHaveLength(2);
    });

    it.each([
      ['interrupted while its groups are asked', { typed: ['314159', '314159'] }],
      ['not confirmed', { typed: ['314159', '314159', 'AAAAA AAAAA'] }],
    ])('says that the sheet is void when it was %s', async (_what, world) => {
      expect((await run('enrol', world)).stderr).toContain('is void');
    });

    it('says nothing of a void sheet when none was shown, or when it is confirmed', async () => {
      expect((await run('enrol', { typed: ['314159'] })).stderr).not.toContain('is void');
      service.containers.clear();
      const ran = await run('enrol', { typed: ['314159', '314159', 'BBBBB EEEEE'] });
      expect([ran.exit, ran.stderr.includes('is void')]).toEqual([0, false]);
    });

    it.each([
      ['setup', '--recovery-groups-fd'],
      ['enrol', '--new-pin-fd'],
      ['enrol --new-pin-fd 3 --sheet-fd 4', '--recovery-groups-fd'],
      ['enrol --new-pin-fd 3 --recovery-groups-fd 3', '--sheet-fd'],
      ['recover', '--recovery-fd'],
      ['pin change --pin-fd 3', '--new-pin-fd'],
    ])('without a terminal `%s` fails before anything begins, and names %s', async (line, option) => {
      const ran = await run(line, { lines: { 3: ['1'] } });
      expect(ran.exit).toBe(1);
      expect(ran.stderr).toContain(option);
      expect(begun()).toBe(0);
    });

    it('recovers with the sheet and shows the new one', async () => {
      const ran = await run('recover', { typed: [SHEET, '161803', '161803'] });
      expect([ran.exit, service.containers.get(1000)?.pin]).toEqual([0, '161803']);
      expect((await run('recover', { typed: ['ZZZZZ'] })).exit).toBe(3);
    });

    it('sets a machine up as root only', async () => {
      expect((await run('setup', { typed: ['BBBBB EEEEE'] })).exit).toBe(5);
      api.peer = peerOfUid(0);
      const ran = await run('setup', { typed: ['BBBBB EEEEE'] });
      expect([ran.exit, ran.terminal.includes(SHEET)]).toEqual([0, true]);
    });
  });

  it('changes a PIN', async () => {
    service.addUser(1000, '271828');
    const ran = await run('pin change --pin-fd 3 --new-pin-fd 4', { lines: { 3: ['271828'], 4: ['141421'] } });
    expect([ran.exit, service.containers.get(1000)?.pin]).toEqual([0, '141421']);
  });

  it('removes the own container, and that of another only as root', async () => {
    for (const uid of [1000, 1001]) service.addUser(uid);
    expect((await run('unenrol --user alice --yes')).exit).toBe(5);
    expect((await run('unenrol --user mallory --yes')).stderr).toContain('ERR_CLI_NO_SUCH_USER');
    expect((await run('unenrol', { typed: ['REMOVE'] })).exit).toBe(0);
    expect(service.containers.has(1000)).toBe(false);
    api.peer = peerOfUid(0);
    expect((await run('unenrol --user alice --yes')).exit).toBe(0);
    expect(service.containers.size).toBe(0);
  });

  it('removes nothing unless it is confirmed, and says what would be lost', async () => {
    service.addUser(1000);
    const silent = await run('unenrol');
    expect([silent.exit, silent.stderr.includes('ERR_CLI_USAGE'), silent.stderr.includes('--yes')]).toEqual([
      2,
      true,
      true,
    ]);
    const hesitant = await run('unenrol', { typed: ['yes'] });
    expect([hesitant.exit, hesitant.terminal.includes('for ever')]).toEqual([6, true]);
    expect(begun()).toBe(0);
    expect(service.containers.size).toBe(1);
  });

  it('shows status, users, policy and events, in words and as JSON', async () => {
    service.addUser(1000);
    service.audited('unlocked', 1000);
    const words = (await run('status')).stdout;
    expect(words).toContain('user-1000 (uid 1000): locked\n');
    expect(words).toContain('  opens with: this machine + the PIN + a security key (bound-2)\n');
    expect((await json('status')).object.result.own.uid).toBe(1000);
    expect((await run('status --daemon-uid 0')).exit).toBe(0);
    expect((await run('users')).exit).toBe(5);
    api.peer = peerOfUid(0);
    expect((await run('users')).stdout).toBe('user-1000 (uid 1000): locked, bound-2\n');
    expect((await json('users')).object.result.users).toHaveLength(1);
    expect((await run('policy show')).stdout).toContain('the PIN and a security key (bound-2)');
    expect((await run('events --last 5')).stdout).toBe('2026-01-02T03:04:05.000Z unlocked uid=1000\n');
    expect((await json('events')).object.result.events[0].event).toBe('unlocked');
    expect((await json('lock')).object.error.code).toBe('ERR_CONTAINER_MISSING');
  });

  it('follows events until it is interrupted, one line of JSON each', async () => {
    service.audited('one', 1000);
    const interruption = new AbortController();
    const onStdout = (all: string) => {
      if (all.split('\n').length === 2) service.audited('two', 1000);
      if (all.split('\n').length === 3) interruption.abort(new Error('SIGINT'));
    };
    const ran = await run('events --follow --json', { interrupted: interruption.signal, onStdout });
    const [one, two] = ran.stdout.split('\n');
    expect([JSON.parse(one ?? '').event, JSON.parse(two ?? '').event]).toEqual(['one', 'two']);
    expect([ran.exit, ran.stderr, ran.stdout.split('\n')]).toEqual([0, '', expect.objectContaining({ length: 3 })]);
  });

  it('sets, requests and applies a policy', async () => {
    const file = join(folder, 'policy.json');
    writeFileSync(file, '{"version":1,"first":["pin"],"then":["fingerprint"]}');
    expect((await run(`policy set ${file}`)).exit).toBe(5);
    api.peer = peerOfUid(0);
    const set = await run(`policy set ${file}`);
    expect([set.exit, set.stdout.includes('warning: this got weaker\n')]).toEqual([0, true]);
    expect(service.policyDocument).toEqual(JSON.parse('{"version":1,"first":["pin"],"then":["fingerprint"]}'));
    expect((await run('policy set /nowhere')).stderr).toContain('ERR_CLI_FILE');
    expect((await run('policy request')).stderr).toContain('ERR_POLICY_NOT_MANAGED');
    service.managed = true;
    const request = join(folder, 'request.json');
    expect((await run(`policy request -o ${request}`)).exit).toBe(0);
    expect(JSON.parse(readFileSync(request, 'utf8')).container).toBe(0);
    const applied = await json(`policy apply ${request}`);
    expect(applied.object.ok).toBe(true);
    expect(applied.stderr).toContain('"progress"');
  });

  it('names the place where a policy document stops being JSON, and asks nobody', async () => {
    api.peer = peerOfUid(0);
    const file = join(folder, 'broken.json');
    writeFileSync(file, '{\n  "first": ["pin"],\n  "then": securityKey\n}\n');
    const ran = await run(`policy set ${file}`);
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toContain(`${file}:3:11: this is not JSON (ERR_POLICY_INVALID)`);
    expect(service.calls).toEqual([]);
  });

  it.each([
    ['policy set', 'unlockctl policy set --help'],
    ['policy set a b', 'unlockctl policy set --help'],
    ['unlock --for x', 'unlockctl unlock --help'],
    ['unlock --purpose p', 'unlockctl unlock --help'],
    ['unenrol', 'unlockctl unenrol --help'],
    ['pin chnge', 'unlockctl pin --help'],
    ['nothing', 'unlockctl --help'],
  ])('a wrong `%s` points at `%s`', async (line, help) => {
    const ran = await run(line);
    expect([ran.exit, ran.stderr.includes(`ee \`${help}\``)]).toEqual([2, true]);
  });

  it('refuses a daemon that it does not trust, before it sends or asks anything', async () => {
    service.addUser(1000);
    const ran = await run('unlock', { typed: ['271828'], daemonUid: 1234 });
    expect([ran.exit, ran.terminal]).toEqual([11, '']);
    expect(ran.stderr).toContain('ERR_CLI_DAEMON_UNTRUSTED');
    expect(service.calls).toEqual([]);
    expect((await run('unlock --daemon-uid 1234', { typed: ['271828'], daemonUid: 1234 })).exit).toBe(0);
  });

  it('says clearly that no daemon runs, and doctor still works then', async () => {
    for (const line of ['status', 'unlock --pin-fd 3', 'lock', 'users']) {
      const ran = await run(`${line} --socket ${join(folder, 'none.sock')}`);
      expect([ran.exit, ran.stderr.includes('ERR_DAEMON_NOT_RUNNING')]).toEqual([4, true]);
    }
    const doctor = await json(`doctor --socket ${join(folder, 'none.sock')}`);
    expect(doctor.exit).toBe(0);
    expect(doctor.object.result.findings).toContainEqual(
      expect.objectContaining({ check: 'daemon', level: 'warning', text: 'the daemon does not run' }),
    );
  });

  it('asks a running daemon for the facts of the TPM, and ends with 1 when there is a problem', async () => {
    expect((await run('doctor')).stdout).toContain('✓ tpm: a test TPM\n');
    expect((await run('doctor')).stdout).not.toContain('/dev/tpmrm7');
    api.peer = peerOfUid(0);
    expect((await run('doctor')).stdout).toContain(
      'Configuration of the running daemon:\n  tpm.tcti = device:/dev/tpmrm7',
    );
    service.setUp = false;
    const ran = await run('doctor');
    expect([ran.exit, ran.stdout.includes('✗ tpm: this machine is not set up')]).toEqual([1, true]);
  });

  it('prints usage errors in one JSON object with --json, and nothing else', async () => {
    for (const line of ['nothing', 'unlock --for x', 'policy', 'events --last many', 'completion tcsh']) {
      const ran = await json(line);
      expect([ran.exit, ran.object.error.code, ran.stderr]).toEqual([2, 'ERR_CLI_USAGE', '']);
    }
  });

  it('never lets control characters of others reach the terminal', async () => {
    service.audited('\u001b[2Jcleared\u202e', 1000);
    expect((await run('events')).stdout).toBe('2026-01-02T03:04:05.000Z \ufffd[2Jcleared\ufffd uid=1000\n');
  });
});
