/** The hardware lane with a daemon of the run's own, over a software TPM that the configuration of this machine names. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../../../agent/api/client.ts';
import type { HardwareOptions } from '../../../agent/lanes/hardware-options.ts';
import { openLane } from '../../../agent/lanes/index.ts';
import { TerminalHands } from '../../../agent/operator/terminal.ts';
import { runWalkthrough } from '../../../agent/walkthrough/run.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { type Swtpm, startSwtpm } from '../../../hal-mocks/tpm2/swtpm.ts';
import { EVERYTHING, walkthroughOf } from '../../support/hardware-lane/found.ts';
import { missingForLabBox } from '../../support/hardware-lane/lab-box.ts';
import { Tabletop } from '../../support/operator/tabletop.ts';
import { Typing } from '../../support/operator/typing.ts';

const missing = await missingForLabBox();
const title = missing === null ? 'a daemon of the run’s own' : `a daemon of the run’s own (${missing})`;

describe.skipIf(missing !== null)(title, { timeout: 120_000 }, () => {
  let folder: string;
  let swtpm: Swtpm;
  const before = { ...process.env };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'unlockd-own-'));
    swtpm = await startSwtpm();
    writeFileSync(join(folder, 'unlockd.toml'), '', { mode: 0o600 });
    Object.assign(process.env, {
      UNLOCKD_CONFIG: join(folder, 'unlockd.toml'),
      UNLOCKD_TPM_TCTI: swtpm.config,
      UNLOCKD_SIGNALS_BLUETOOTH: 'false',
      UNLOCKD_SIGNALS_BIOMETRIC: 'false',
    });
  });
  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    await swtpm.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const walkthrough = walkthroughOf({}, [
    { unlock: { pin: 'wrong' }, expect: { verdict: 'refused', code: 'ERR_CONTAINER_MISSING' } },
    { daemon: 'kill' },
    { unlock: { pin: 'wrong' }, expect: { verdict: 'refused', code: 'ERR_DAEMON_NOT_RUNNING' } },
    { daemon: 'start' },
    { unlock: { pin: 'wrong' }, expect: { verdict: 'refused', code: 'ERR_CONTAINER_MISSING' } },
  ]);

  async function run(more: Partial<HardwareOptions>) {
    const typing = new Typing();
    const findings: string[] = [];
    const { signal } = new AbortController();
    const own = join(folder, 'own');
    const lane = await openLane('hardware', walkthrough, {
      clock: systemClock,
      entropy: systemEntropy,
      signal,
      progress: () => undefined,
      finding: (words) => findings.push(words),
      hardware: async () => ({
        client: createClient({ socketPath: '/nowhere', check: { peerOf: async () => null, trusts: () => false } }),
        socketPath: '/nowhere',
        uid: 0,
        hands: () => new TerminalHands(typing.console, systemClock),
        hid: new Tabletop(),
        surface: () => EVERYTHING,
        ownDaemon: own,
        destructive: false,
        confirm: async (_what, word) => {
          throw new Error(`nobody types ${word}`);
        },
        readKeyPin: null,
        showSheet: null,
        phones: new Map(),
        roots: new Map(),
        ...more,
      }),
    });
    let outcomes: readonly string[] = [];
    try {
      const results = await runWalkthrough(walkthrough, { lane, clock: systemClock, entropy: systemEntropy, signal });
      outcomes = results.map(({ outcome, why }) => [outcome, ...why].join(' '));
    } finally {
      await lane[Symbol.asyncDispose]();
    }
    return { outcomes, findings, written: typing.written, own };
  }

  it('sets a blank TPM up only with the flag, runs, and says what stays', async () => {
    await expect(run({})).rejects.toMatchObject({ code: 'ERR_LANE_DESTRUCTIVE', detail: { harms: 'set-up' } });
    const { outcomes, findings, own, written } = await run({ destructive: true });
    expect(outcomes).toEqual(['passed', 'passed', 'passed', 'passed', 'passed']);
    expect(findings).toEqual([expect.stringContaining('stays as it is: the TPM is set up.')]);
    expect(written).toContain('the policy of this machine counts: ');
    expect(existsSync(join(own, 'state'))).toBe(true);
    // What it set up is its own: a second run in the same folder sets nothing up and needs no flag.
    expect((await run({})).findings).toEqual([]);
  });

  it('a TPM that somebody else has set up is confirmed by a word', async () => {
    await run({ destructive: true });
    rmSync(join(folder, 'own'), { recursive: true });
    await expect(run({ destructive: true })).rejects.toThrow('nobody types SETUP');
  });
});
