/** `unlockctl walkthrough run` over lanes without a machine: what is printed and written, and when it ends with 0. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { reportPaths } from '../../../agent/cli/commands/walkthrough/run-paths.ts';
import type { OpenLane } from '../../../agent/lanes/options.ts';
import { readEvidence } from '../../../agent/report/read.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { ctl, type Typed } from '../../support/cli/fake-deps.ts';
import { DONE, type FakeLane, fakeLane, refusal } from '../../support/walkthrough/fake-lane.ts';

const folder = mkdtempSync(join(tmpdir(), 'unlockd-walkthrough-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string): string => join(folder, name);
const file = (name: string, steps: string, more = ''): string => {
  writeFileSync(
    path(name),
    `walkthrough: 1\nname: ${name}\nabout: a\ngiven: { keys: { blue: plugged, ${more} } }\nsteps:\n${steps}`,
  );
  return path(name);
};
const ENROL = '  - enrol: { pin: mine }\n';
const KILL = '  - daemon: kill\n';
const one = file('one.yaml', ENROL);
const mixed = file('mixed.yaml', `${ENROL}${KILL}  - daemon: start\n`);

type Open = NonNullable<Typed['openLane']>;
/** Lanes are opened in this order. */
const opening = (...lanes: FakeLane[]): Open => {
  return async () => {
    const lane = lanes.shift();
    if (lane === undefined) throw new TypeError('no further lane');
    return lane;
  };
};
const run = (args: readonly string[], openLane: Open, world: Typed = {}) =>
  ctl('/nowhere', ['walkthrough', 'run', ...args], { ...world, openLane });
const granted = () => fakeLane([[DONE]]);
const denied = () =>
  fakeLane([
    [
      {
        type: 'failed',
        refusal: refusal('ERR_POLICY_DENIED', 'no way'),
        reasons: [{ depth: 0, ok: false, text: 'denied: because' }],
      },
    ],
  ]);

