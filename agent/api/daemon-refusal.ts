/**
 * What the daemon answered when it refused, on the client's side. It is no `UnlockdError`: the daemon may be newer and
 * know codes that this program does not, and its words are passed on as they are.
 */
import type { ReasonLine, Refusal } from './ports.ts';

export class DaemonRefusal extends Error {
  readonly refusal: Refusal;
  /** The reason tree of a verdict; empty where there is none. */
  readonly reasons: readonly ReasonLine[];

  constructor(refusal: Refusal, reasons: readonly ReasonLine[] = []) {
    super(refusal.message);
    this.name = 'DaemonRefusal';
    this.refusal = refusal;
    this.reasons = reasons;
  }
}
