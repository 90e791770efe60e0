/** The real daemon on a damaged folder or without its TPM: it runs, and says at the command line what is wrong. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import type { Stage } from '../../demo/stage.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { ctl, enrolledStage } from './ctl.ts';

const PIN = '271828';
const missing = (await swtpmMissing()) ?? missingForBridge();

describe.skipIf(missing !== null)(`the real daemon${missing === null ? '' : ` (${missing})`}`, () => {
  let stage: Stage;
  beforeAll(async () => {
    ({ stage } = await enrolledStage(PIN));
  });
  afterAll(() => stage?.close());

  const unlock = () => ctl(stage.socket, ['unlock', '--pin-fd', '3'], { secret: PIN });

  it('a TPM that went away: ERR_HAL_NOT_FOUND, exit code 10; back again, it unlocks without a restart', async () => {
    await stage.swtpm.stop();
    const without = await unlock();
    await stage.swtpm.start();
    expect([without.code, without.status]).toEqual(['ERR_HAL_NOT_FOUND', 10]);
    expect((await unlock()).answer.ok).toBe(true);
  });

  it.each([
    ['of the machine', (state: string) => join(state, 'machine.state')],
    ['of the container', (state: string) => join(state, 'containers', `${process.getuid?.() ?? 0}.state`)],
  ])(
    'the damaged file %s: the daemon starts, ERR_STATE_CORRUPT, exit code 8, kept aside; restored, it unlocks',
    async (_what, pathIn) => {
      await stage.stopDaemon();
      const path = pathIn(stage.stateFolder);
      const good = await readFile(path);
      const bad = good.subarray(1);
      await writeFile(path, bad);
      await stage.startDaemon();
      const refused = await unlock();
      expect([refused.code, refused.status]).toEqual(['ERR_STATE_CORRUPT', 8]);
      const folder = join(path, '..');
      const [aside] = (await readdir(folder)).filter((name) => name.includes('.state.corrupt-'));
      expect(await readFile(join(folder, aside ?? ''))).toEqual(bad);
      expect(refused.stdout).toContain(aside);
      await writeFile(path, good, { mode: 0o600 });
      expect((await unlock()).answer.ok).toBe(true);
    },
  );
});
