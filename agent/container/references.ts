/**
 * The references that keep containers, contexts and factor kinds apart inside the TPM: whatever an authority or signer
 * approves carries one, so that nothing approved for one container opens another.
 */
import { utf8 } from '../../drivers/base/bytes.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import { sha256 } from '../../drivers/tpm2/index.ts';

export const CONTAINER_ID_BYTES = 16;

/** The context that every container has; each other one that has a policy of its own has a sealed object of its own. */
export const UNLOCK_CONTEXT = 'unlock';

/** Contexts that a container may have beside it. */
export const FURTHER_CONTEXTS = ['login', 'sudo', 'ssh', 'wallet'] as const;
export type FurtherContext = (typeof FURTHER_CONTEXTS)[number];

/**
 * What the authority's authValue is sealed under: the policies of all contexts at once. Under that of one of them,
 * whoever passes the weakest one could have a policy of his own approved for the strongest.
 */
export const CHANGE_CONTEXT = 'change';

/** Everything of a container that is approved by a signature of its own. */
export type SealedContext = typeof UNLOCK_CONTEXT | FurtherContext | typeof CHANGE_CONTEXT;

/** What a signing request may name: every context that a person can unlock. */
export type RequestContext = typeof UNLOCK_CONTEXT | FurtherContext;

/** The context of this name; null: there is none that a request may name. */
export const requestContext = (name: unknown): RequestContext | null =>
  ([UNLOCK_CONTEXT, ...FURTHER_CONTEXTS] as const).find((known) => known === name) ?? null;

export const isSealedContext = (context: string): context is SealedContext =>
  [UNLOCK_CONTEXT, CHANGE_CONTEXT, ...FURTHER_CONTEXTS].some((known) => known === context);

const zero = Uint8Array.of(0);

/** policyRef of the PolicyAuthorize that opens a sealed object: SHA-256("unlockd policy v1" ‖ container id ‖ context). */
export const policyReference = (containerId: Uint8Array, context: string): Uint8Array =>
  sha256(utf8('unlockd policy v1'), containerId, utf8(context));

/** policyRef of the PolicyAuthorize that moves the epoch counter. */
export const epochReference = (containerId: Uint8Array): Uint8Array => sha256(utf8('unlockd epoch v1'), containerId);

/** policyRef of the PolicySigned of an observation. */
export const assertReference = (kind: FactorKind, containerId: Uint8Array): Uint8Array =>
  sha256(utf8('unlockd assert v1'), utf8(kind), zero, containerId);