describe('unlockctl walkthrough run ends with', () => {
  it('0 when every step passed, and has closed the lane', async () => {
    const lane = granted();
    const ran = await run([one], opening(lane));
    expect(ran).toMatchObject({ exit: 0 });
    expect(ran.stdout).toMatch(/^✓ one\.yaml \(.*one\.yaml\): 1 passed in 0\.\d s\n$/);
    expect(ran.stderr).toContain('  ✓ 1 enrol: PIN mine: granted (0.');
    expect(lane.closed).toBe(1);
  });

  it('0 when some passed and others are not on the lane, which are counted; 1 with --strict', async () => {
    const ran = await run([mixed], opening(fakeLane([[DONE]])));
    expect(ran.exit).toBe(0);
    expect(ran.stdout).toContain('2 passed, 1 not on this lane');
    expect(ran.stderr).toContain('  – 2 daemon kill: not on this lane: there is no process\n');
    const strict = await run([mixed, '--strict'], opening(fakeLane([[DONE]])));
    expect(strict.exit).toBe(1);
    expect(strict.stdout).toContain('not passed: 1 step is not on this lane');
  });

  it('1 when no step passed: it shows nothing', async () => {
    const only = file('only.yaml', KILL);
    const ran = await run([only], opening(fakeLane([])));
    expect(ran.exit).toBe(1);
    expect(ran.stdout).toContain('✗ only.yaml');
    expect(ran.stdout).toContain('not passed: no step passed: on this lane it shows nothing');
  });

  it('1 when a step failed, with the reasons below it', async () => {
    const lane = denied();
    const ran = await run([one], opening(lane));
    expect(ran.exit).toBe(1);
    expect(ran.stdout).toContain('0 passed, 1 failed');
    expect(ran.stderr).toContain('  ✗ 1 enrol: PIN mine: refused, ERR_POLICY_DENIED');
    expect(ran.stderr).toContain(
      '      expected granted, got refused: no way (ERR_POLICY_DENIED)\n      ✗ denied: because\n',
    );
    expect(lane.closed).toBe(1);
  });

  it('1 when a person skipped a step', async () => {
    const hands = { touch: async () => undefined, remove: async () => undefined };
    const insert = async () => {
      throw new UnlockdError('ERR_OPERATOR_SKIPPED', 'skipped: no such key at hand');
    };
    const skips = file('skips.yaml', `${ENROL}  - insert: red\n`, 'red: unplugged');
    const ran = await run([skips], opening(fakeLane([[DONE]], { operator: { ...hands, insert } })));
    expect(ran.exit).toBe(1);
    expect(ran.stdout).toContain('1 passed, 1 skipped');
    expect(ran.stderr).toContain('  ↷ 2 insert red: skipped: no such key at hand');
  });

  it('2 and opens no lane when any of the files is not valid', async () => {
    writeFileSync(path('bad.yaml'), 'walkthrough: 2\n');
    let opened = 0;
    const ran = await run([one, path('bad.yaml')], async () => {
      opened++;
      return granted();
    });
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toContain('ERR_WALKTHROUGH_INVALID');
    expect(opened).toBe(0);
  });

  it('2 when there is no such lane, whatever the files are', async () => {
    const ran = await run([one, '--lane', 'moon'], opening(granted()));
    expect(ran.exit).toBe(2);
    expect(ran.stdout).toBe('');
  });

  it('9 when the lane lacks something, at the first file, and says what', async () => {
    let opened = 0;
    const missing: OpenLane = async () => {
      opened++;
      throw new UnlockdError('ERR_LANE_MISSING', 'the emulator lane cannot run here: apt-get install swtpm');
    };
    const ran = await run([one, mixed, '--junit', path('missing.xml')], (_name, ...rest) => missing(...rest));
    expect([ran.exit, opened]).toEqual([9, 1]);
    expect(ran.stderr).toContain('apt-get install swtpm (ERR_LANE_MISSING)');
    expect(readFileSync(path('missing.xml'), 'utf8')).toContain('errors="1"');
  });

  it('1 when a lane breaks or cannot be closed, and the next walkthrough is run all the same', async () => {
    const broken = fakeLane([[DONE]], {
      onClose: async () => {
        throw new UnlockdError('ERR_LANE_BROKEN', 'the key is still plugged in');
      },
    });
    const whole = granted();
    const ran = await run([one, one], opening(broken, whole));
    expect(ran.exit).toBe(1);
    expect(ran.stdout).toContain(
      'not passed: it did not get to its end: the key is still plugged in (ERR_LANE_BROKEN)',
    );
    expect(ran.stdout).toContain('2 walkthroughs on the mock lane: 2 passed');
    expect([broken.closed, whole.closed]).toEqual([1, 1]);
  });

  it('6 after Ctrl-C: the lane is closed, no further one is opened, and the report says so', async () => {
    const interruption = new AbortController();
    const lane = fakeLane(['never']);
    const ran = await run([one, mixed, '--report', path('stopped.html')], opening(lane), {
      interrupted: interruption.signal,
      onStderr: (text) => {
        if (text.includes('1 enrol') || text.includes('setting') || text.includes('one.yaml'))
          setImmediate(() => interruption.abort(new UnlockdError('ERR_CLI_INTERRUPTED', 'interrupted by SIGINT')));
      },
    });
    expect(ran.exit).toBe(6);
    expect(ran.stdout).toBe('');
    expect(lane.closed).toBe(1);
    const evidence = readEvidence(readFileSync(path('stopped-one.html'), 'utf8'));
    expect(evidence.end).toEqual({ how: 'aborted', why: 'interrupted by SIGINT (ERR_CLI_INTERRUPTED)' });
  });
});

