/**
 * A signing request held against the policy document that it shows: who signs has read the document, so every context of
 * it is asked for, no other, and each branch is one that the document says for that context.
 */
import { isUnlockdError, UnlockdError } from '../../../drivers/base/errors.ts';
import { compileBranches, enforcedSets } from '../../policy/branches.ts';
import { parseDocument } from '../../policy/forms/native-json.ts';
import { contextsOf, type PolicyDocument, policyFor } from '../../policy/model.ts';
import { requestContext } from '../references.ts';
import type { SigningRequest } from './signing-request.ts';

const refuse = (reason: string, field: string): UnlockdError =>
  new UnlockdError('ERR_AUTHORITY_REFUSED', `the policy authority refuses to sign: ${reason}`, { detail: { field } });

function documentOf(text: string): PolicyDocument {
  try {
    return parseDocument(text);
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    throw refuse(`the policy document cannot be read: ${error.message}`, 'document');
  }
}

/** What the TPM would enforce of it where everything is enrolled. */
function meantBy(document: PolicyDocument, context: string): readonly string[] {
  const known = requestContext(context);
  if (known === null) return [];
  try {
    // Whether the TPM of the machine protects the PIN is the machine's to say: it refuses by itself where it does not.
    return enforcedSets(compileBranches(policyFor(document, known), { pinIsBound: true })).map((set) => set.join());
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    throw refuse(`${context}: ${error.message}`, 'document');
  }
}

/**
 * @param request `unlock` first, no context twice
 * @throws {ERR_AUTHORITY_REFUSED} a context is missing or not of the document, or a branch is none of its context
 */
export function requireOfDocument({ document: text, contexts }: SigningRequest): void {
  const document = documentOf(text);
  const named = contextsOf(document);
  const asked = contexts.map(({ context }) => context);
  const missing = named.find((context) => !asked.includes(context));
  if (missing !== undefined) throw refuse(`the policy document has the context ${missing} as well`, 'contexts');
  const foreign = asked.find((context) => !named.some((name) => name === context));
  if (foreign !== undefined) throw refuse(`the policy document has no context ${foreign}`, 'contexts');
  for (const { context, branches } of contexts) {
    const meant = meantBy(document, context);
    if (!branches.every((branch) => meant.includes(branch.join())))
      throw refuse(`a branch of ${context} is not one of the policy document`, 'branches');
  }
}
