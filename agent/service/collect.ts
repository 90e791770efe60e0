/**
 * Runs the unlock machine: asks for the factors that the policy wants in its order, feeds back what came of each, and
 * ends with what a grant is minted from and the proofs that the TPM will ask for, or with a denial that says why.
 */
import { type Milliseconds, milliseconds, monotonicMs } from '../../drivers/base/brand.ts';
import { toHex } from '../../drivers/base/bytes.ts';
import { deferred } from '../../drivers/base/deferred.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind, FactorSignal, GestureKind, GestureSignal } from '../../drivers/signal.ts';
import type { Ticket } from '../../drivers/tpm2/index.ts';
import { toRefusal } from '../api/refusal.ts';
import { protectsPin, readLockout } from '../container/lockout.ts';
import type { FactorProof, PolicyPass } from '../container/pass.ts';
import { UNLOCK_CONTEXT } from '../container/references.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import type { Strength } from '../policy/branches.ts';
import type { Decision, GrantedDecision } from '../policy/decision.ts';
import { evaluate } from '../policy/evaluate.ts';
import { explain, missingWords, refusedWords, stillMissing, waitsFor } from '../policy/explain.ts';
import { type Grant, grantFor } from '../policy/grant.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import { newAttempt, step } from '../unlock/machine.ts';
import type { UnlockEffect, UnlockEvent } from '../unlock/state.ts';
import { type CeremonyRun, Denied } from './ceremony-run.ts';
import { KeysAhead } from './key-ahead.ts';
import { askSecurityKey } from './key-check.ts';
import { type BadState, meaningOf } from './key-failures.ts';
import type { ServiceParts } from './parts.ts';
import { checkPin, pinTriesLeft, triesOf } from './pin-check.ts';
import type { TpmHold } from './tpm-hold.ts';

/** A proved factor counts this long: long enough for a touch, short enough that nobody walks away in between. */
const PROOF_VALID_FOR = milliseconds(120_000);

export interface Collected extends Disposable {
  /**
   * Evaluates what was collected once more, now, and mints the grant for one operation.
   * @throws {ERR_POLICY_DENIED} when it was too long ago
   */
  readonly mint: () => Grant;
  /** Of the branch that granted. */
  readonly strength: Strength;
  /** That the TPM has found the authority's signature under the container's policy good; null: not asked yet. */
  readonly ticket: Ticket | null;
  readonly proofs: Map<FactorKind, FactorProof>;
  /** The pass that the PIN has begun; null: there is none. */
  readonly hold: TpmHold<PolicyPass> | null;
  /** Milliseconds that went into the key's own time, for reports. */
  readonly deviceMs: number;
  /** Milliseconds that went into deriving the authValue from the PIN, for reports. */
  readonly kdfMs: number;
}

export interface CollectOptions {
  /** False: the state is not in force yet, so its epoch is not to be settled. */
  readonly settle?: boolean;
}

type GestureState = Pick<Extract<GestureSignal, { state: 'satisfied' }>, 'state' | 'strength' | 'evidence'> | BadState;

const NO_DRIVER = { state: 'unavailable', reason: 'no-driver' } as const;

type Report = { readonly signal: FactorSignal; readonly triesLeft?: number };

class Collector implements Disposable {
  readonly #parts: ServiceParts;
  readonly #machine: MachineState;
  readonly #state: ContainerState;
  readonly #run: CeremonyRun;
  readonly #proofs = new Map<FactorKind, FactorProof>();
  /** The first failure that the person should be told by its own code. */
  failure: UnlockdError | null = null;
  deviceMs = 0;
  kdfMs = 0;
  ticket: Ticket | null = null;
  hold: TpmHold<PolicyPass> | null = null;
  #keysAhead: KeysAhead | null = null;
  #triesAtFirst: number | null;
  /** Writes that nobody waits for until the end. */
  readonly #writes: Promise<void>[] = [];

  readonly #settle: boolean;

