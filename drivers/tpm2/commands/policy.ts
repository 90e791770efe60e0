/**
 * What a policy session is told: Part 3 §23. Each command changes the session's policyDigest as `policy-digest.ts`
 * computes it in software.
 */
import { concat, u16, u32 } from '../../base/bytes.ts';
import type { Authorization, SessionUse } from '../authorization.ts';
import type { LoadedObject } from '../loaded-object.ts';
import type { Session } from '../session.ts';
import type { Tpm } from '../tpm.ts';
import { reader, readTpm2b, tpm2b } from '../wire/marshal.ts';
import { encodePcrSelections, type PcrSelection } from '../wire/pcr.ts';
import { nameOfHandle } from '../wire/public-area.ts';
import { encodeSignature, encodeTicket, readTicket, type Signature, type Ticket } from '../wire/signature.ts';
import type { NvIndex } from './nv.ts';

const NOTHING = new Uint8Array(0);

/** A policy session is public: commands on it name it by its handle. */
const policySession = (session: Session) => ({ handle: session.handle, name: nameOfHandle(session.handle) });

export interface PolicyAssertion {
  /** Ties the assertion to this session. Always given in the product: without it the assertion fits any session. */
  readonly nonceTPM?: Uint8Array;
  /** Ties the assertion to one command with its handles and parameters. */
  readonly cpHashA?: Uint8Array;
  readonly policyRef?: Uint8Array;
  /** Seconds; 0: none. A negative one asks for a ticket that outlives the session; the product never does. */
  readonly expiration?: number;
}

/** The answer of PolicySecret and PolicySigned: a ticket only for negative expirations. */
export interface AssertionResult {
  readonly timeout: Uint8Array;
  readonly ticket: Ticket;
}

function readAssertion(parameters: Uint8Array): AssertionResult {
  const from = reader(parameters);
  const timeout = readTpm2b(from, 'timeout', 64);
  const ticket = readTicket(from);
  from.end('policy assertion');
  return { timeout, ticket };
}

const encodeAssertion = (assertion: PolicyAssertion): Uint8Array =>
  concat(
    tpm2b(assertion.nonceTPM ?? NOTHING),
    tpm2b(assertion.cpHashA ?? NOTHING),
    tpm2b(assertion.policyRef ?? NOTHING),
    u32((assertion.expiration ?? 0) >>> 0),
  );

/** TPM2_PolicySecret (§23.4): the caller knows the authValue of `entity`. @throws {ERR_TPM_AUTH_FAILED | ERR_TPM_LOCKED_OUT} */
export async function policySecret(
  tpm: Tpm,
  session: Session,
  entity: LoadedObject,
  auth: Authorization,
  assertion: PolicyAssertion = {},
): Promise<AssertionResult> {
  const response = await tpm.execute({
    command: 'PolicySecret',
    handles: [entity.use(auth), policySession(session)],
    parameters: encodeAssertion(assertion),
  });
  return readAssertion(response.parameters);
}

/** TPM2_PolicySigned (§23.3): `key` has signed nonceTPM ‖ expiration ‖ cpHashA ‖ policyRef. */
export async function policySigned(
  tpm: Tpm,
  session: Session,
  key: LoadedObject,
  signature: Signature,
  assertion: PolicyAssertion = {},
): Promise<AssertionResult> {
  const response = await tpm.execute({
    command: 'PolicySigned',
    handles: [key.use(), policySession(session)],
    parameters: concat(encodeAssertion(assertion), encodeSignature(signature)),
  });
  return readAssertion(response.parameters);
}

/** TPM2_PolicyOR (§23.6): two to eight digests, one of which the session has. @throws {ERR_TPM_RESPONSE} 0x1C4: it has none */
export async function policyOr(tpm: Tpm, session: Session, digests: readonly Uint8Array[]): Promise<void> {
  await tpm.execute({
    command: 'PolicyOR',
    handles: [policySession(session)],
    parameters: concat(u32(digests.length), ...digests.map(tpm2b)),
  });
}

/** TPM2_PolicyAuthorize (§23.16): `keyName` has approved the session's digest for `policyRef`, as the ticket proves. */
export async function policyAuthorize(
  tpm: Tpm,
  session: Session,
  approvedPolicy: Uint8Array,
  policyRef: Uint8Array,
  keyName: Uint8Array,
  ticket: Ticket,
): Promise<void> {
  await tpm.execute({
    command: 'PolicyAuthorize',
    handles: [policySession(session)],
    parameters: concat(tpm2b(approvedPolicy), tpm2b(policyRef), tpm2b(keyName), encodeTicket(ticket)),
  });
}

/** TPM2_PolicyNV (§23.9): the content of `index` compares with `operand` as `operation` (TPM_EO) says. 0x126: it does not. */
export async function policyNv(
  tpm: Tpm,
  session: Session,
  index: NvIndex,
  auth: Authorization,
  operand: Uint8Array,
  operation: number,
  offset = 0,
): Promise<void> {
  await tpm.execute({
    command: 'PolicyNV',
    handles: [{ ...index, auth }, index, policySession(session)],
    parameters: concat(tpm2b(operand), u16(offset), u16(operation)),
  });
}

/** TPM2_PolicyAuthValue (§23.17): the authorised command has to prove the object's authValue as well. */
export async function policyAuthValue(tpm: Tpm, session: Session): Promise<void> {
  await tpm.execute({ command: 'PolicyAuthValue', handles: [policySession(session)] });
  session.needsAuthValue = true;
}

/** TPM2_PolicyPCR (§23.7) with the digest that is expected, or an empty one for "as they are now". */
export async function policyPcr(
  tpm: Tpm,
  session: Session,
  pcrs: readonly PcrSelection[],
  expectedDigest: Uint8Array = NOTHING,
): Promise<void> {
  await tpm.execute({
    command: 'PolicyPCR',
    handles: [policySession(session)],
    parameters: concat(tpm2b(expectedDigest), encodePcrSelections(pcrs)),
  });
}

/** TPM2_PolicyNvWritten (§23.20): the index of the authorised command has, or has not, been written. */
export async function policyNvWritten(tpm: Tpm, session: Session, written: boolean): Promise<void> {
  await tpm.execute({
    command: 'PolicyNvWritten',
    handles: [policySession(session)],
    parameters: Uint8Array.of(written ? 1 : 0),
  });
}

/** TPM2_PolicyGetDigest (§23.19). */
export async function policyGetDigest(
  tpm: Tpm,
  session: Session,
  sessions: readonly SessionUse[] = [],
): Promise<Uint8Array> {
  const response = await tpm.execute({ command: 'PolicyGetDigest', handles: [policySession(session)], sessions });
  return readTpm2b(reader(response.parameters), 'policyDigest', 64);
}
