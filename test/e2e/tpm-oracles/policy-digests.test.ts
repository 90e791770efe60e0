/**
 * The policy digests that are computed in software against the TPM's own, for random policies. A trial session takes
 * every assertion for satisfied, so any order of any commands can be tried; where membership counts (PolicyOR) a real
 * policy session is used.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concat, toHex, u16 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import {
  COUNTER_ATTRIBUTES,
  counterPublic,
  create,
  createPrimary,
  emptyAuth,
  emptyPolicy,
  externalKey,
  factorTemplate,
  type LoadedObject,
  load,
  loadExternal,
  type NvIndex,
  nullTicket,
  nvDefineSpace,
  nvIncrement,
  nvIndex,
  nvReadPublic,
  type PolicyDigest,
  passwordAuth,
  policyAuthorize,
  policyAuthorizeDigest,
  policyAuthValue,
  policyAuthValueDigest,
  policyGetDigest,
  policyNv,
  policyNvDigest,
  policyNvWritten,
  policyNvWrittenDigest,
  policyOr,
  policyOrDigest,
  policyOrTree,
  policyPcr,
  policyPcrDigest,
  policySecret,
  policySecretDigest,
  policySigned,
  policySignedDigest,
  type Session,
  SRK_ECC,
  startAuthSession,
  TPM_ALG,
  TPM_EO,
  TPM_ST,
  TPMA_NV,
  Tpm,
} from '../../../drivers/tpm2/index.ts';
import { type Swtpm, startSwtpm, swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';

const missing = await swtpmMissing();
const title = missing === null ? 'a policy digest in software' : `a policy digest in software (skipped: ${missing})`;
const FACTOR = passwordAuth(Buffer.from('a factor'));
const SOME_SIGNATURE = {
  scheme: 'ecdsa',
  hash: TPM_ALG.SHA256,
  r: new Uint8Array(32).fill(1),
  s: new Uint8Array(32).fill(1),
} as const;

/** The generator of P-256: a public key that everybody knows. */
const KEY = externalKey(
  Buffer.from('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296', 'hex'),
  Buffer.from('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5', 'hex'),
);

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const ref = fc.uint8Array({ minLength: 0, maxLength: 32 });
const pcrs = fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 24 });
const operation = fc.constantFrom(...Object.values(TPM_EO));

