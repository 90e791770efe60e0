/**
 * What the signer of a managed machine was last asked for, kept beside the container: asking again with nothing changed
 * gives the same request under the same number, and an answer is held against what the signer was shown.
 */

import type { CborKey, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { FACTOR_KINDS } from '../../drivers/signal.ts';
import type { StateKind } from './envelope.ts';
import { CONTAINER_ID_BYTES, FURTHER_CONTEXTS, UNLOCK_CONTEXT } from './references.ts';
import { bytes, integer, list, oneOf, record, type ShapeOf, text, withAdded } from './shape.ts';

const EPOCH = integer(0, Number.MAX_SAFE_INTEGER);

const shape = record({
  containerId: bytes({ exact: CONTAINER_ID_BYTES }),
  /** The number that it burned. */
  n: EPOCH,
  /** The highest number before that. */
  highestSigned: EPOCH,
  /** Of the epoch counter, when it was asked. */
  counterValue: EPOCH,
  /** The policy document that the signer was shown, JSON, and the branches that its contexts were compiled to. */
  document: text(65_536),
  contexts: list(
    record({
      context: oneOf(UNLOCK_CONTEXT, ...FURTHER_CONTEXTS),
      branches: list(list(oneOf(...FACTOR_KINDS), 6), 64),
    }),
    FURTHER_CONTEXTS.length + 1,
  ),
});

export type PendingRequest = ShapeOf<typeof shape>;

/** Version 1 asked for the context `unlock` alone. */
function fromVersion1(body: CborValue): CborValue {
  if (!(body instanceof Map)) return body;
  const unlock = new Map<CborKey, CborValue>([
    ['context', UNLOCK_CONTEXT],
    ['branches', body.get('branches') ?? null],
  ]);
  const rest = new Map([...body].filter(([field]) => field !== 'branches'));
  return withAdded(rest, 'request', [['contexts', [unlock]]]);
}

export const REQUEST_STATE: StateKind<PendingRequest> = {
  kind: 'request',
  version: 2,
  shape,
  upgrades: { 1: fromVersion1 },
};
