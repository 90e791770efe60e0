/** The unlock policy of the machine as root set it, with a number that grows; containers follow at their next unlock. */
import type { StateKind } from './envelope.ts';
import { integer, record, text } from './shape.ts';

export interface MachinePolicy {
  readonly version: number;
  /** JSON. */
  readonly document: string;
}

export const POLICY_STATE: StateKind<MachinePolicy> = {
  kind: 'policy',
  version: 1,
  shape: record({ version: integer(1, 0xffffffff), document: text(65_536) }),
};
