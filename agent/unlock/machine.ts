/**
 * One unlock attempt as a pure state machine: `(state, event) -> { state, effects }`. It asks for factors in the order
 * of the policy (list A, then list B), asks again after a wrong PIN while there are tries, goes over to another pair
 * when a factor cannot be had, and emits `release` only with a decision that says `granted`. Before that it asks for what
 * further policies want, as far as it can be had. Who runs it carries the effects out and feeds back what came of them;
 * the machine itself reads no clock and does nothing.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import {
  type FactorKind,
  type FactorSignal,
  type GestureSignal,
  isGesture,
  type SignalKind,
} from '../../drivers/signal.ts';
import type { GrantedDecision } from '../policy/decision.ts';
import { evaluate } from '../policy/evaluate.ts';
import { nextFactor, nextFurther } from './plan.ts';
import type { Step, UnlockEffect, UnlockEvent, UnlockPlan, UnlockState } from './state.ts';

/** The state of an attempt that has not begun; feed it `start`. */
export function newAttempt(plan: UnlockPlan): UnlockState {
  return {
    phase: 'new',
    plan,
    snapshot: new Map(),
    asking: null,
    givenUp: new Map(),
    retries: new Map(),
    startedAt: null,
    endsAt: null,
    outcome: null,
    decision: null,
  };
}

const stopAsking = (state: UnlockState): UnlockEffect[] =>
  state.asking === null ? [] : [{ type: 'stop-asking', factor: state.asking }];

function finish(state: UnlockState, outcome: NonNullable<UnlockState['outcome']>, before: UnlockEffect[] = []): Step {
  const effects: UnlockEffect[] = [...stopAsking(state), ...before, { type: 'finish', outcome }];
  return { state: { ...state, phase: 'done', asking: null, outcome }, effects };
}

function release(state: UnlockState, decision: GrantedDecision): Step {
  return {
    state: { ...state, phase: 'releasing', asking: null, decision },
    effects: [...stopAsking(state), { type: 'release', decision }],
  };
}

interface Tries {
  readonly factor: FactorKind;
  readonly left: number | null;
}

function furtherFactor({ plan, snapshot, givenUp }: UnlockState, now: MonotonicMs): FactorKind | null {
  if (plan.further === undefined) return null;
  return nextFurther(plan.further, (policy) => evaluate(policy, snapshot, now, plan.options), givenUp);
}

/** Decides on what is known at `now`, and asks for what is missing next. */
function proceed(state: UnlockState, now: MonotonicMs, tries: Tries | null = null): Step {
  const { plan } = state;
  const decision = evaluate(plan.policy, state.snapshot, now, plan.options);
  const judged = { ...state, decision };
  const isOpen = decision.verdict === 'granted';
  const next = isOpen ? furtherFactor(judged, now) : nextFactor(plan.policy, decision, state);
  if (next === null) return isOpen ? release(judged, decision) : finish(judged, { is: 'denied', decision });
  if (next === state.asking) return { state: judged, effects: [] };
  const triesLeft = tries?.factor === next ? tries.left : null;
  return {
    state: { ...judged, asking: next },
    effects: [...stopAsking(state), { type: 'ask', factor: next, triesLeft, ...(isOpen ? { further: true } : {}) }],
  };
}

/** A factor that was wrong: asked for again while there are tries, otherwise given up. */
function onWrong(state: UnlockState, signal: GestureSignal, now: MonotonicMs, triesLeft: number | null): Step {
  const { kind: factor } = signal;
  const wrongs = (state.retries.get(factor) ?? 0) + 1;
  const retries = new Map(state.retries).set(factor, wrongs);
  const refused: UnlockEffect = { type: 'refused', signal, triesLeft };
  if (triesLeft === 0 || wrongs >= state.plan.maxRetries) {
    const { state: after, effects } = giveUp({ ...state, retries }, signal, now);
    return { state: after, effects: [refused, ...effects] };
  }
  // It is asked for anew, as the question that was open has been answered.
  const { state: after, effects } = proceed({ ...state, retries, asking: null }, now, { factor, left: triesLeft });
  return { state: after, effects: [refused, ...effects] };
}

function giveUp(state: UnlockState, signal: GestureSignal, now: MonotonicMs): Step {
  // The question has been answered: there is nothing to take back.
  return proceed({ ...state, asking: null, givenUp: new Map(state.givenUp).set(signal.kind, signal) }, now);
}

/** What was shown and the policy does not take (simulated, another model): the same again would not be taken either. */
function refuse(state: UnlockState, signal: GestureSignal, now: MonotonicMs): Step {
  const { state: after, effects } = giveUp(state, signal, now);
  return { state: after, effects: [...stopAsking(state), ...effects] };
}

