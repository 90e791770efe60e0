/**
 * Runs the unlock machine: asks for the factors that the policy wants in its order, feeds back what came of each, and
 * ends with what a grant is minted from and the proofs that the TPM will ask for, or with a denial that says why.
 */
import { type Milliseconds, milliseconds, monotonicMs } from '../../drivers/base/brand.ts';
import { toHex } from '../../drivers/base/bytes.ts';
import { deferred } from '../../drivers/base/deferred.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { KeyTimings } from '../../drivers/fido2/stopwatch.ts';
import { type FactorKind, type FactorSignal, type GestureKind, isGesture } from '../../drivers/signal.ts';
import type { Ticket } from '../../drivers/tpm2/index.ts';
import { toRefusal } from '../api/refusal.ts';
import { protectsPin, readLockout } from '../container/lockout.ts';
import type { FactorProof } from '../container/pass.ts';
import { type ContainerView, requireFactors } from '../container/plan.ts';
import { type SealedContext, UNLOCK_CONTEXT } from '../container/references.ts';
import type { MachineState } from '../container/state.ts';
import type { Branch } from '../policy/branches.ts';
import type { Decision, GrantedDecision } from '../policy/decision.ts';
import { evaluate } from '../policy/evaluate.ts';
import { missingWords, refusedWords, stillMissing, waitsFor } from '../policy/explain.ts';
import { type Grant, grantFor } from '../policy/grant.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import { factorWords } from '../policy/words.ts';
import { newAttempt, step } from '../unlock/machine.ts';
import type { UnlockEffect, UnlockEvent } from '../unlock/state.ts';
import { type CeremonyRun, Denied } from './ceremony-run.ts';
import { type CollectOptions, Collector } from './collector.ts';
import { LookAround } from './look-around.ts';
import { observedProofsOf } from './observed-proofs.ts';
import type { ServiceParts } from './parts.ts';
import { type BegunPass, pinTriesLeft } from './pin-check.ts';
import { situationOf } from './situation.ts';
import { hindrancesOf, isSurrounding, NO_HINDRANCES, surroundings, Waiting } from './surroundings.ts';
import type { TpmHold } from './tpm-hold.ts';

export interface Collected extends Disposable {
  /**
   * Evaluates what was collected once more, with what is around the machine now.
   * @param under another policy than the one that it was collected for
   */
  readonly judge: (under?: UnlockPolicy) => Decision;
  /**
   * As {@link judge}, and mints the grant for one operation on one context; left out: the one that was collected for.
   * @throws {ERR_POLICY_DENIED} when it was too long ago, or what was around is not any more
   */
  readonly mint: (under?: UnlockPolicy, context?: SealedContext) => Grant;
  /** The branch that granted. */
  readonly branch: Branch;
  /** That the TPM has found the authority's signature under the container's policy good; null: not asked yet. */
  readonly ticket: Ticket | null;
  readonly proofs: Map<FactorKind, FactorProof>;
  /** The pass that the PIN has begun; null: there is none. */
  readonly hold: TpmHold<BegunPass> | null;
  /** What the security key took, for reports. */
  readonly key: KeyTimings;
  /** Milliseconds that went into deriving the authValue from the PIN, for reports. */
  readonly kdfMs: number;
}

function refusedEvent(signal: FactorSignal, triesLeft: number | null): Parameters<CeremonyRun['emit']>[0] | null {
  if (signal.kind !== 'pin' || signal.state !== 'unsatisfied') return null;
  const tries = triesLeft === null ? '' : `, ${triesLeft} ${triesLeft === 1 ? 'try' : 'tries'} left`;
  const error = new UnlockdError('ERR_PIN_WRONG', `PIN wrong${tries}`, { detail: { triesLeft } });
  return { type: 'refused', refusal: toRefusal(error) };
}

const furtherStep = (factor: FactorKind): string =>
  `the newer policy asks for ${factorWords(factor)} as well; without it the old one stays in force`;

