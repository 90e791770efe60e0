/**
 * What the signer of a managed machine was last asked for, kept beside the container: asking again with nothing changed
 * gives the same request under the same number, and an answer is held against what the signer was shown.
 */
import { FACTOR_KINDS } from '../../drivers/signal.ts';
import type { StateKind } from './envelope.ts';
import { CONTAINER_ID_BYTES } from './references.ts';
import { bytes, integer, list, oneOf, record, type ShapeOf, text } from './shape.ts';

const EPOCH = integer(0, Number.MAX_SAFE_INTEGER);

const shape = record({
  containerId: bytes({ exact: CONTAINER_ID_BYTES }),
  /** The number that it burned. */
  n: EPOCH,
  /** The highest number before that. */
  highestSigned: EPOCH,
  /** Of the epoch counter, when it was asked. */
  counterValue: EPOCH,
  /** The policy document that the signer was shown, JSON, and the branches that it was compiled to. */
  document: text(65_536),
  branches: list(list(oneOf(...FACTOR_KINDS), 6), 64),
});

export type PendingRequest = ShapeOf<typeof shape>;

export const REQUEST_STATE: StateKind<PendingRequest> = { kind: 'request', version: 1, shape };
