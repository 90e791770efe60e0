/**
 * The policy authority of a managed machine is elsewhere: a signing request goes out, an approval comes back, both as
 * JSON. The signer is given structures and recompiles them by the same rules as a single box; the device takes nothing
 * from the answer but signatures, and rehearses them before it relies on them.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { fromHex, toHex } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { FACTOR_KINDS, type FactorKind } from '../../../drivers/signal.ts';
import { externalKey, nameOf, type Signature, TPM_ALG } from '../../../drivers/tpm2/index.ts';
import { bumpDigest } from '../compile/compile.ts';
import { epochReference, policyReference } from '../references.ts';
import { rememberFirst, type SignerMemory } from './signer-memory.ts';
import { checkedCounter, compileStatement, firstWriteDigest, type PolicyStatement } from './statement.ts';

const REQUEST = 'unlockd policy request';
const APPROVAL = 'unlockd policy approval';
const MAX_DOCUMENT = 131_072;
const HEADER = ['type', 'version', 'wants', 'containerId'] as const;
/** Of a P-256 signature, bytes. */
const SCALAR = 32;

export interface SigningRequest {
  readonly statement: PolicyStatement;
  /** The policy document that the branches come from, for the signer's own judgement. */
  readonly document: string;
  /** `first-write`: the counter has to be written once before a policy can be signed; the request comes twice. */
  readonly wants: 'first-write' | 'policy';
}

export interface SigningApproval {
  readonly containerId: Uint8Array;
  readonly wants: SigningRequest['wants'];
  readonly n: number | null;
  readonly signatures: readonly Signature[];
}

const badRequest = (reason: string): UnlockdError =>
  new UnlockdError('ERR_POLICY_SIGNATURE', `the document is not what was expected: ${reason}`);

export function requestToJson(request: SigningRequest): Readonly<Record<string, unknown>> {
  const { statement } = request;
  const { closing } = statement;
  return {
    type: REQUEST,
    version: 1,
    wants: request.wants,
    document: request.document,
    containerId: toHex(statement.containerId),
    context: statement.context,
    factors: statement.factors.map(({ factor, check, publicArea }) => ({
      factor,
      check,
      publicArea: toHex(publicArea),
    })),
    branches: statement.branches,
    closing: closing && { counter: toHex(closing.counter), counterValue: closing.counterValue, n: closing.n },
    highestSigned: statement.highestSigned,
  };
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(text: string, type: string): Json {
  if (text.length > MAX_DOCUMENT) throw badRequest('it is too long');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest('it is not JSON');
  }
  if (!isObject(value) || value.type !== type || value.version !== 1)
    throw badRequest(`it is not an ${type}, version 1`);
  return value;
}

/** What is not understood is refused, not passed over: a signer must not approve less than it was shown. */
function onlyFields(json: Json, ...fields: readonly string[]): void {
  const extra = Object.keys(json).find((field) => !fields.includes(field));
  if (extra !== undefined) throw badRequest(`an unknown field ${extra.slice(0, 32)}`);
}

function hexOf(value: unknown, field: string): Uint8Array {
  if (typeof value !== 'string' || value.length > 4096 || !/^([0-9a-f]{2})+$/.test(value))
    throw badRequest(`${field} is not hexadecimal`);
  return fromHex(value);
}

function numberOf(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw badRequest(`${field} is not a number`);
  return value;
}

function factorOf(value: unknown): FactorKind {
  const found = FACTOR_KINDS.find((kind) => kind === value);
  if (found === undefined) throw badRequest('an unknown factor');
  return found;
}

function listOf<T>(value: unknown, max: number, field: string, item: (entry: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > max) throw badRequest(`${field} is not a list of at most ${max}`);
  return value.map(item);
}

/** @throws {ERR_POLICY_SIGNATURE} naming what is wrong with the document */
export function parseRequest(text: string): SigningRequest {
  const json = parse(text, REQUEST);
  onlyFields(json, ...HEADER, 'document', 'context', 'factors', 'branches', 'closing', 'highestSigned');
  const { wants, document, context, closing } = json;
  if (wants !== 'first-write' && wants !== 'policy') throw badRequest('wants');
  if (typeof document !== 'string' || typeof context !== 'string') throw badRequest('document or context');
  const factors = listOf(json.factors, 8, 'factors', (entry) => {
    if (!isObject(entry) || (entry.check !== 'secret' && entry.check !== 'signed')) throw badRequest('factors');
    onlyFields(entry, 'factor', 'check', 'publicArea');
    const check: 'secret' | 'signed' = entry.check;
    return { factor: factorOf(entry.factor), check, publicArea: hexOf(entry.publicArea, 'publicArea') };
  });
  if (isObject(closing)) onlyFields(closing, 'counter', 'counterValue', 'n');
  return {
    wants,
    document,
    statement: {
      containerId: hexOf(json.containerId, 'containerId'),
      context,
      factors,
      branches: listOf(json.branches, 64, 'branches', (branch) => listOf(branch, 8, 'branch', factorOf)),
      closing: isObject(closing)
        ? {
            counter: hexOf(closing.counter, 'counter'),
            counterValue: closing.counterValue === null ? null : numberOf(closing.counterValue, 'counterValue'),
            n: numberOf(closing.n, 'n'),
          }
        : null,
      highestSigned: numberOf(json.highestSigned, 'highestSigned'),
    },
  };
}