function denial(decision: Decision | null, outcome: string, failure: UnlockdError | null): Denied {
  const missing = decision === null ? '' : missingWords(stillMissing(decision));
  // Nothing but the PIN could help, and it has to wait: its own code and cure say more than that this is a denial.
  if (
    isUnlockdError(failure, 'ERR_PIN_SOFT_LIMIT', 'ERR_TPM_LOCKED_OUT') &&
    decision !== null &&
    waitsFor(decision, 'pin')
  )
    return new Denied(failure.message, { ...failure.detail, cause: null, missing }, decision, failure.code);
  const refused = decision === null ? '' : refusedWords(decision);
  const message = [outcome, refused && `refused: ${refused}`, missing && `missing: ${missing}`]
    .filter(Boolean)
    .join('; ');
  return new Denied(message, { cause: failure?.code ?? null, missing }, decision);
}

/**
 * @returns the way to a grant, and the proofs; the caller disposes it
 * @throws {ERR_CONTAINER_FACTOR_MISSING} before anything is asked: nothing opens this state file
 * @throws {ERR_POLICY_DENIED} with the reasons; whatever the TPM says when it is not reachable
 */
export async function collectFactors(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerView,
  policy: UnlockPolicy,
  run: CeremonyRun,
  collecting: CollectOptions = {},
): Promise<Collected> {
  const { clock, settings } = parts;
  requireFactors(state);
  const confirmed = deferred<void>();
  const triesLeft = await (collecting.triesLeft ?? pinTriesLeft(parts, state.uid, null));
  const collector = new Collector(parts, machine, state, run, collecting, triesLeft, confirmed.promise);
  const { ledger } = parts.sensors;
  let { protects: pinIsBound } = machine.lockout;
  const options = (under = policy) => situationOf(parts, under, pinIsBound, state.uid);
  const limits = { limitMs: settings.unlockWithin, maxRetries: settings.attemptRetries };
  const { further } = collecting;
  // One situation for all of them: the local time is looked at if one of them has windows.
  const timed = [policy, ...(further?.policies ?? [])].find(({ windows }) => Object.keys(windows).length > 0);
  const plan = { policy, ...(further === undefined ? {} : { further }), ...limits };
  let current = newAttempt({ ...plan, options: options(timed) });
  const hindrances = hindrancesOf(state, policy, pinIsBound, parts.simulated);
  const looking = new LookAround(parts, state.uid);
  const waiting = new Waiting(run, () => current.decision, looking);
  const finished = deferred<GrantedDecision>();
  const stops = new Map<FactorKind, AbortController>();
  const asked: Promise<void>[] = [];
  let stopTimer: () => void = () => undefined;

  const feed = (event: UnlockEvent): void => {
    try {
      const { state: next, effects } = step({ ...current, plan: { ...current.plan, options: options(timed) } }, event);
      current = next;
      for (const effect of effects) carryOut(effect);
      waiting.tell();
    } catch (error) {
      // Timers, listeners and answers call this: what they throw is nobody's, and would end the daemon.
      finished.reject(error);
    }
  };

  const ask = (factor: GestureKind, triesLeft: number | null): void => {
    const stop = new AbortController();
    stops.set(factor, stop);
    const signal = AbortSignal.any([stop.signal, run.signal]);
    const answer = collector.ask(factor, triesLeft, signal).then(
      (report) => feed({ type: 'signal', at: clock.now(), isAnswer: true, ...report }),
      (error: unknown) => {
        if (stop.signal.aborted) return;
        // What only a newer policy wants keeps nobody out.
        if (current.decision?.verdict === 'granted' && isUnlockdError(error) && !run.signal.aborted) {
          feed({ type: 'signal', at: clock.now(), signal: collector.failed(factor, error) });
        } else finished.reject(error);
      },
    );
    asked.push(answer);
  };

  const carryOut = (effect: UnlockEffect): void => {
    switch (effect.type) {
      case 'ask':
        if (isSurrounding(effect.factor)) waiting.begin(effect.factor);
        else {
          if (effect.further) run.emit({ type: 'progress', step: furtherStep(effect.factor) });
          ask(effect.factor, effect.triesLeft);
        }
        return;
      case 'stop-asking':
        if (isSurrounding(effect.factor)) waiting.end();
        else stops.get(effect.factor)?.abort();
        return;
      case 'refused': {
        const event = refusedEvent(effect.signal, effect.triesLeft);
        if (event) run.emit(event);
        return;
      }
      case 'wake-at':
        stopTimer = clock.timer(spanUntil(effect.at, clock.now()), () => feed({ type: 'tick', at: clock.now() }));
        return;
      case 'release':
        finished.resolve(effect.decision);
        return;
      case 'finish':
        if (effect.outcome.is === 'denied')
          finished.reject(denial(effect.outcome.decision, 'denied', collector.failure));
        if (effect.outcome.is === 'timed-out') {
          finished.reject(denial(effect.outcome.decision, 'denied: the time is over', collector.failure));
        }
        if (effect.outcome.is === 'cancelled') finished.reject(run.signal.reason);
        return;
      case 'cancel-release':
      case 'forget':
        return;
    }
  };

  const stopAsking = () => {
    for (const stop of stops.values()) stop.abort();
  };
  // Beside the person, who types meanwhile; nothing is proved before it is known.
  const confirm = async (): Promise<void> => {
    try {
      if (!pinIsBound || (await isPinBound(parts, run.signal))) return;
      pinIsBound = false;
      feed({ type: 'tick', at: clock.now() });
    } catch (error) {
      stopAsking();
      finished.reject(error);
    } finally {
      confirmed.resolve();
    }
  };

  let granted = false;
  let confirming = Promise.resolve();
  const onAbort = () => feed({ type: 'cancel' });
  run.signal.addEventListener('abort', onAbort, { once: true });
  const unlisten = ledger.onChange((change) => {
    const at = clock.now();
    feed(
      change.type === 'signal'
        ? { type: 'signal', at, signal: change.signal }
        : { type: 'lost', at, kind: change.kind },
    );
  });
  try {
    feed({ type: 'start', at: clock.now(), snapshot: surroundings(parts, hindrances) });
    confirming = confirm();
    const { branch } = await finished.promise;
    // What was found without a wait may be about to grow old.
    for (const factor of branch.factors) if (isSurrounding(factor)) waiting.look(factor);
    await collector.settle();
    const gestures = [...current.snapshot].filter(([, signal]) => isGesture(signal));
    const judge = (under = policy) => {
      // What another policy observes gets its signer when that is put in force.
      const known = surroundings(parts, under === policy ? hindrances : NO_HINDRANCES);
      // Gestures are those of this attempt, which the machine has let in; a sensor may still tell of an earlier one.
      const around = [...known].filter(([, signal]) => !isGesture(signal));
      return evaluate(under, new Map([...around, ...gestures]), clock.now(), options(under));
    };
    const mint = (under = policy, context: SealedContext = state.context ?? UNLOCK_CONTEXT) => {
      const decision = judge(under);
      if (decision.verdict === 'denied') throw denial(decision, 'denied: it is not so any more', null);
      return grantFor(decision, { container: toHex(state.containerId), context });
    };
    const { key, kdfMs, ticket, hold } = collector;
    const proofs = new Map([...observedProofsOf(parts, state), ...collector.proofs]);
    granted = true;
    return {
      judge,
      mint,
      branch,
      ticket,
      proofs,
      hold,
      key,
      kdfMs,
      [Symbol.dispose]: () => {
        looking[Symbol.dispose]();
        collector[Symbol.dispose]();
      },
    };
  } finally {
    stopTimer();
    unlisten();
    run.signal.removeEventListener('abort', onAbort);
    stopAsking();
    // The next ceremony of this user begins when nothing of this one goes on any more, inside the TPM or on the disk.
    await confirming;
    await Promise.allSettled(asked);
    await collector.settle().catch(() => undefined);
    if (!granted) {
      looking[Symbol.dispose]();
      collector[Symbol.dispose]();
    }
  }
}

/** Set-up found the PIN protected; whoever holds the lockout password may have changed that since. */
const isPinBound = async (parts: ServiceParts, signal: AbortSignal): Promise<boolean> =>
  protectsPin(await parts.tpm.withTpm(signal, readLockout));

const spanUntil = (at: number, now: number): Milliseconds => milliseconds(Math.max(0, at - monotonicMs(now)));
