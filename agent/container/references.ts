/**
 * The references that keep containers, contexts and factor kinds apart inside the TPM: whatever an authority or signer
 * approves carries one, so that nothing approved for one container opens another.
 */
import { utf8 } from '../../drivers/base/bytes.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import { sha256 } from '../../drivers/tpm2/index.ts';

export const CONTAINER_ID_BYTES = 16;

/** The context of this version: each context that has a policy of its own has a sealed object of its own. */
export const UNLOCK_CONTEXT = 'unlock';

const zero = Uint8Array.of(0);

/** policyRef of the PolicyAuthorize that opens a sealed object: SHA-256("unlockd policy v1" ‖ container id ‖ context). */
export const policyReference = (containerId: Uint8Array, context: string): Uint8Array =>
  sha256(utf8('unlockd policy v1'), containerId, utf8(context));

/** policyRef of the PolicyAuthorize that moves the epoch counter. */
export const epochReference = (containerId: Uint8Array): Uint8Array => sha256(utf8('unlockd epoch v1'), containerId);

/** policyRef of the PolicySigned of an observation. */
export const assertReference = (kind: FactorKind, containerId: Uint8Array): Uint8Array =>
  sha256(utf8('unlockd assert v1'), utf8(kind), zero, containerId);
