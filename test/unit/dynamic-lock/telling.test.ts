/** How a person gets to know what dynamic lock does: in `status` and in `doctor`. */
import { describe, expect, it } from 'vitest';
import type { DynamicLockView, Status } from '../../../agent/api/ports.ts';
import { statusWords } from '../../../agent/cli/commands/status.ts';
import { type DaemonFacts, examine } from '../../../agent/lifecycle/doctor.ts';

const tpm: Status['tpm'] = {
  description: 'a test TPM',
  manufacturer: null,
  testDouble: null,
  reachable: true,
  setUp: true,
  lockout: null,
  problem: null,
};
const own: Status['own'] = {
  uid: 1000,
  user: 'ana',
  state: 'none',
  unlockedUntil: null,
  policy: null,
  policyPending: false,
  strength: null,
  opensWith: null,
  pinTriesLeft: null,
  epoch: null,
  keys: 0,
};
const NO_DRIVER: DynamicLockView = {
  state: 'cannot',
  text: 'never locks: nothing here looks for phones (`signals.bluetooth`)',
};

describe('status', () => {
  const words = (dynamicLock?: DynamicLockView) =>
    statusWords({ version: '1', tpm, own, ...(dynamicLock === undefined ? {} : { dynamicLock }) }, 0);

  it('says what dynamic lock does, and why it cannot', () => {
    expect(words({ state: 'near', text: 'your phone is near' })).toContain('  dynamic lock: your phone is near');
    expect(words(NO_DRIVER)).toContain(`  dynamic lock: ${NO_DRIVER.text}`);
  });

  it('is silent about it while it is off', () => {
    expect(words({ state: 'off', text: 'off' })).toEqual(words());
  });
});

describe('doctor', () => {
  const findings = async (dynamicLock: DynamicLockView | null) => {
    const daemon: DaemonFacts = { running: true, uid: 0, version: '1', tpm, config: null, dynamicLock };
    const probes = {
      config: null,
      daemon: async () => daemon,
      tpm: null,
      folders: async () => [],
      packages: async () => [],
    };
    const report = await examine(probes, { signal: new AbortController().signal });
    return report.findings.filter(({ text }) => text.startsWith('dynamic lock'));
  };

  it('warns of one that is on and can never lock, with what to do', async () => {
    const [finding, ...more] = await findings(NO_DRIVER);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ check: 'daemon', level: 'warning', text: `dynamic lock: ${NO_DRIVER.text}` });
    expect(finding?.cure).toContain('docs/guides/dynamic-lock.md');
  });

  it('is content with one that works, and silent about one that is off', async () => {
    expect(await findings({ state: 'near', text: 'your phone is near' })).toMatchObject([{ level: 'ok' }]);
    expect(await findings({ state: 'off', text: 'off' })).toEqual([]);
    expect(await findings(null)).toEqual([]);
  });
});
