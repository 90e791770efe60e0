/**
 * The evaluator for whoever decides again and again: it holds a policy and the signals, and a signal that changes is
 * looked at by the rules that mention its kind and that could hold with it, the others keep what they were worth. Its
 * decisions are those of `evaluate()` on the same signals at the same time, made by the same `decide()`.
 */
import { type MonotonicMs, monotonicMs } from '../../drivers/base/brand.ts';
import { type FactorSignal, SIGNAL_KINDS, type SignalKind, type SurroundingKind } from '../../drivers/signal.ts';
import type { Decision } from './decision.ts';
import { decide, type EvaluateOptions, type GroupJudge } from './evaluate.ts';
import { allowedMsOf, findingOf, isWellFormed } from './finding.ts';
import type { UnlockPolicy } from './model.ts';
import { type PreparedPolicy, prepare, type RuleGroup } from './prepare.ts';
import type { PreparedRule } from './prepared-rule.ts';
import { RuleIndex } from './rule-index.ts';
import { situationFor } from './situation.ts';
import { HeldSnapshot, type SignalSource } from './snapshot.ts';
import { Surroundings, type Views } from './surroundings.ts';
import type { LocalTime } from './time-window.ts';

/** How a rule stands: it holds when every kind that it mentions counts and is as it asks. */
interface Standing {
  readonly kinds: number;
  met: number;
  readonly groups: { holding: number }[];
}

/** One kind of surroundings. */
interface Kind {
  readonly kind: SurroundingKind;
  readonly index: RuleIndex;
  /** Rules of which every condition of this kind is as they ask. */
  matched: ReadonlySet<PreparedRule>;
  /** Whether the signal counted when it was last decided. */
  counts: boolean;
}

export class IncrementalEvaluator {
  readonly #prepared: PreparedPolicy;
  readonly #options: Omit<EvaluateOptions, 'localTime'>;
  readonly #signals: Record<SignalKind, FactorSignal | undefined> = {
    pin: undefined,
    securityKey: undefined,
    fingerprint: undefined,
    face: undefined,
    bluetooth: undefined,
    ipConfig: undefined,
    wifi: undefined,
  };
  readonly #standings = new Map<PreparedRule, Standing>();
  readonly #groups = new Map<RuleGroup, { holding: number }>();
  readonly #kinds: readonly Kind[];
  readonly #groupHolds: GroupJudge = (group) => (this.#groups.get(group)?.holding ?? 0) > 0;
  #held: HeldSnapshot | undefined;
  #judged = 0;

  /** @param signals as they are now */
  constructor(policy: UnlockPolicy, options: Omit<EvaluateOptions, 'localTime'>, signals?: SignalSource) {
    this.#prepared = prepare(policy);
    this.#options = options;
    for (const group of new Set(this.#prepared.branches(options).map((branch) => branch.group))) this.#enter(group);
    const rules = [...this.#standings.keys()];
    this.#kinds = (['bluetooth', 'ipConfig', 'wifi'] as const).flatMap((kind) => {
      const mentioning = rules.filter(({ conditions }) => conditions.some(({ type }) => type === kind));
      if (mentioning.length === 0) return [];
      const index = new RuleIndex(mentioning, policy.matching, kind);
      return [{ kind, index, matched: new Set<PreparedRule>(), counts: false }];
    });
    for (const kind of SIGNAL_KINDS) this.set(kind, signals?.get(kind));
  }

  /** How many times a rule was held against an observation so far. */
  get judged(): number {
    return this.#judged;
  }

  #enter(group: RuleGroup): void {
    const state = { holding: 0 };
    this.#groups.set(group, state);
    for (const rule of group.rules) {
      const kinds = new Set(rule.conditions.map(({ type }) => type)).size;
      const standing = this.#standings.get(rule) ?? { kinds, met: 0, groups: [] };
      standing.groups.push(state);
      this.#standings.set(rule, standing);
    }
  }

  #move(rule: PreparedRule, by: 1 | -1): void {
    const standing = this.#standings.get(rule);
    if (standing === undefined) return;
    const held = standing.met === standing.kinds;
    standing.met += by;
    const holds = standing.met === standing.kinds;
    if (held !== holds) for (const group of standing.groups) group.holding += by;
  }

  /**
   * The freshest signal of a kind from now on.
   * @param signal undefined: there is none any more
   */
  set(kind: SignalKind, signal: FactorSignal | undefined): void {
    this.#held = undefined;
    this.#signals[kind] = signal;
    const state = this.#kinds.find((each) => each.kind === kind);
    if (state !== undefined) this.#rejudge(state);
  }

  #rejudge(state: Kind): void {
    const { matching } = this.#prepared.policy;
    const views = new Surroundings(new HeldSnapshot(this.#signals), { matching, user: this.#options.user ?? null });
    const before = state.matched;
    const matched = new Set<PreparedRule>();
    if (views[state.kind] !== null) {
      for (const rule of new Set(state.index.candidates(only(state.kind, views)))) {
        this.#judged++;
        if (rule.conditions.every(({ type, holds }) => type !== state.kind || holds(views))) matched.add(rule);
      }
    }
    state.matched = matched;
    if (!state.counts) return;
    for (const rule of before) if (!matched.has(rule)) this.#move(rule, -1);
    for (const rule of matched) if (!before.has(rule)) this.#move(rule, 1);
  }

  /** A signal may have become stale, or is not of the future any more. */
  #recount(state: Kind, now: MonotonicMs): void {
    const { kind, counts, matched } = state;
    const { machineSimulated } = this.#options;
    const { ageLimits } = this.#prepared;
    state.counts = findingOf(kind, this.#signals[kind], { ageLimits, now, machineSimulated }).is === 'satisfied';
    if (state.counts !== counts) for (const rule of matched) this.#move(rule, counts ? -1 : 1);
  }

  /**
   * @param now on the clock of `observedAt`; may go back
   * @param localTime null: not known
   */
  decide(now: MonotonicMs, localTime: LocalTime | null = null): Decision {
    for (const state of this.#kinds) this.#recount(state, now);
    this.#held ??= new HeldSnapshot(this.#signals);
    const options = localTime === null ? this.#options : { ...this.#options, localTime };
    return decide(situationFor(this.#prepared, this.#held, now, options), this.#groupHolds);
  }

  /**
   * The first instant after `now` at which a signal begins to count, or the last one at which it counts: as long as no
   * signal changes and no time window opens or closes, what is decided is the same up to there.
   * @returns null: time alone changes nothing any more
   */
  nextExpiry(now: MonotonicMs): MonotonicMs | null {
    const instants = SIGNAL_KINDS.flatMap((kind) => {
      const signal = this.#signals[kind];
      if (!isWellFormed(signal, kind)) return [];
      return [signal.observedAt, signal.observedAt + allowedMsOf(kind, signal, this.#prepared.ageLimits)];
    });
    const next = Math.min(...instants.filter((instant) => instant > now));
    return Number.isFinite(next) ? monotonicMs(next) : null;
  }
}

/** The views of one kind alone, as far as rules are found by them: no rule is found by its phone. */
const only = (kind: SurroundingKind, views: Views): Views => ({
  bluetooth: null,
  ipConfig: kind === 'ipConfig' ? views.ipConfig : null,
  wifi: kind === 'wifi' ? views.wifi : null,
});
