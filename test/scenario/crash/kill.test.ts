/**
 * Fifteen kills of the real daemon, five of each operation, with everything that `npm run crash` looks at afterwards.
 * The programs are those of the build.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { DIST, requireBuild } from '../../e2e/demo/built.ts';
import { CrashRounds, OPERATIONS } from '../../support/crash/rounds.ts';
import { missingForBridge } from '../../support/umockdev/bridge.ts';

const SEED = 15;
const ROUNDS = 5;

const missing = (await swtpmMissing()) ?? missingForBridge();

describe.skipIf(missing !== null)(`the daemon killed at random moments${missing ? ` (${missing})` : ''}`, () => {
  let rounds: CrashRounds | null = null;
  beforeAll(async () => {
    requireBuild();
    const programs = { daemon: join(DIST, 'agent/main.js'), authenticator: join(DIST, 'hal-mocks/fido2/main.js') };
    rounds = await CrashRounds.start(programs, SEED);
  }, 120_000);
  afterAll(async () => {
    await rounds?.[Symbol.asyncDispose]();
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
