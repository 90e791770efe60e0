/**
 * Fifteen kills of the real daemon, five of each operation, with everything that `npm run crash` looks at afterwards.
 * The programs are compiled into a folder of this test's own.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { CrashRounds, OPERATIONS } from '../../support/crash/rounds.ts';
import { missingForBridge, runToEnd } from '../../support/umockdev/bridge.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SEED = 15;
const ROUNDS = 5;

async function compile(): Promise<string> {
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'dist', 'crash-'));
  const config = join(folder, 'tsconfig.json');
  const options = { rootDir: ROOT, outDir: folder, incremental: false, tsBuildInfoFile: null };
  const files = [join(ROOT, 'agent/main.ts'), join(ROOT, 'hal-mocks/fido2/main.ts')];
  const content = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: options,
    files,
    include: [join(ROOT, 'drivers/**/*.d.ts')],
  };
  await writeFile(config, JSON.stringify(content));
  const { status, stdout, stderr } = await runToEnd([join(ROOT, 'node_modules/.bin/tsc'), '-p', config]);
  if (status !== 0) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`tsc: ${stdout}${stderr}`);
  }
  return folder;
}

const missing = (await swtpmMissing()) ?? missingForBridge();

describe.skipIf(missing !== null)(`the daemon killed at random moments${missing ? ` (${missing})` : ''}`, () => {
  let folder = '';
  let rounds: CrashRounds | null = null;
  beforeAll(async () => {
    folder = await compile();
    const daemon = join(folder, 'agent/main.js');
    rounds = await CrashRounds.start({ daemon, authenticator: join(folder, 'hal-mocks/fido2/main.js') }, SEED);
  }, 120_000);
  afterAll(async () => {
    await rounds?.[Symbol.asyncDispose]();
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  it.each(OPERATIONS)(
    `leaves the old state or the new one after ${ROUNDS} kills in %s (seed ${SEED})`,
    async (name) => {
      if (rounds === null) throw new Error('not started');
      await rounds.measure(name);
      for (let round = 1; round <= ROUNDS; round++) {
        const { violations, killedAt, when } = await rounds.round(name);
        expect(violations, `round ${round}, killed at ${killedAt} ms, ${when}: ${rounds.log}`).toEqual([]);
      }
    },
    180_000,
  );
});
