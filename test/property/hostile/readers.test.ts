/** A short run of `npm run fuzz`: the same targets, a fixed seed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { fuzzSocket } from '../../fuzz/api-socket.ts';
import { record } from '../../fuzz/corpus.ts';
import { fido2AnswerTargets } from '../../fuzz/fido2-answers.ts';
import { Dice, mutate } from '../../fuzz/mutate.ts';
import { runTarget } from '../../fuzz/run.ts';
import { type Target, targetsOf } from '../../fuzz/targets.ts';

const SEED = 20260101;
const CASES = 3000;
const HEAP_LIMIT = 32 * 1024 * 1024;
const NAMES = [
  'tpm/response',
  'tpm/commands',
  'tpm/structures',
  'fido2/ctaphid',
  'fido2/cbor',
  'fido2/responses',
  'fido2/structures',
  'state/file',
  'state/body',
  'policy/request',
  'policy/approval',
  'policy/document',
  'policy/file',
  'recovery/sheet',
  'config/toml',
  'api/requests',
  'api/events',
  'fido2/management',
  'fido2/fingers',
  'fido2/large-blobs',
  'fido2/config',
  'fido2/assertions',
  'fido2/attestation',
  'fido2/models',
  'fido2/metadata-blob',
  'fido2/metadata',
];

const missing = await swtpmMissing();

describe.skipIf(missing !== null)(`hostile input${missing ? ` (${missing})` : ''}`, () => {
  let targets: readonly Target[] = [];
  beforeAll(async () => {
    targets = [...targetsOf(await record()), ...(await fido2AnswerTargets())];
  });
  afterAll(async () => {
    for (const target of targets) await target.close?.();
  });

  it('has a target for every reader', () => {
    expect(targets.map(({ name }) => name)).toEqual(NAMES);
  });

  it.each(NAMES)(`is a value or a typed error for %s (${CASES} cases, seed ${SEED})`, async (name) => {
    const target = targets.find((one) => one.name === name);
    if (target === undefined) throw new Error('no such target');
    const result = await runTarget(target, CASES, SEED);
    expect(result.faults).toEqual([]);
    expect(result.values + result.typedErrors).toBe(CASES);
    expect(result.values, 'some cases are as they should be').toBeGreaterThan(0);
    expect(result.heapGrowth).toBeLessThan(HEAP_LIMIT);
  });

  it('is refused by the API on its socket, which serves on', async () => {
    const { faults } = await fuzzSocket(100, SEED, () => undefined);
    expect(faults).toEqual([]);
  });
});

describe('the runner of the generated cases', () => {
  const target = (read: Target['read']): Target => ({ name: 'test', weight: 1, read });

  it('reports a throw that is no typed error, with the seed of its case', async () => {
    const read = (): never => {
      throw new RangeError('out of range');
    };
    const { faults } = await runTarget(target(read), 3, SEED);
    expect(faults).toHaveLength(3);
    expect(faults[0]).toMatch(/^case \d+: RangeError/);
  });

  it('sees a reader that keeps what it was given', async () => {
    const kept: Uint8Array[][] = [];
    const read = (): number => kept.push(Array.from({ length: 2000 }, () => new Uint8Array(1)));
    const { heapGrowth } = await runTarget(target(read), 400, SEED);
    expect(heapGrowth).toBeGreaterThan(HEAP_LIMIT);
  });

  it('generates the same cases for the same seed', () => {
    const recordings = [Uint8Array.of(1, 2, 3, 4, 5)];
    for (let seed = 1; seed < 50; seed++) {
      expect(mutate(recordings, new Dice(seed))).toEqual(mutate(recordings, new Dice(seed)));
    }
  });
});