  constructor(
    parts: ServiceParts,
    machine: MachineState,
    state: ContainerState,
    run: CeremonyRun,
    options: CollectOptions,
    triesLeft: number,
  ) {
    this.#triesAtFirst = triesLeft;
    this.#settle = options.settle ?? true;
    this.#parts = parts;
    this.#machine = machine;
    this.#state = state;
    this.#run = run;
  }

  get proofs(): Map<FactorKind, FactorProof> {
    return this.#proofs;
  }

  #base(source: string) {
    const observedAt = this.#parts.clock.now();
    return { source, observedAt, validFor: PROOF_VALID_FOR, simulated: this.#parts.simulated };
  }

  #signal(kind: GestureKind, source: string, rest: GestureState): FactorSignal {
    return { ...this.#base(source), kind, ...rest };
  }

  #prove(factor: FactorKind, authValue: Secret): void {
    const enrolled = this.#state.factors[factor as 'pin' | 'securityKey'];
    if (enrolled === null) throw new UnlockdError('ERR_STATE_CORRUPT', `container.factors.${factor}: not enrolled`);
    const earlier = this.#proofs.get(factor);
    if (earlier?.check === 'secret') earlier.authValue.dispose();
    this.#proofs.set(factor, { check: 'secret', blob: enrolled.blob, authValue });
  }

  /** What there is to say of a factor; of a phone or a network, one for each kind of signal that it rests on. */
  async ask(factor: FactorKind, triesLeft: number | null, signal: AbortSignal): Promise<readonly Report[]> {
    switch (factor) {
      case 'pin':
        return [await this.#askPin(triesLeft, signal)];
      case 'securityKey':
        return [await this.#askKey(signal)];
      case 'fingerprint':
      case 'face':
        return [{ signal: this.#signal(factor, 'unlockd', NO_DRIVER) }];
      case 'phone':
        return [{ signal: { ...this.#base('unlockd'), kind: 'bluetooth', ...NO_DRIVER } }];
      case 'network':
        return (['ipConfig', 'wifi'] as const).map((kind) => ({
          signal: { ...this.#base('unlockd'), kind, ...NO_DRIVER },
        }));
    }
  }

  async #askPin(known: number | null, signal: AbortSignal): Promise<Report> {
    const triesLeft = known ?? this.#triesAtFirst ?? (await pinTriesLeft(this.#parts, this.#state.uid, null));
    this.#triesAtFirst = null;
    if (triesLeft === 0) return await this.#pinRefused(signal);
    const typed = await this.#run.ask('pin', { text: 'PIN', triesLeft, signal });
    this.#openKeysAhead();
    try {
      const verdict = await checkPin(this.#parts, this.#machine, this.#state, typed, { signal, settle: this.#settle });
      if (verdict.is === 'right') {
        this.kdfMs += verdict.kdfMs;
        this.ticket = verdict.ticket;
        this.hold?.giveUp();
        this.hold = verdict.hold;
        this.#writes.push(verdict.struckOff);
        this.#prove('pin', verdict.authValue);
        return { signal: this.#signal('pin', 'TPM', { state: 'satisfied', strength: 'bound', evidence: {} }) };
      }
      if (verdict.is === 'locked-out') return this.#pinLocked(verdict.error);
      await this.#parts.audit('pin-wrong', this.#state.uid, { triesLeft: verdict.triesLeft });
      // That was the last one: whoever comes to the end now has to wait, and is told how long.
      if ((await triesOf(this.#parts, this.#state.uid).left()) === 0) this.failure ??= this.#softLimit();
      const refused = this.#signal('pin', 'TPM', { state: 'unsatisfied', reason: 'wrong' });
      return { signal: refused, triesLeft: verdict.triesLeft };
    } catch (error) {
      if (isUnlockdError(error, 'ERR_PIN_SOFT_LIMIT')) return this.#pinLocked(error);
      throw error;
    } finally {
      if (!this.#proofs.has('pin')) await this.#closeKeysAhead();
    }
  }

  /** Where the security key's turn may come next. */
  #openKeysAhead(): void {
    const { hid } = this.#parts;
    if (hid === null || this.#state.factors.securityKey === null || this.#proofs.has('securityKey')) return;
    this.#keysAhead ??= new KeysAhead(hid);
  }

  /** No try is left: what `begin` says goes to the person, with the time to wait. */
  async #pinRefused(signal: AbortSignal): Promise<Report> {
    signal.throwIfAborted();
    return this.#pinLocked(this.#softLimit());
  }

  #softLimit(): UnlockdError {
    const waitSeconds = Math.ceil(this.#parts.settings.softLimit.forgetAfter / 1000);
    const message = `too many wrong PINs: one more try within ${waitSeconds} s`;
    return new UnlockdError('ERR_PIN_SOFT_LIMIT', message, { detail: { waitSeconds } });
  }

  #pinLocked(error: UnlockdError): Report {
    this.failure ??= error;
    this.#run.refused(error);
    const source = error.code === 'ERR_TPM_LOCKED_OUT' ? 'TPM' : 'unlockd';
    return {
      signal: this.#signal('pin', source, { state: 'unavailable', reason: 'locked-out', detail: error.message }),
    };
  }

  async #askKey(signal: AbortSignal): Promise<Report> {
    try {
      const ahead = this.#keysAhead;
      this.#keysAhead = null;
      await using _ahead = ahead;
      const answer = await askSecurityKey(this.#parts, this.#state, this.#run, signal, ahead?.hid);
      this.deviceMs += answer.deviceMs;
      this.#prove('securityKey', answer.authValue);
      const evidence = { 'user verified': answer.uv };
      const rest = { state: 'satisfied', strength: 'bound', evidence } as const;
      return { signal: this.#signal('securityKey', answer.device, rest) };
    } catch (error) {
      if (signal.aborted || !isUnlockdError(error)) throw error;
      if (!/^ERR_(CTAP|HAL|KEY)_/.test(error.code)) throw error;
      this.failure ??= error;
      this.#run.refused(error);
      const meaning = meaningOf(error.code);
      return { signal: this.#signal('securityKey', 'security key', { ...meaning, detail: error.message }) };
    }
  }

  async #closeKeysAhead(): Promise<void> {
    const ahead = this.#keysAhead;
    this.#keysAhead = null;
    await ahead?.[Symbol.asyncDispose]();
  }

  /** Waits for what goes on in the background. */
  async settle(): Promise<void> {
    await this.#closeKeysAhead();
    await Promise.all(this.#writes);
  }

  [Symbol.dispose](): void {
    this.hold?.giveUp();
    for (const proof of this.#proofs.values()) if (proof.check === 'secret') proof.authValue.dispose();
    this.#proofs.clear();
  }
}

function refusedEvent(signal: FactorSignal, triesLeft: number | null): Parameters<CeremonyRun['emit']>[0] | null {
  if (signal.kind !== 'pin' || signal.state !== 'unsatisfied') return null;
  const tries = triesLeft === null ? '' : `, ${triesLeft} ${triesLeft === 1 ? 'try' : 'tries'} left`;
  const error = new UnlockdError('ERR_PIN_WRONG', `PIN wrong${tries}`, { detail: { triesLeft } });
  return { type: 'refused', refusal: toRefusal(error) };
}

function denial(decision: Decision | null, outcome: string, failure: UnlockdError | null): Denied {
  const reasons = decision === null ? [] : explain(decision);
  const missing = decision === null ? '' : missingWords(stillMissing(decision));
  // Nothing but the PIN could help, and it has to wait: its own code and cure say more than that this is a denial.
  if (
    isUnlockdError(failure, 'ERR_PIN_SOFT_LIMIT', 'ERR_TPM_LOCKED_OUT') &&
    decision !== null &&
    waitsFor(decision, 'pin')
  )
    return new Denied(failure.message, { ...failure.detail, cause: null, missing }, reasons, failure.code);
  const refused = decision === null ? '' : refusedWords(decision);
  const message = [outcome, refused && `refused: ${refused}`, missing && `missing: ${missing}`]
    .filter(Boolean)
    .join('; ');
  return new Denied(message, { cause: failure?.code ?? null, missing }, reasons);
}

/**
 * @returns the way to a grant, and the proofs; the caller disposes it
 * @throws {ERR_POLICY_DENIED} with the reasons; whatever the TPM says when it is not reachable
 */
export async function collectFactors(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
  policy: UnlockPolicy,
  run: CeremonyRun,
  collecting: CollectOptions = {},
): Promise<Collected> {
  const { clock, settings } = parts;
  const reading = pinTriesLeft(parts, state.uid, null);
  // Read at the same time, but what the TPM says is told first.
  reading.catch(() => undefined);
  const options = { machineSimulated: parts.simulated, pinIsBound: await isPinBound(parts, machine, run.signal) };
  const collector = new Collector(parts, machine, state, run, collecting, await reading);
  let current = newAttempt({ policy, options, limitMs: settings.unlockWithin, maxRetries: settings.attemptRetries });
  const finished = deferred<GrantedDecision>();
  const stops = new Map<FactorKind, AbortController>();
  const asked: Promise<void>[] = [];
  let stopTimer: () => void = () => undefined;

  const feed = (event: UnlockEvent): void => {
    try {
      const { state: next, effects } = step(current, event);
      current = next;
      for (const effect of effects) carryOut(effect);
    } catch (error) {
      // Timers, listeners and answers call this: what they throw is nobody's, and would end the daemon.
      finished.reject(error);
    }
  };

  const ask = (factor: FactorKind, triesLeft: number | null): void => {
    const stop = new AbortController();
    stops.set(factor, stop);
    const signal = AbortSignal.any([stop.signal, run.signal]);
    const answer = collector.ask(factor, triesLeft, signal).then(
      (reports) => {
        for (const report of reports) feed({ type: 'signal', at: clock.now(), ...report });
      },
      (error: unknown) => {
        if (!stop.signal.aborted) finished.reject(error);
      },
    );
    asked.push(answer);
  };

  const carryOut = (effect: UnlockEffect): void => {
    switch (effect.type) {
      case 'ask':
        ask(effect.factor, effect.triesLeft);
        return;
      case 'stop-asking':
        stops.get(effect.factor)?.abort();
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

  let granted = false;
  const onAbort = () => feed({ type: 'cancel' });
  run.signal.addEventListener('abort', onAbort, { once: true });
  try {
    feed({ type: 'start', at: clock.now(), snapshot: new Map() });
    const { strength } = await finished.promise;
    await collector.settle();
    const { snapshot } = current;
    const mint = () => {
      const decision = evaluate(policy, snapshot, clock.now(), options);
      if (decision.verdict === 'denied') throw denial(decision, 'denied: too much time has passed', null);
      return grantFor(decision, { container: toHex(state.containerId), context: UNLOCK_CONTEXT });
    };
    const { proofs, deviceMs, kdfMs, ticket, hold } = collector;
    granted = true;
    return {
      mint,
      strength,
      ticket,
      proofs,
      hold,
      deviceMs,
      kdfMs,
      [Symbol.dispose]: () => collector[Symbol.dispose](),
    };
  } finally {
    stopTimer();
    run.signal.removeEventListener('abort', onAbort);
    for (const stop of stops.values()) stop.abort();
    // The next ceremony of this user begins when nothing of this one goes on any more, inside the TPM or on the disk.
    await Promise.allSettled(asked);
    await collector.settle().catch(() => undefined);
    if (!granted) collector[Symbol.dispose]();
  }
}

/** Set-up found the PIN protected; whoever holds the lockout password may have changed that since. */
async function isPinBound(parts: ServiceParts, machine: MachineState, signal: AbortSignal): Promise<boolean> {
  return machine.lockout.protects && protectsPin(await parts.tpm.withTpm(signal, readLockout));
}

const spanUntil = (at: number, now: number): Milliseconds => milliseconds(Math.max(0, at - monotonicMs(now)));
