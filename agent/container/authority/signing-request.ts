/**
 * The policy authority of a managed machine is elsewhere: a signing request goes out, an approval comes back, both as
 * JSON. A request carries every context of the policy document, all under one number; the signer is given structures and
 * recompiles them by the same rules as a single box.
 */
import { toHex } from '../../../drivers/base/bytes.ts';
import { FURTHER_CONTEXTS } from '../references.ts';
import {
  badRequest,
  factorOf,
  HEADER,
  hexOf,
  isObject,
  listOf,
  numberOf,
  objectOf,
  onlyFields,
  parseSigningJson,
  SIGNING_VERSION,
  textOf,
  type Wants,
  wantsOf,
} from './signing-json.ts';
import type { PolicyStatement } from './statement.ts';

const REQUEST = 'unlockd policy request';
const MAX_CONTEXTS = FURTHER_CONTEXTS.length + 1;

/** One context of the request: what the TPM is to enforce for it. */
export type RequestedContext = Pick<PolicyStatement, 'context' | 'branches'>;

export interface SigningRequest {
  /** What all contexts share. */
  readonly statement: Omit<PolicyStatement, 'context' | 'branches'>;
  /** `unlock` first, none twice. */
  readonly contexts: readonly RequestedContext[];
  /** The policy document that the branches come from, for the signer's own judgement. */
  readonly document: string;
  /** `first-write`: the counter has to be written once before a policy can be signed; the request comes twice. */
  readonly wants: Wants;
}

/** What is to be signed for each context. */
export const statementsOf = ({ statement, contexts }: Pick<SigningRequest, 'statement' | 'contexts'>) =>
  contexts.map((context): PolicyStatement => ({ ...statement, ...context }));

export function requestToJson(request: SigningRequest): Readonly<Record<string, unknown>> {
  const { statement } = request;
  const { closing } = statement;
  return {
    type: REQUEST,
    version: SIGNING_VERSION,
    wants: request.wants,
    document: request.document,
    containerId: toHex(statement.containerId),
    factors: statement.factors.map(({ factor, check, publicArea }) => ({
      factor,
      check,
      publicArea: toHex(publicArea),
    })),
    contexts: request.contexts,
    closing: closing && { counter: toHex(closing.counter), counterValue: closing.counterValue, n: closing.n },
    highestSigned: statement.highestSigned,
  };
}

function factorClaim(value: unknown): PolicyStatement['factors'][number] {
  const { factor, check, publicArea } = objectOf(value, 'factors', 'factor', 'check', 'publicArea');
  if (check !== 'secret' && check !== 'signed') throw badRequest('factors');
  return { factor: factorOf(factor), check, publicArea: hexOf(publicArea, 'publicArea') };
}

function requestedContext(value: unknown): RequestedContext {
  const { context, branches } = objectOf(value, 'contexts', 'context', 'branches');
  return {
    context: textOf(context, 'context'),
    branches: listOf(branches, 64, 'branches', (branch) => listOf(branch, 8, 'branch', factorOf)),
  };
}

function closingOf(closing: unknown): PolicyStatement['closing'] {
  if (!isObject(closing)) return null;
  onlyFields(closing, 'counter', 'counterValue', 'n');
  return {
    counter: hexOf(closing.counter, 'counter'),
    counterValue: closing.counterValue === null ? null : numberOf(closing.counterValue, 'counterValue'),
    n: numberOf(closing.n, 'n'),
  };
}

/** @throws {ERR_POLICY_SIGNATURE} naming what is wrong with the document */
export function parseRequest(text: string): SigningRequest {
  const json = parseSigningJson(text, REQUEST);
  onlyFields(json, ...HEADER, 'document', 'factors', 'contexts', 'closing', 'highestSigned');
  return {
    wants: wantsOf(json.wants),
    document: textOf(json.document, 'document'),
    contexts: listOf(json.contexts, MAX_CONTEXTS, 'contexts', requestedContext),
    statement: {
      containerId: hexOf(json.containerId, 'containerId'),
      factors: listOf(json.factors, 8, 'factors', factorClaim),
      closing: closingOf(json.closing),
      highestSigned: numberOf(json.highestSigned, 'highestSigned'),
    },
  };
}
