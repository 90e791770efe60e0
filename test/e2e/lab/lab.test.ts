/**
 * The short job of the virtual lab: all four devices in one guest, the first unlock, and the impostor phone. It runs where
 * QEMU is and an image is cached or can be made; elsewhere it is one skip that says what is missing.
 */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { cachedImage } from '../../lab/guest-image/image.ts';
import { missingForBuild } from '../../lab/guest-image/make-image.ts';
import { cacheFolder, KERNELS, missingForLab } from '../../lab/prepare.ts';
import { LAB_RECIPE } from '../../lab/recipe.ts';
import { runToEnd } from '../../support/umockdev/bridge.ts';

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const LIMIT_MS = 1_500_000;
const WALKTHROUGHS = [`${PROJECT}test/lab/walkthroughs/all-four.yaml`, 'first-unlock', 'impostor-phone'];

function missing(): string | null {
  const lacking = missingForLab();
  if (lacking !== null) return lacking;
  if (cachedImage(cacheFolder(), KERNELS, LAB_RECIPE) !== null) return null;
  const why = missingForBuild();
  return why === null ? null : `no image is cached, and none can be made: ${why}`;
}

const why = missing();
if (why === null) {
  it('in the virtual lab all four devices are there, the first unlock works, and an impostor phone is refused', async () => {
    const command = [process.execPath, `${PROJECT}dist/test/lab/main.js`, ...WALKTHROUGHS];
    const run = await runToEnd(command, { timeout: LIMIT_MS });
    expect(`${run.stdout}${run.stderr}`).not.toMatch(/^(?:FAILED|lab failed)/m);
    expect(run.stdout.match(/^passed {2}/gm)).toHaveLength(WALKTHROUGHS.length);
    expect(run.status).toBe(0);
  }, 1_520_000);
} else it.skip(`the short job of the virtual lab (skipped: ${why})`, () => undefined);
