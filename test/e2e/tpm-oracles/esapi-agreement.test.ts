/**
 * Every TPM command that the driver sends, run through tpm2-tss' ESAPI as well: both have to agree in Names, digests,
 * data and response codes. The table has a row for every command, or a test fails.
 */
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../../../drivers/base/bytes.ts';
import { createPrimary, encodePublicArea, isTpmResponse, SRK_ECC } from '../../../drivers/tpm2/index.ts';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { EsapiRefusal, esapiMissing } from '../../support/tpm/esapi.ts';
import { startTwins, type Twins } from '../../support/tpm/twins.ts';
import { type Bench, OWNER, type Row } from './row.ts';
import { MANAGEMENT } from './rows/management.ts';
import { NV } from './rows/nv.ts';
import { OBJECT } from './rows/object.ts';
import { POLICY } from './rows/policy.ts';
import { SESSION } from './rows/session.ts';
import { SIGNING } from './rows/signing.ts';

const ROWS: Readonly<Record<string, Row>> = { ...MANAGEMENT, ...SESSION, ...OBJECT, ...POLICY, ...NV, ...SIGNING };

/** The names of the commands in the driver's own source. */
async function commandsOfTheDriver(): Promise<string[]> {
  const folder = new URL('../../../drivers/tpm2/', import.meta.url);
  const files = await readdir(folder, { recursive: true });
  const names = new Set<string>();
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const source = await readFile(new URL(file, folder), 'utf8');
    for (const match of source.matchAll(/\bcommand: '(\w+)'/g)) if (match[1] !== undefined) names.add(match[1]);
  }
  return [...names].sort();
}

describe('the table of commands', () => {
  it('has exactly the commands that the driver sends', async () => {
    expect(Object.keys(ROWS).sort()).toEqual(await commandsOfTheDriver());
  });
});

const missing = (await swtpmMissing()) ?? (await esapiMissing());
const title = missing === null ? 'tpm2-tss ESAPI agrees' : `tpm2-tss ESAPI agrees (skipped: ${missing})`;

describe.skipIf(missing !== null)(title, () => {
  let twins: Twins;
  beforeAll(async () => {
    twins = await startTwins();
  });
  afterAll(async () => {
    await twins[Symbol.asyncDispose]();
  });

  async function fresh(): Promise<void> {
    await twins[Symbol.asyncDispose]();
    twins = await startTwins();
  }

  async function withBench(row: Row, use: (bench: Bench) => Promise<void>): Promise<void> {
    const { tpm, esapi } = twins;
    let done = false;
    try {
      await esapi.call('forget_all');
      await tpm.flushLeftovers();
      await using srk = await createPrimary(tpm, SRK_ECC);
      const args = { tag: 'srk', hierarchy: OWNER, public: toHex(encodePublicArea(SRK_ECC)) };
      expect(await esapi.text('create_primary', 'name', args)).toBe(toHex(srk.name));
      const init = async () => {
        // What was loaded is gone after _TPM_Init, and cannot be flushed any more.
        await srk.close();
        await twins.init();
      };
      await use({ tpm, esapi, srk, init });
      done = true;
    } finally {
      if (row.spoils === true || !done) await fresh();
    }
  }

  for (const [command, row] of Object.entries(ROWS)) {
    it(`about TPM2_${command}`, async () => {
      await withBench(row, async (bench) => {
        const { ours, theirs } = await row.agree(bench);
        expect(Object.keys(ours).length).toBeGreaterThan(0);
        expect(ours).toEqual(theirs);
        expect(bench.tpm.loadedHandles).toBeLessThanOrEqual(1);
      });
    });

    const { refuse } = row;
    if ('never' in refuse) continue;
    it(`about the refusal of TPM2_${command}: 0x${refuse.rc.toString(16)}`, async () => {
      await withBench(row, async (bench) => {
        const mine = await refuse.ours(bench).then(
          () => 'accepted',
          (error: unknown) => (isTpmResponse(error) ? error.rc : error),
        );
        const their = await refuse.theirs(bench).then(
          () => 'accepted',
          (error: unknown) => (error instanceof EsapiRefusal ? error.rc : error),
        );
        expect({ ours: mine, theirs: their }).toEqual({ ours: refuse.rc, theirs: refuse.rc });
      });
    });
  }
});