describe('unlockctl walkthrough run', () => {
  it('--json prints one object, and a line for each event on stderr', async () => {
    const ran = await run([mixed, '--json'], opening(fakeLane([[DONE]])));
    const { ok, result } = JSON.parse(ran.stdout) as { ok: boolean; result: Record<string, unknown> };
    expect([ok, result.passed, result.lane]).toEqual([true, true, 'mock']);
    const [only] = result.walkthroughs as { tally: unknown; steps: Record<string, unknown>[] }[];
    expect(only?.tally).toEqual({ passed: 2, failed: 0, skipped: 0, notHere: 1, notReached: 0 });
    expect(only?.steps[1]).toMatchObject({
      number: 2,
      action: 'daemon',
      outcome: 'not here',
      why: ['there is no process'],
    });
    const events = ran.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(events.map(({ type }) => type)).toEqual([
      'begun',
      'step',
      'event',
      'ended',
      'step',
      'ended',
      'step',
      'ended',
      'busy',
    ]);
  });

  it('--json tells a failed run by `passed`, and a lane that is missing by `ok`', async () => {
    const failed = JSON.parse((await run([one, '--json'], opening(denied()))).stdout);
    expect([failed.ok, failed.result.passed, failed.result.walkthroughs[0].why]).toEqual([
      true,
      false,
      '1 step failed',
    ]);
    const missing = await run([one, '--json'], () =>
      Promise.reject(new UnlockdError('ERR_LANE_MISSING', 'apt-get install swtpm')),
    );
    expect(JSON.parse(missing.stdout)).toMatchObject({ ok: false, error: { code: 'ERR_LANE_MISSING' } });
  });

  it('--quiet prints nothing but what did not pass and the count', async () => {
    const ran = await run([one, one, '--quiet'], opening(granted(), denied()));
    expect(ran.stderr).toBe('');
    expect(ran.stdout.split('\n').map((line) => line.replace(/ \(.*| in [\d.]+ s$/, ''))).toEqual([
      '✓ one.yaml',
      '✗ one.yaml',
      '  ✗ 1 enrol: PIN mine: refused, ERR_POLICY_DENIED',
      '      expected granted, got refused: no way',
      '      ✗ denied: because',
      '  not passed: 1 step failed',
      '2 walkthroughs on the mock lane: 1 passed, 1 failed',
      '',
    ]);
  });

  it('--junit and --report write what came of it, and no PIN', async () => {
    const args = [mixed, '--junit', path('out.xml'), '--report', path('out.html')];
    expect((await run(args, opening(fakeLane([[DONE]])))).exit).toBe(0);
    const xml = readFileSync(path('out.xml'), 'utf8');
    expect(xml).toContain('tests="3" failures="0" errors="0" skipped="1"');
    const evidence = readEvidence(readFileSync(path('out.html'), 'utf8'));
    expect(evidence.steps.map(({ outcome }) => outcome)).toEqual(['passed', 'not here', 'passed']);
    expect(evidence.end.how).toBe('complete');
    expect(evidence.versions.map(({ of }) => of)).toEqual(['unlockd', 'Node.js', 'kernel']);
  });

  it('says before anything is run that a file cannot be written', async () => {
    let opened = 0;
    const ran = await run([one, '--junit', path('no/such/folder.xml')], async () => {
      opened++;
      return granted();
    });
    expect([ran.exit, opened]).toEqual([1, 0]);
    expect(ran.stderr).toContain('ERR_CLI_FILE');
  });

  it('knows those that come with it by their names, unless a path is given', async () => {
    const ran = await run(['first-unlock'], opening(fakeLane([])));
    expect(ran.stderr).toContain('First unlock (first-unlock, mock lane)');
    expect((await run(['./first-unlock'], opening())).stderr).toContain('ERR_CLI_FILE');
    expect(existsSync('first-unlock')).toBe(false);
  });
});

describe('of several walkthroughs each report has a name of its own', () => {
  it.each([
    [['a.yaml'], ['r.html']],
    [
      ['a.yaml', 'x/b.yaml'],
      ['r-a.html', 'r-b.html'],
    ],
    [
      ['a.yaml', 'b/a.yaml', 'a-2.yaml'],
      ['r-a.html', 'r-a-2.html', 'r-a-2-2.html'],
    ],
    [
      ['standard input', 'a b.yaml'],
      ['r-standard-input.html', 'r-a-b.html'],
    ],
  ])('%j', (names, paths) => {
    expect(reportPaths('r.html', names)).toEqual(paths);
    expect(reportPaths('d.x/r', names)[0]).toBe(names.length === 1 ? 'd.x/r' : `d.x/r-${paths[0]?.slice(2, -5)}`);
  });
});