function signDigest(key: KeyObject, approved: Uint8Array, policyRef: Uint8Array): { r: string; s: string } {
  // ECDSA over SHA-256(approvedPolicy ‖ policyRef): the hash that TPM2_VerifySignature is given.
  const message = Buffer.concat([approved, policyRef]);
  const raw = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
  return { r: raw.subarray(0, 32).toString('hex'), s: raw.subarray(32).toString('hex') };
}

/**
 * Whether an approved policy is signed by the authority: what TPM2_VerifySignature will say, known before anybody is
 * asked for a factor.
 */
export function isApprovedBy(
  authority: { readonly x: Uint8Array; readonly y: Uint8Array },
  approved: Uint8Array,
  policyRef: Uint8Array,
  signature: { readonly r: Uint8Array; readonly s: Uint8Array },
): boolean {
  if (signature.r.length > SCALAR || signature.s.length > SCALAR) return false;
  const raw = Buffer.alloc(2 * SCALAR);
  raw.set(signature.r, SCALAR - signature.r.length);
  raw.set(signature.s, 2 * SCALAR - signature.s.length);
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  try {
    const jwk = { kty: 'EC', crv: 'P-256', x: base64url(authority.x), y: base64url(authority.y) };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return verify('sha256', Buffer.concat([approved, policyRef]), { key, dsaEncoding: 'ieee-p1363' }, raw);
  } catch {
    // Coordinates that are no point of the curve: nothing is signed by such a key.
    return false;
  }
}

/** The public coordinates of a P-256 key in PEM. @throws {ERR_POLICY_SIGNATURE} not a P-256 key */
export function authorityCoordinates(pem: string): { readonly x: Uint8Array; readonly y: Uint8Array } {
  let jwk: ReturnType<KeyObject['export']>;
  try {
    jwk = createPublicKey(pem).export({ format: 'jwk' });
  } catch {
    throw badRequest('the authority key is not a public key in PEM');
  }
  if (jwk.crv !== 'P-256' || jwk.x === undefined || jwk.y === undefined)
    throw badRequest('the authority key is not on P-256');
  return { x: new Uint8Array(Buffer.from(jwk.x, 'base64url')), y: new Uint8Array(Buffer.from(jwk.y, 'base64url')) };
}

const refuse = (reason: string): UnlockdError =>
  new UnlockdError('ERR_AUTHORITY_REFUSED', `the policy authority refuses to sign: ${reason}`, {
    detail: { field: 'closing' },
  });
const noCounter = (): UnlockdError => refuse('there is no counter that the policy could end in');
const writtenAlready = (): UnlockdError => refuse('the counter has been written already');

/**
 * The signer's side: recompiles, refuses, remembers, signs.
 * @param privatePem a P-256 private key, PEM
 * @param memory of what this key has signed before; it is written before anything is signed
 * @returns the approval as JSON text
 * @throws {ERR_AUTHORITY_REFUSED | ERR_POLICY_SIGNATURE}
 */
export async function approveRequest(text: string, privatePem: string, memory: SignerMemory): Promise<string> {
  const { statement, wants } = parseRequest(text);
  const { x, y } = authorityCoordinates(privatePem);
  const key = createPrivateKey(privatePem);
  const authorityName = nameOf(externalKey(x, y));
  const { containerId, closing } = statement;
  const answer = { type: APPROVAL, version: 1, wants, containerId: toHex(containerId) };
  if (wants === 'first-write') {
    if (closing === null) throw noCounter();
    if (closing.counterValue !== null) throw writtenAlready();
    checkedCounter(closing.counter, containerId, authorityName);
    const signatures = [signDigest(key, firstWriteDigest(), epochReference(containerId))];
    return JSON.stringify({ ...answer, n: null, signatures });
  }
  const { compiled, hashes } = compileStatement(statement, authorityName);
  const counterName = checkedCounter(closing?.counter ?? new Uint8Array(0), containerId, authorityName);
  const policyRef = policyReference(containerId, statement.context);
  await rememberFirst(memory, containerId, policyRef, { n: compiled.n, hash: hashes.policy });
  const signatures = [
    signDigest(key, compiled.digest, policyRef),
    signDigest(key, bumpDigest(counterName, compiled.n), epochReference(containerId)),
  ];
  return JSON.stringify({ ...answer, n: compiled.n, signatures });
}

/** @throws {ERR_POLICY_SIGNATURE} */
export function parseApproval(text: string): SigningApproval {
  const json = parse(text, APPROVAL);
  onlyFields(json, ...HEADER, 'n', 'signatures');
  const { wants } = json;
  if (wants !== 'first-write' && wants !== 'policy') throw badRequest('wants');
  const signatures = listOf(json.signatures, 2, 'signatures', (entry): Signature => {
    if (!isObject(entry)) throw badRequest('signatures');
    onlyFields(entry, 'r', 's');
    return { scheme: 'ecdsa', hash: TPM_ALG.SHA256, r: hexOf(entry.r, 'r'), s: hexOf(entry.s, 's') };
  });
  if (signatures.length !== (wants === 'policy' ? 2 : 1)) throw badRequest('the number of signatures');
  return {
    containerId: hexOf(json.containerId, 'containerId'),
    wants,
    n: json.n === null ? null : numberOf(json.n, 'n'),
    signatures,
  };
}
