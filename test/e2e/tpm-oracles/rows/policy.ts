/** Rows of the policy commands: Part 3 §23. Both sides run the same policy, and their digests have to be equal. */
import { generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { bytesEqual, concat, toHex, u64 } from '../../../../drivers/base/bytes.ts';
import {
  authorizationHash,
  COUNTER_ATTRIBUTES,
  counterPublic,
  emptyAuth,
  emptyPolicy,
  encodeNvPublic,
  encodePublicArea,
  encodeSignature,
  encodeTicket,
  externalKey,
  loadExternal,
  type NvPublic,
  nvDefineSpace,
  nvIncrement,
  nvIndex,
  nvReadPublic,
  nvUndefineSpace,
  passwordAuth,
  policyAuthorize,
  policyAuthValue,
  policyAuthValueDigest,
  policyGetDigest,
  policyNv,
  policyNvWritten,
  policyNvWrittenDigest,
  policyOr,
  policyPcr,
  policySecret,
  policySigned,
  type Session,
  type Signature,
  sha256,
  signedAssertionHash,
  startAuthSession,
  TPM_ALG,
  TPM_EO,
  TPMA_NV,
  verifySignature,
} from '../../../../drivers/tpm2/index.ts';
import { encodePcrSelections } from '../../../../drivers/tpm2/wire/pcr.ts';
import { type Bench, hexOf, loadBoth, OWNER, policyOnBoth, type Row } from '../row.ts';
import { ourFactor } from './object.ts';

const NOTHING = new Uint8Array(0);
const REF = Buffer.from('a policyRef');
const INDEX = 0x01800123;
const PCRS = [{ hash: TPM_ALG.SHA256, pcrs: [0, 2, 7, 23] }];

/** A signer that is outside of both TPMs. */
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = pair.publicKey.export({ format: 'jwk' });
const SIGNER = externalKey(Buffer.from(jwk.x ?? '', 'base64url'), Buffer.from(jwk.y ?? '', 'base64url'));

/** ECDSA over `message`, whose SHA-256 is the digest that a TPM is given. */
function signed(message: Uint8Array): Signature {
  const rs = nodeSign('sha256', message, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
  return { scheme: 'ecdsa', hash: TPM_ALG.SHA256, r: rs.subarray(0, 32), s: rs.subarray(32) };
}

async function digests(bench: Bench, session: Session) {
  const ours = toHex(await policyGetDigest(bench.tpm, session));
  const theirs = await bench.esapi.text('policy_get_digest', 'digest', { policy: 'policy' });
  return { ours: { digest: ours }, theirs: { digest: theirs } };
}

/** A written counter that everybody may read, on both sides; theirs under the tag `index`. */
async function counterOnBoth(bench: Bench): Promise<NvPublic> {
  const area: NvPublic = {
    ...counterPublic(INDEX, NOTHING, false),
    attributes: COUNTER_ATTRIBUTES | TPMA_NV.AUTHWRITE,
  };
  await nvDefineSpace(bench.tpm, area);
  await nvIncrement(bench.tpm, nvIndex(area), emptyAuth);
  await bench.esapi.call('nv_define_space', { tag: 'index', public: toHex(encodeNvPublic(area)) });
  await bench.esapi.call('nv_increment', { index: 'index' });
  return await nvReadPublic(bench.tpm, INDEX);
}

async function removeCounter(bench: Bench, area: NvPublic): Promise<void> {
  await nvUndefineSpace(bench.tpm, nvIndex(area));
  await bench.esapi.call('nv_undefine_space', { index: 'index' });
}

const signerOnBoth = async (bench: Bench) => {
  const args = { tag: 'signer', hierarchy: OWNER, public: toHex(encodePublicArea(SIGNER)) };
  await bench.esapi.call('load_external', args);
  return await loadExternal(bench.tpm, SIGNER);
};

/** Two branches, the first of which a session has after PolicyAuthValue. */
const BRANCHES = [policyAuthValueDigest(emptyPolicy()), policyNvWrittenDigest(emptyPolicy(), true)];
const ASSERTION = { nonceTPM: NOTHING, expiration: 0, cpHashA: NOTHING, policyRef: REF };

/** What an authority signs so that a fresh session may be taken for approved, and the ticket of it. */
async function approval(bench: Bench) {
  await using key = await signerOnBoth(bench);
  const message = concat(emptyPolicy(), REF);
  const digest = authorizationHash(emptyPolicy(), REF);
  const ours = await verifySignature(bench.tpm, key, digest, signed(message));
  const theirs = await bench.esapi.text('verify_signature', 'ticket', {
    key: 'signer',
    digest: toHex(digest),
    signature: toHex(encodeSignature(signed(message))),
  });
  await bench.esapi.call('flush_context', { object: 'signer' });
  return { keyName: new Uint8Array(key.name), ours, theirs };
}

export const POLICY = {
  PolicySecret: {
    agree: async (bench) => {
      const { object } = await loadBoth(bench, await ourFactor(bench, 'a factor', false), 'factor');
      await using factor = object;
      await using session = await policyOnBoth(bench);
      const auth = passwordAuth(Buffer.from('a factor'));
      await policySecret(bench.tpm, session, factor, auth, { policyRef: REF });
      const args = { entity: 'factor', policy: 'policy', auth: hexOf('a factor'), policyRef: toHex(REF) };
      await bench.esapi.call('policy_secret', args);
      return await digests(bench, session);
    },
    refuse: {
      rc: 0x9a2,
      ours: async (bench) => {
        const { object } = await loadBoth(bench, await ourFactor(bench, 'a factor', false), 'factor');
        await using factor = object;
        await using session = await policyOnBoth(bench);
        await policySecret(bench.tpm, session, factor, passwordAuth(Buffer.from('wrong')));
      },
      theirs: ({ esapi }) => esapi.call('policy_secret', { entity: 'factor', policy: 'policy', auth: hexOf('wrong') }),
    },
  },
  PolicySigned: {
    agree: async (bench) => {
      await using key = await signerOnBoth(bench);
      await using session = await policyOnBoth(bench);
      const message = concat(new Uint8Array(4), REF);
      if (!bytesEqual(signedAssertionHash(ASSERTION), sha256(message))) throw new Error('not what a signer signs');
      await policySigned(bench.tpm, session, key, signed(message), { policyRef: REF });
      const signature = toHex(encodeSignature(signed(message)));
      await bench.esapi.call('policy_signed', { key: 'signer', policy: 'policy', policyRef: toHex(REF), signature });
      return await digests(bench, session);
    },
    refuse: {
      rc: 0x5db,
      ours: async (bench) => {
        await using key = await signerOnBoth(bench);
        await using session = await policyOnBoth(bench);
        await policySigned(bench.tpm, session, key, signed(Buffer.from('something else')), { policyRef: REF });
      },
      theirs: ({ esapi }) =>
        esapi.call('policy_signed', {
          key: 'signer',
          policy: 'policy',
          policyRef: toHex(REF),
          signature: toHex(encodeSignature(signed(Buffer.from('something else')))),
        }),
    },
  },
  PolicyOR: {
    agree: async (bench) => {
      await using session = await policyOnBoth(bench);
      await policyAuthValue(bench.tpm, session);
      await bench.esapi.call('policy_auth_value', { policy: 'policy' });
      await policyOr(bench.tpm, session, BRANCHES);
      await bench.esapi.call('policy_or', { policy: 'policy', digests: BRANCHES.map(toHex) });
      return await digests(bench, session);
    },
    refuse: {
      rc: 0x1c4,
      ours: async (bench) => {
        await using session = await policyOnBoth(bench);
        await policyOr(bench.tpm, session, BRANCHES);
      },
      theirs: ({ esapi }) => esapi.call('policy_or', { policy: 'policy', digests: BRANCHES.map(toHex) }),
    },
  },
  PolicyAuthorize: {
    agree: async (bench) => {
      const { keyName, ours, theirs } = await approval(bench);
      await using session = await policyOnBoth(bench);
      await policyAuthorize(bench.tpm, session, emptyPolicy(), REF, keyName, ours);
      const common = { policy: 'policy', approvedPolicy: toHex(emptyPolicy()), policyRef: toHex(REF) };
      await bench.esapi.call('policy_authorize', { ...common, keyName: toHex(keyName), ticket: theirs });
      return await digests(bench, session);
    },
    refuse: {
      rc: 0x4c4,
      ours: async (bench) => {
        const { keyName, ours } = await approval(bench);
        const forged = { ...ours, digest: ours.digest.map((byte) => byte ^ 1) };
        await using session = await policyOnBoth(bench);
        await policyAuthorize(bench.tpm, session, emptyPolicy(), REF, keyName, forged);
      },
      theirs: async (bench) => {
        const { keyName, ours } = await approval(bench);
        const forged = { ...ours, digest: ours.digest.map((byte) => byte ^ 1) };
        const common = { policy: 'policy', approvedPolicy: toHex(emptyPolicy()), policyRef: toHex(REF) };
        const ticket = toHex(encodeTicket(forged));
        await bench.esapi.call('policy_authorize', { ...common, keyName: toHex(keyName), ticket });
      },
    },
  },
  PolicyNV: {
    agree: async (bench) => {
      const area = await counterOnBoth(bench);
      await using session = await policyOnBoth(bench);
      const operation = TPM_EO.UNSIGNED_GE;
      await policyNv(bench.tpm, session, nvIndex(area), emptyAuth, u64(0n), operation);
      await bench.esapi.call('policy_nv', { index: 'index', policy: 'policy', operand: toHex(u64(0n)), operation });
      const facts = await digests(bench, session);
      await removeCounter(bench, area);
      return facts;
    },
    refuse: {
      rc: 0x126,
      ours: async (bench) => {
        const area = await counterOnBoth(bench);
        await using session = await policyOnBoth(bench);
        await policyNv(bench.tpm, session, nvIndex(area), emptyAuth, u64(0n), TPM_EO.UNSIGNED_LE);
      },
      theirs: ({ esapi }) =>
        esapi.call('policy_nv', {
          index: 'index',
          policy: 'policy',
          operand: toHex(u64(0n)),
          operation: TPM_EO.UNSIGNED_LE,
        }),
    },
    spoils: true,
  },
  PolicyAuthValue: {
    agree: async (bench) => {
      await using session = await policyOnBoth(bench);
      await policyAuthValue(bench.tpm, session);
      await bench.esapi.call('policy_auth_value', { policy: 'policy' });
      return await digests(bench, session);
    },
    refuse: {
      rc: 0x184,
      ours: async ({ tpm }) => {
        await using session = await startAuthSession(tpm, { kind: 'hmac' });
        await policyAuthValue(tpm, session);
      },
      theirs: async ({ esapi }) => {
        await esapi.call('start_auth_session', { tag: 'hmac', kind: 'hmac' });
        await esapi.call('policy_auth_value', { policy: 'hmac' });
      },
    },
  },
  PolicyPCR: {
    agree: async (bench) => {
      await using session = await policyOnBoth(bench);
      await policyPcr(bench.tpm, session, PCRS);
      await bench.esapi.call('policy_pcr', { policy: 'policy', pcrs: toHex(encodePcrSelections(PCRS)) });
      return await digests(bench, session);
    },
    refuse: {
      rc: 0x1c4,
      ours: async (bench) => {
        await using session = await policyOnBoth(bench);
        await policyPcr(bench.tpm, session, PCRS, new Uint8Array(32).fill(1));
      },
      theirs: ({ esapi }) =>
        esapi.call('policy_pcr', {
          policy: 'policy',
          pcrs: toHex(encodePcrSelections(PCRS)),
          digest: '01'.repeat(32),
        }),
    },
  },
  PolicyNvWritten: {
    agree: async (bench) => {
      await using session = await policyOnBoth(bench);
      await policyNvWritten(bench.tpm, session, false);
      await bench.esapi.call('policy_nv_written', { policy: 'policy', written: false });
      return await digests(bench, session);
    },
    refuse: {
      rc: 0x1c4,
      ours: async (bench) => {
        await using session = await policyOnBoth(bench);
        await policyNvWritten(bench.tpm, session, false);
        await bench.esapi.call('policy_nv_written', { policy: 'policy', written: false });
        await policyNvWritten(bench.tpm, session, true);
      },
      theirs: ({ esapi }) => esapi.call('policy_nv_written', { policy: 'policy', written: true }),
    },
  },
  PolicyGetDigest: {
    agree: async (bench) => {
      await using session = await policyOnBoth(bench);
      return await digests(bench, session);
    },
    refuse: {
      rc: 0x184,
      ours: async ({ tpm }) => {
        await using session = await startAuthSession(tpm, { kind: 'hmac' });
        await policyGetDigest(tpm, session);
      },
      theirs: async ({ esapi }) => {
        await esapi.call('start_auth_session', { tag: 'hmac', kind: 'hmac' });
        await esapi.call('policy_get_digest', { policy: 'hmac' });
      },
    },
  },
} satisfies Record<string, Row>;
