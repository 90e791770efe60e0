/**
 * The real daemon in simulated surroundings, moved about by a script that is replaced: at the office the PIN opens, and
 * elsewhere the command line says what is waited for and why, and goes on when the machine gets there.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { BUILD, type Stage } from '../../demo/stage.ts';
import { officeNetwork, RULES } from '../../support/policy-fixtures.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';
import { ctl, enrolledStage } from './ctl.ts';

const PIN = '271828';
const HOME = officeNetwork('198.51.100.7/24');
const missing = (await swtpmMissing()) ?? missingForBridge();

describe.skipIf(missing !== null)(
  `a daemon in simulated surroundings${missing === null ? '' : ` (${missing})`}`,
  () => {
    let folder: string;
    let stage: Stage;
    const at = async (observation: typeof HOME): Promise<void> => {
      const script = join(folder, 'surroundings.jsonl');
      await writeFile(`${script}.new`, JSON.stringify({ kind: 'ipConfig', observation }));
      await rename(`${script}.new`, script);
    };
    const shown = async (): Promise<string> => (await ctl(stage.socket, ['signals'], { json: false })).stdout;
    const until = async (address: string): Promise<void> => {
      for (let i = 0; i < 40 && !(await shown()).includes(address); i++) await systemClock.sleep(milliseconds(100), {});
      expect(await shown()).toContain(`eth0 (ethernet): ${address}`);
    };
    const unlock = () => ctl(stage.socket, ['unlock', '--pin-fd', '3'], { secret: PIN });

    /** The command line with its words as they come. */
    const unlockWatched = (said: (stderr: string) => Promise<void>): Promise<{ status: number; stderr: string }> =>
      new Promise((resolve, reject) => {
        const args = [join(BUILD, 'agent/ctl.js'), 'unlock', '--pin-fd', '0', '--socket', stage.socket];
        const child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'pipe'], timeout: 50_000 });
        let stderr = '';
        child.stderr.on('data', (chunk: Buffer) => {
          stderr += chunk.toString('utf8');
          said(stderr).catch(reject);
        });
        child.once('error', reject);
        child.once('close', (status) => resolve({ status: status ?? -1, stderr }));
        child.stdin.end(`${PIN}\n`);
      });

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'unlockd-surroundings-'));
      await at(HOME);
      ({ stage } = await enrolledStage(PIN, [`simulation.surroundings=${join(folder, 'surroundings.jsonl')}`]));
      const file = join(folder, 'policy.json');
      const unlock = { require: { all: ['pin', { any: ['securityKey', 'network'] }] } };
      await writeFile(file, JSON.stringify({ version: 2, contexts: { unlock }, rules: RULES }));
      expect((await stage.ctl(['policy', 'set', file])).answer.ok).toBe(true);
    });
    afterAll(async () => {
      await stage?.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('shows what is around it, and that it is simulated', async () => {
      await until('198.51.100.7/24');
      expect(await shown()).toContain('from simulation');
      expect(await shown()).toContain('simulated');
    });

    it('opens by PIN and key elsewhere, which puts the policy in force, and by the PIN alone at the office', async () => {
      expect((await unlock()).answer.result).toMatchObject({ policyInForce: 2, strength: 'bound-2' });
      await at(officeNetwork());
      await until('192.0.2.5/24');
      stage.touches = false;
      expect((await unlock()).answer.result).toMatchObject({ unlocked: true, strength: 'bound-1' });
    });

    it('says where it would have to be when the key is not touched elsewhere, and opens when it gets there', async () => {
      await at(HOME);
      await until('198.51.100.7/24');
      const { status, stderr } = await unlockWatched(async (said) => {
        // The touch runs out first; then there is only the network to wait for.
        if (said.includes('Waiting for the network office')) await at(officeNetwork());
      });
      expect(stderr).toContain('ipv4Prefix: 198.51.100.7/24, asked for is 192.0.2.0/24');
      expect(status).toBe(0);
    });
  },
);
