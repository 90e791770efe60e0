/**
 * The answer of a policy authority elsewhere, on both sides: the signer recompiles, refuses, remembers and signs every
 * context of a request or none; the device takes nothing from the answer but signatures, and rehearses them before it
 * relies on them.
 */
import { createPrivateKey } from 'node:crypto';
import { toHex } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { externalKey, nameOf, type Signature, TPM_ALG } from '../../../drivers/tpm2/index.ts';
import { bumpDigest } from '../compile/compile.ts';
import {
  epochReference,
  FURTHER_CONTEXTS,
  policyReference,
  type RequestContext,
  requestContext,
} from '../references.ts';
import { authorityCoordinates, signDigest } from './authority-key.ts';
import { requireOfDocument } from './request-document.ts';
import { rememberAll, type SignerMemory } from './signer-memory.ts';
import {
  badRequest,
  HEADER,
  hexOf,
  type Json,
  listOf,
  numberOf,
  objectOf,
  onlyFields,
  parseSigningJson,
  SIGNING_VERSION,
  type Wants,
  wantsOf,
} from './signing-json.ts';
import { parseRequest, type SigningRequest, statementsOf } from './signing-request.ts';
import { checkedCounter, compileStatement, firstWriteDigest } from './statement.ts';

const APPROVAL = 'unlockd policy approval';

export interface SigningApproval {
  readonly containerId: Uint8Array;
  readonly wants: Wants;
  /** Null: the first write of the counter, which has none. */
  readonly n: number | null;
  /** For the counter: its first write, or its move up to `n`. */
  readonly counter: Signature;
  /** Of the policy of each context; empty for a first write. */
  readonly policies: ReadonlyMap<RequestContext, Signature>;
}

const refuse = (reason: string, field: string): UnlockdError =>
  new UnlockdError('ERR_AUTHORITY_REFUSED', `the policy authority refuses to sign: ${reason}`, { detail: { field } });

/** The contexts, each once, `unlock` first: by its reference the signer's memory bounds every number of the container. */
function checkedContexts({ contexts }: SigningRequest): void {
  const names = contexts.map(({ context }) => context);
  if (names[0] !== 'unlock') throw refuse('the first context is not unlock', 'contexts');
  if (new Set(names).size !== names.length) throw refuse('a context is there twice', 'contexts');
  const unknown = names.find((name) => requestContext(name) === null);
  if (unknown !== undefined) throw refuse(`unknown context ${unknown.slice(0, 32)}`, 'contexts');
}

/**
 * The signer's side: recompiles, refuses, remembers, signs.
 * @param privatePem a P-256 private key, PEM
 * @param memory of what this key has signed before; it is written before anything is signed
 * @returns the approval as JSON text
 * @throws {ERR_AUTHORITY_REFUSED | ERR_POLICY_SIGNATURE} nothing is signed
 */
export async function approveRequest(text: string, privatePem: string, memory: SignerMemory): Promise<string> {
  const request = parseRequest(text);
  const { x, y } = authorityCoordinates(privatePem);
  const key = createPrivateKey(privatePem);
  const authorityName = nameOf(externalKey(x, y));
  const { containerId, closing } = request.statement;
  const answer = { type: APPROVAL, version: SIGNING_VERSION, wants: request.wants, containerId: toHex(containerId) };
  if (closing === null) throw refuse('there is no counter that the policy could end in', 'closing');
  const counterName = checkedCounter(closing.counter, containerId, authorityName);
  const epoch = epochReference(containerId);
  if (request.wants === 'first-write') {
    if (closing.counterValue !== null) throw refuse('the counter has been written already', 'closing');
    return JSON.stringify({ ...answer, n: null, counter: signDigest(key, firstWriteDigest(), epoch), policies: [] });
  }
  checkedContexts(request);
  const approved = statementsOf(request).map((statement) => {
    const { compiled, hashes } = compileStatement(statement, authorityName);
    const policyRef = policyReference(containerId, statement.context);
    return { context: statement.context, digest: compiled.digest, policyRef, hash: hashes.policy };
  });
  requireOfDocument(request);
  const { n } = closing;
  await rememberAll(
    memory,
    containerId,
    approved.map(({ policyRef, hash }) => ({ policyRef, signed: { n, hash } })),
  );
  return JSON.stringify({
    ...answer,
    n,
    counter: signDigest(key, bumpDigest(counterName, n), epoch),
    policies: approved.map(({ context, digest, policyRef }) => ({ context, ...signDigest(key, digest, policyRef) })),
  });
}

const signatureOf = ({ r, s }: Json): Signature => ({
  scheme: 'ecdsa',
  hash: TPM_ALG.SHA256,
  r: hexOf(r, 'r'),
  s: hexOf(s, 's'),
});

function policySignature(value: unknown): [RequestContext, Signature] {
  const json = objectOf(value, 'policies', 'context', 'r', 's');
  const context = requestContext(json.context);
  if (context === null) throw badRequest('an unknown context');
  return [context, signatureOf(json)];
}

/** @throws {ERR_POLICY_SIGNATURE} */
export function parseApproval(text: string): SigningApproval {
  const json = parseSigningJson(text, APPROVAL);
  onlyFields(json, ...HEADER, 'n', 'counter', 'policies');
  const wants = wantsOf(json.wants);
  const listed = listOf(json.policies, FURTHER_CONTEXTS.length + 1, 'policies', policySignature);
  const policies = new Map(listed);
  if (policies.size !== listed.length) throw badRequest('a context is there twice');
  if ((wants === 'policy') !== policies.has('unlock')) throw badRequest('policies');
  return {
    containerId: hexOf(json.containerId, 'containerId'),
    wants,
    n: json.n === null ? null : numberOf(json.n, 'n'),
    counter: signatureOf(objectOf(json.counter, 'counter', 'r', 's')),
    policies,
  };
}
