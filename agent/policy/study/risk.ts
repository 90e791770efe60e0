/**
 * Who is locked out when something goes: for each single loss, the users who have a way in today and none without it, and so
 * need the recovery sheet. Only the policy and what users have enrolled are looked at; that a signal is there today is
 * taken for granted.
 */
import type { GestureKind } from '../../../drivers/signal.ts';
import type { Branch } from '../branch.ts';
import { type BranchOptions, branchesOf } from '../branches.ts';
import { type ContextName, contextsOf, type PolicyDocument, policyFor } from '../model.ts';
import { rulesNeverTrue } from './lint/rules.ts';
import { type Loss, lossesOf } from './loss.ts';

/** What somebody has enrolled. */
export interface UserFacts {
  readonly user: string;
  readonly gestures: readonly GestureKind[];
  /** Security keys, each of which is enough; 0 without `securityKey` among the gestures. */
  readonly keys: number;
  /** Phones enrolled for the user, or that count for everybody. */
  readonly phones: number;
}

export interface RiskLine {
  readonly context: ContextName;
  readonly loss: string;
  /** For programs. */
  readonly key: string;
  /** Where it stands in the document. */
  readonly elements: readonly string[];
  /** Who needs the recovery sheet then. */
  readonly users: readonly string[];
}

export interface RiskReport {
  readonly lines: readonly RiskLine[];
  /** Users who have no way in even now. */
  readonly without: readonly { readonly context: ContextName; readonly users: readonly string[] }[];
}

const NOTHING_LOST: Loss = { key: '', what: '', elements: [], rules: new Set(), gesture: null, one: false };

function has(user: UserFacts, gesture: GestureKind, loss: Loss): boolean {
  if (!user.gestures.includes(gesture)) return false;
  if (loss.gesture !== gesture) return true;
  return loss.one && user.keys > 1;
}

/** Whether the user can open by the branch at all, on some day on which nothing but `loss` is missing. */
function canUse(user: UserFacts, { factors, rules }: Branch, loss: Loss, never: ReadonlySet<string>): boolean {
  return factors.every((factor) => {
    if (factor !== 'phone' && factor !== 'network') return has(user, factor, loss);
    if (factor === 'phone' && user.phones === 0) return false;
    return rules.some((name) => !never.has(name) && !loss.rules.has(name));
  });
}

/** The ways in of one context. */
export class WaysIn {
  readonly #branches: readonly Branch[];
  readonly #never: ReadonlySet<string>;

  constructor(document: PolicyDocument, context: ContextName, options: BranchOptions) {
    const policy = policyFor(document, context);
    this.#branches = branchesOf(policy, options).filter(
      ({ strength }) => strength !== 'asserted' || policy.acceptAsserted,
    );
    this.#never = rulesNeverTrue(document);
  }

  isOpenFor(user: UserFacts, loss: Loss = NOTHING_LOST): boolean {
    return this.#branches.some((branch) => canUse(user, branch, loss, this.#never));
  }
}

/** @param users what each has enrolled */
export function riskOf(document: PolicyDocument, users: readonly UserFacts[], options: BranchOptions): RiskReport {
  const lines: RiskLine[] = [];
  const without: { context: ContextName; users: readonly string[] }[] = [];
  const losses = lossesOf(document);
  for (const context of contextsOf(document)) {
    const ways = new WaysIn(document, context, options);
    const inside = users.filter((user) => ways.isOpenFor(user));
    if (inside.length < users.length) {
      without.push({ context, users: users.filter((user) => !inside.includes(user)).map(({ user }) => user) });
    }
    for (const loss of losses) {
      const out = inside.filter((user) => !ways.isOpenFor(user, loss));
      if (out.length === 0) continue;
      const { key, what, elements } = loss;
      lines.push({ context, loss: what, key, elements, users: out.map(({ user }) => user) });
    }
  }
  return { lines, without };
}

/** Users that are named in one line. */
const NAMED = 5;

function listOf(users: readonly string[]): string {
  const last = users.length > NAMED ? `${users.length - NAMED} more` : users.at(-1);
  const before = users.length > NAMED ? users.slice(0, NAMED) : users.slice(0, -1);
  return before.length === 0 ? `${last}` : `${before.join(', ')} and ${last}`;
}

/** The report for people, what locks out the most first. */
export function riskWords({ lines, without }: RiskReport): readonly string[] {
  const out = without.map(
    ({ context, users }) => `${context}: ${listOf(users)} cannot unlock at all with what is enrolled`,
  );
  for (const { context, loss, users, elements } of lines.toSorted((a, b) => b.users.length - a.users.length)) {
    const where = elements.length === 0 ? '' : ` (${elements.join(', ')})`;
    const verb = users.length === 1 ? 'needs' : 'need';
    out.push(`${context}: if ${loss}${where}, ${listOf(users)} ${verb} the recovery sheet`);
  }
  return out.length === 0 ? ['No single loss locks anybody out.'] : out;
}

/**
 * People as they may be where nobody says who is enrolled: one for each set of gestures that a way in takes, with nothing
 * beyond it, and a phone.
 */
export function typicalUsers(document: PolicyDocument, options: BranchOptions): readonly UserFacts[] {
  const sets = new Map<string, readonly GestureKind[]>();
  for (const context of contextsOf(document)) {
    for (const { factors } of branchesOf(policyFor(document, context), options)) {
      const gestures = factors.filter((factor): factor is GestureKind => factor !== 'phone' && factor !== 'network');
      sets.set(gestures.join(), gestures);
    }
  }
  return [...sets.values()].map((gestures) => ({
    user:
      gestures.length === 0
        ? 'somebody with a phone only'
        : `somebody with ${gestures.map(wordsOf).join(' and ')} only`,
    gestures,
    keys: gestures.includes('securityKey') ? 1 : 0,
    phones: 1,
  }));
}

const WORDS: Readonly<Record<GestureKind, string>> = {
  pin: 'a PIN',
  securityKey: 'a security key',
  fingerprint: 'a fingerprint',
  face: 'a face',
};
const wordsOf = (gesture: GestureKind): string => WORDS[gesture];