/** True for a gesture made before the attempt began: what was shown for another attempt opens nothing now. */
const isEarlierGesture = (signal: FactorSignal, startedAt: MonotonicMs | null): boolean =>
  signal.state === 'satisfied' && (startedAt === null || !(signal.observedAt >= startedAt));

function onSignal(state: UnlockState, event: Extract<UnlockEvent, { type: 'signal' }>): Step {
  const { signal, at: now, triesLeft = null, isAnswer = false } = event;
  const asked = state.asking === signal.kind;
  const answers = asked && isAnswer;
  if (isEarlierGesture(signal, state.startedAt)) {
    return answers && isGesture(signal) ? refuse(state, signal, now) : proceed(state, now);
  }
  const known = { ...state, snapshot: new Map(state.snapshot).set(signal.kind, signal) };
  // What lies around the machine answers no question: it is there or not, and the rules say what it is worth.
  if (!isGesture(signal)) return proceed(known, now);
  if (signal.state === 'satisfied') {
    // A factor that comes back (a key that is plugged in again) may be used again.
    const givenUp = new Map(state.givenUp);
    const isRefused = givenUp.get(signal.kind)?.state === 'satisfied';
    if (!isRefused && (state.retries.get(signal.kind) ?? 0) < state.plan.maxRetries) givenUp.delete(signal.kind);
    const next = proceed({ ...known, givenUp }, now);
    return answers && next.state.asking === signal.kind ? refuse(known, signal, now) : next;
  }
  if (!asked) return proceed(known, now);
  if (signal.state === 'unavailable') {
    // An absent device may still be plugged in: the question stays open until the attempt's time is over.
    return signal.reason === 'no-device' ? proceed(known, now) : giveUp(known, signal, now);
  }
  switch (signal.reason) {
    case 'not-presented':
      return proceed(known, now);
    case 'cancelled':
      return finish(known, { is: 'cancelled' });
    case 'wrong':
    case 'wrong-device':
    case 'not-verified':
      return onWrong(known, signal, now, triesLeft);
    case 'not-enrolled':
    case 'timed-out':
    case 'expired':
      return giveUp(known, signal, now);
  }
}

function whileReleasing(state: UnlockState, event: UnlockEvent): Step {
  switch (event.type) {
    case 'released':
      return finish(state, { is: 'granted' });
    case 'release-failed':
      return finish(state, { is: 'failed', code: event.code });
    case 'cancel':
      return finish(state, { is: 'cancelled' }, [{ type: 'cancel-release' }]);
    case 'tick':
      return isOver(state, event.at)
        ? finish(state, { is: 'timed-out', decision: state.decision }, [{ type: 'cancel-release' }])
        : { state, effects: [] };
    default:
      return { state, effects: [] };
  }
}

/** Written so that a time that is not a number ends the attempt. */
const isOver = (state: UnlockState, now: MonotonicMs): boolean => state.endsAt !== null && !(now < state.endsAt);

/**
 * One step. Total: an event that means nothing in a state leaves it as it is. `done` is final; a release that comes
 * through after it is to be forgotten.
 */
export function step(state: UnlockState, event: UnlockEvent): Step {
  if (state.phase === 'done') return { state, effects: event.type === 'released' ? [{ type: 'forget' }] : [] };
  if (state.phase === 'releasing') return whileReleasing(state, event);
  if (event.type === 'cancel') return finish(state, { is: 'cancelled' });
  if (state.phase === 'new') {
    if (event.type !== 'start') return { state, effects: [] };
    const endsAt = (event.at + state.plan.limitMs) as MonotonicMs;
    const snapshot = new Map([...event.snapshot].filter(([, signal]) => !isEarlierGesture(signal, event.at)));
    const begun: UnlockState = { ...state, phase: 'collecting', startedAt: event.at, endsAt, snapshot };
    const { state: after, effects } = proceed(begun, event.at);
    return { state: after, effects: [{ type: 'wake-at', at: endsAt }, ...effects] };
  }
  switch (event.type) {
    case 'signal':
    case 'lost':
    case 'tick':
      break;
    default:
      return { state, effects: [] };
  }
  if (isOver(state, event.at)) {
    const decision = evaluate(state.plan.policy, state.snapshot, event.at, state.plan.options);
    // Only what further policies want was still asked for.
    if (state.decision?.verdict === 'granted' && decision.verdict === 'granted') return release(state, decision);
    return finish({ ...state, decision }, { is: 'timed-out', decision });
  }
  if (event.type === 'signal') return onSignal(state, event);
  if (event.type === 'lost') {
    const snapshot = new Map<SignalKind, FactorSignal>(state.snapshot);
    snapshot.delete(event.kind);
    return proceed({ ...state, snapshot }, event.at);
  }
  return proceed(state, event.at);
}
