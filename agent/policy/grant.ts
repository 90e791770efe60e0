/**
 * `Grant`: the one thing that the release room takes. It can be minted only here, only from a decision that
 * `evaluate()` made and that says `granted`, once a decision; it opens once. A look-alike (same shape, JSON, prototype,
 * subclass) is refused, because what counts is a private field that nothing outside this file can set.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Branch, Strength } from './branch.ts';
import type { Decision, GrantedDecision } from './decision.ts';
import { isEvaluated } from './evaluate.ts';

/** How long a grant may be kept before it is spent, in milliseconds. */
export const GRANT_LIFETIME_MS = 30_000;

/** What the grant is for. */
export interface GrantContext {
  /** The container that may be opened, as its id in hexadecimal. */
  readonly container: string;
  /** The context of that container (`login`); each has a policy of its own. */
  readonly context: string;
}

const MINT = Symbol('mint');

export class Grant {
  readonly #decision: GrantedDecision;
  readonly #context: GrantContext;
  #spent = false;

  /** Not for callers: only this file has the key. */
  constructor(key: symbol, decision: Decision, context: GrantContext) {
    if (key !== MINT || new.target !== Grant || decision.verdict !== 'granted') throw forged();
    this.#decision = decision;
    this.#context = Object.freeze({ container: context.container, context: context.context });
    // Nothing may stand before what it says of itself.
    Object.freeze(this);
  }

  static isGrant(candidate: unknown): candidate is Grant {
    return typeof candidate === 'object' && candidate !== null && #decision in candidate;
  }

  /** What it was minted from. */
  get decision(): GrantedDecision {
    return this.#decision;
  }

  get branch(): Branch {
    return this.#decision.branch;
  }

  get strength(): Strength {
    return this.#decision.strength;
  }

  get context(): GrantContext {
    return this.#context;
  }

  /** When the decision behind it was made. */
  get issuedAt(): MonotonicMs {
    return this.#decision.at;
  }

  get spent(): boolean {
    return this.#spent;
  }

  /**
   * Uses it up, whatever becomes of the release: to be called before the first TPM command.
   * @param now given: a grant older than {@link GRANT_LIFETIME_MS} is refused, and used up all the same
   * @throws {ERR_POLICY_GRANT_SPENT} {ERR_POLICY_GRANT_EXPIRED}
   */
  spend(now?: MonotonicMs): void {
    if (this.#spent) throw new UnlockdError('ERR_POLICY_GRANT_SPENT', 'this grant was used before');
    this.#spent = true;
    if (now === undefined) return;
    const age = now - this.#decision.at;
    if (!(age >= 0 && age <= GRANT_LIFETIME_MS)) {
      throw new UnlockdError('ERR_POLICY_GRANT_EXPIRED', 'this grant is too old', { detail: { ageMs: age } });
    }
  }
}

Object.freeze(Grant.prototype);
Object.freeze(Grant);

const forged = (): UnlockdError =>
  new UnlockdError('ERR_POLICY_GRANT_FORGED', 'what was presented as a grant was not minted by the policy room');

const used = new WeakSet<Decision>();

/**
 * Mints the grant of a decision.
 * @throws {ERR_POLICY_GRANT_FORGED} when `evaluate()` did not make the decision
 * @throws {ERR_POLICY_DENIED} when it is not `granted`
 * @throws {ERR_POLICY_GRANT_SPENT} when the decision has given a grant before
 */
export function grantFor(decision: Decision, context: GrantContext): Grant {
  if (!isEvaluated(decision)) throw forged();
  if (decision.verdict !== 'granted') {
    throw new UnlockdError('ERR_POLICY_DENIED', 'the unlock policy is not satisfied');
  }
  if (used.has(decision)) throw new UnlockdError('ERR_POLICY_GRANT_SPENT', 'this decision has given its grant before');
  used.add(decision);
  return new Grant(MINT, decision, context);
}

/**
 * The check at the door of the release room.
 * @throws {ERR_POLICY_GRANT_FORGED}
 */
export function assertGrant(candidate: unknown): asserts candidate is Grant {
  if (!Grant.isGrant(candidate)) throw forged();
}