/** One command of a policy. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('secret'), ref }),
  fc.record({ kind: fc.constant('signed'), ref }),
  fc.record({ kind: fc.constant('authValue') }),
  fc.record({ kind: fc.constant('nvWritten') }),
  fc.record({ kind: fc.constant('or'), branches: fc.array(digest, { minLength: 2, maxLength: 8 }) }),
  fc.record({ kind: fc.constant('authorize'), keyDigest: digest, ref }),
  fc.record({ kind: fc.constant('pcr'), pcrs, digest }),
  fc
    .record({
      kind: fc.constant('nv'),
      offset: fc.integer({ min: 0, max: 7 }),
      bytes: fc.uint8Array({ minLength: 8, maxLength: 8 }),
      operation,
    })
    .map(({ bytes, ...rest }) => ({ ...rest, operand: bytes.subarray(rest.offset) })),
) as fc.Arbitrary<Step>;

type Step =
  | { kind: 'secret' | 'signed'; ref: Uint8Array }
  | { kind: 'authValue' | 'nvWritten' }
  | { kind: 'or'; branches: Uint8Array[] }
  | { kind: 'authorize'; keyDigest: Uint8Array; ref: Uint8Array }
  | { kind: 'pcr'; pcrs: number[]; digest: Uint8Array }
  | { kind: 'nv'; offset: number; operand: Uint8Array; operation: number };

describe.skipIf(missing !== null)(title, () => {
  let swtpm: Swtpm;
  let tpm: Tpm;
  let factor: LoadedObject;
  let key: LoadedObject;
  let index: NvIndex;

  beforeAll(async () => {
    swtpm = await startSwtpm();
    const transport = await linuxTpm(swtpm.config).open({ signal: new AbortController().signal });
    tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy });
    await using srk = await createPrimary(tpm, SRK_ECC);
    using authValue = Secret.copyOf(Buffer.from('a factor'));
    using data = Secret.copyOf(Buffer.from('data'));
    factor = await load(tpm, srk, await create(tpm, srk, factorTemplate(false), { sensitive: { authValue, data } }));
    key = await loadExternal(tpm, KEY);
    const area = counterPublic(0x01800042, new Uint8Array(0), false);
    const open = { ...area, attributes: COUNTER_ATTRIBUTES | TPMA_NV.AUTHWRITE };
    await nvDefineSpace(tpm, open);
    await nvIncrement(tpm, nvIndex(open), emptyAuth);
    index = nvIndex(await nvReadPublic(tpm, open.index));
  });
  afterAll(async () => {
    await factor.close();
    await key.close();
    expect(tpm.loadedHandles).toBe(0);
    await tpm.close();
    await swtpm.close();
  });

  /** Runs one step in the TPM and returns the digest that software expects after it. */
  async function run(session: Session, before: PolicyDigest, it: Step): Promise<PolicyDigest> {
    switch (it.kind) {
      case 'secret':
        await policySecret(tpm, session, factor, FACTOR, { policyRef: it.ref });
        return policySecretDigest(before, factor.name, it.ref);
      case 'signed':
        await policySigned(tpm, session, key, SOME_SIGNATURE, { policyRef: it.ref });
        return policySignedDigest(before, key.name, it.ref);
      case 'authValue':
        await policyAuthValue(tpm, session);
        return policyAuthValueDigest(before);
      case 'nvWritten':
        await policyNvWritten(tpm, session, true);
        return policyNvWrittenDigest(before, true);
      case 'or':
        await policyOr(tpm, session, it.branches);
        return policyOrDigest(it.branches);
      case 'authorize': {
        const name = concat(u16(TPM_ALG.SHA256), it.keyDigest);
        await policyAuthorize(tpm, session, before, it.ref, name, nullTicket(TPM_ST.VERIFIED));
        return policyAuthorizeDigest(name, it.ref);
      }
      case 'pcr': {
        const selection = [{ hash: TPM_ALG.SHA256, pcrs: it.pcrs }];
        await policyPcr(tpm, session, selection, it.digest);
        return policyPcrDigest(before, selection, it.digest);
      }
      case 'nv':
        await policyNv(tpm, session, index, emptyAuth, it.operand, it.operation, it.offset);
        return policyNvDigest(before, index.name, it.operand, it.operation, it.offset);
    }
  }

  it('equals that of the TPM after every command of 200 random policies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 7 }), async (policy) => {
        await using session = await startAuthSession(tpm, { kind: 'trial' });
        let expected = emptyPolicy();
        for (const it of policy) {
          expected = await run(session, expected, it);
          expect(toHex(await policyGetDigest(tpm, session))).toBe(toHex(expected));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('of a PolicyOR over 1 to 30 branches equals that of the TPM from every leaf', async () => {
    const leaf = policyAuthValueDigest(emptyPolicy());
    for (const count of [1, 2, 7, 8, 9, 16, 17, 30]) {
      for (const at of new Set([0, 1, Math.floor(count / 2), count - 1])) {
        if (at >= count) continue;
        const others = Array.from({ length: count }, () => systemEntropy.bytes(32));
        const branches = others.map((other, i) => (i === at ? leaf : other));
        const tree = policyOrTree(branches);
        await using session = await startAuthSession(tpm, { kind: 'policy' });
        await policyAuthValue(tpm, session);
        for (const list of tree.paths[at] ?? []) await policyOr(tpm, session, list);
        expect(`${count}/${at} ${toHex(await policyGetDigest(tpm, session))}`).toBe(
          `${count}/${at} ${toHex(tree.digest)}`,
        );
      }
    }
  });

  it('of PolicyNvWritten NO equals that of the TPM', async () => {
    await using session = await startAuthSession(tpm, { kind: 'policy' });
    await policyNvWritten(tpm, session, false);
    expect(toHex(await policyGetDigest(tpm, session))).toBe(toHex(policyNvWrittenDigest(emptyPolicy(), false)));
  });
});
