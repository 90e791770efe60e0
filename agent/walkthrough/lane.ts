/**
 * What a lane hands to the runner: who does the physical things (the operator seam of drivers/hal), whom the ceremonies
 * are asked of (the daemon's API), and what starts and stops it. What a lane cannot do is a value that says why.
 */
import type { OperatorHal } from '../../drivers/hal/operator.ts';
import type { ApiClient } from '../api/client.ts';

export type Subject = Pick<ApiClient, 'start' | 'supply' | 'take' | 'cancel' | 'status' | 'lock'>;

export interface Lane {
  /** `mock`, `emulator`, … */
  readonly name: string;
  readonly operator: OperatorHal;
  readonly subject: Subject;
  /** @returns null when it is done, or why it cannot be done on this lane */
  daemon(what: 'kill' | 'start' | 'restart', options: { signal: AbortSignal }): Promise<string | null>;
}
