/**
 * Asks one factor after the other, as it is told, and keeps what came of them: the proofs for the TPM, the pass that the
 * PIN has begun, and why a factor could not be had.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { KeyTimings } from '../../drivers/fido2/stopwatch.ts';
import type { FactorKind, FactorSignal, GestureKind, GestureSignal } from '../../drivers/signal.ts';
import type { Ticket } from '../../drivers/tpm2/index.ts';
import type { FactorProof } from '../container/pass.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import type { FurtherWanted } from '../unlock/state.ts';
import { requireMatch, verifyBiometric } from './biometrics.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import { KeyAhead } from './key-ahead.ts';
import { askSecurityKey } from './key-check.ts';
import { type BadState, meaningOf } from './key-failures.ts';
import type { ServiceParts } from './parts.ts';
import { type BegunPass, checkPin, pinTriesLeft, triesOf } from './pin-check.ts';
import type { TpmHold } from './tpm-hold.ts';

/** A proved factor counts this long: long enough for a touch, short enough that nobody walks away in between. */
const PROOF_VALID_FOR = milliseconds(120_000);

export interface CollectOptions {
  /** False: the state is not in force yet, so its epoch is not to be settled. */
  readonly settle?: boolean;
  /** Tries of a PIN that are left, where they are being read already. */
  readonly triesLeft?: Promise<number>;
  /** What is asked for besides, and keeps nobody out. */
  readonly further?: FurtherWanted;
}

type GestureState = Pick<Extract<GestureSignal, { state: 'satisfied' }>, 'state' | 'strength' | 'evidence'> | BadState;

const NO_DRIVER = { state: 'unavailable', reason: 'no-driver' } as const;

const WRONG = { state: 'unsatisfied', reason: 'wrong' } as const;

/** What a reader that says nothing of the finger means for the factor. */
const UNAVAILABLE = {
  'no-reader': { state: 'unavailable', reason: 'no-device' },
  'not-enrolled': { state: 'unsatisfied', reason: 'not-enrolled' },
  'no-permission': { state: 'unavailable', reason: 'no-permission' },
  busy: { state: 'unavailable', reason: 'failed' },
  disconnected: { state: 'unavailable', reason: 'no-device' },
  'timed-out': { state: 'unsatisfied', reason: 'timed-out' },
  failed: { state: 'unavailable', reason: 'failed' },
} as const;

type Report = { readonly signal: FactorSignal; readonly triesLeft?: number };

export class Collector implements Disposable {
  readonly #parts: ServiceParts;
  readonly #machine: MachineState;
  readonly #state: ContainerState;
  readonly #run: CeremonyRun;
  readonly #proofs = new Map<FactorKind, FactorProof>();
  /** The first failure that the person should be told by its own code. */
  failure: UnlockdError | null = null;
  /** Of all keys that answered. */
  key: KeyTimings = { deviceMs: 0, writeMs: 0 };
  kdfMs = 0;
  ticket: Ticket | null = null;
  hold: TpmHold<BegunPass> | null = null;
  #keyAhead: KeyAhead | null = null;
  #triesAtFirst: number | null;
  /** Writes that are ended at the end. */
  readonly #writes: (() => Promise<void>)[] = [];

  readonly #settle: boolean;
  readonly #confirmed: Promise<void>;

  /** @param confirmed settles when it is known what a PIN counts; the signal of a question that is void then has aborted */
  constructor(
    parts: ServiceParts,
    machine: MachineState,
    state: ContainerState,
    run: CeremonyRun,
    options: CollectOptions,
    triesLeft: number,
    confirmed: Promise<void>,
  ) {
    this.#triesAtFirst = triesLeft;
    this.#settle = options.settle ?? true;
    this.#confirmed = confirmed;
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

  /** That asking for a factor has come to nothing, for a reason that is not the factor's. */
  failed(factor: GestureKind, { message }: UnlockdError): FactorSignal {
    return this.#signal(factor, 'unlockd', { state: 'unavailable', reason: 'failed', detail: message });
  }

  /** What there is to say of a factor that a person was asked for. */
  async ask(factor: GestureKind, triesLeft: number | null, signal: AbortSignal): Promise<Report> {
    if (factor === 'pin') return await this.#askPin(triesLeft, signal);
    await this.#confirmed;
    signal.throwIfAborted();
    switch (factor) {
      case 'securityKey':
        return await this.#askKey(signal);
      case 'fingerprint':
      case 'face':
        return await this.#askBiometric(factor, signal);
    }
  }

  /** @throws the reason of `signal` */
  async #askBiometric(modality: 'fingerprint' | 'face', signal: AbortSignal): Promise<Report> {
    const { biometric } = this.#parts;
    if (biometric === null) return { signal: this.#signal(modality, 'unlockd', NO_DRIVER) };
    // No branch with it is sealed: what the reader says would open nothing.
    if (!this.#state.biometrics.includes(modality)) {
      return { signal: this.#signal(modality, 'unlockd', UNAVAILABLE['not-enrolled']) };
    }
    const outcome = await verifyBiometric(this.#parts, this.#run, modality, signal);
    signal.throwIfAborted();
    const said = (rest: GestureState): Report => {
      const told = this.#signal(modality, biometric.name, rest);
      return { signal: { ...told, simulated: told.simulated || biometric.simulated } };
    };
    try {
      requireMatch(modality, outcome);
      const evidence = outcome.is === 'match' && outcome.template !== null ? { template: outcome.template } : {};
      return said({ state: 'satisfied', strength: 'gate', evidence });
    } catch (error) {
      if (!isUnlockdError(error)) throw error;
      this.failure ??= error;
      this.#run.refused(error);
      const rest = outcome.is === 'unavailable' ? UNAVAILABLE[outcome.reason] : WRONG;
      return said({ ...rest, detail: error.message });
    }
  }

  async #askPin(known: number | null, signal: AbortSignal): Promise<Report> {
    const triesLeft = known ?? this.#triesAtFirst ?? (await pinTriesLeft(this.#parts, this.#state.uid, null));
    this.#triesAtFirst = null;
    if (triesLeft === 0) return await this.#pinRefused(signal);
    const typed = await this.#run.ask('pin', { text: 'PIN', triesLeft, signal });
    this.#askKeyAhead();
    try {
      const options = { signal, held: this.#run.signal, settle: this.#settle, confirmed: this.#confirmed };
      const verdict = await checkPin(this.#parts, this.#machine, this.#state, typed, options);
      if (verdict.is === 'right') {
        this.kdfMs += verdict.kdfMs;
        this.ticket = verdict.ticket;
        this.hold?.giveUp();
        this.hold = verdict.hold;
        this.#writes.push(verdict.strikeOff);
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
      if (!this.#proofs.has('pin')) await this.#closeKeyAhead();
    }
  }

  /** Where the security key's turn may come next. */
  #askKeyAhead(): void {
    const { hid } = this.#parts;
    if (hid === null || this.#state.factors.securityKey === null || this.#proofs.has('securityKey')) return;
    this.#keyAhead ??= new KeyAhead((stop, turn) =>
      askSecurityKey(this.#parts, this.#state, this.#run, AbortSignal.any([stop, this.#run.signal]), turn),
    );
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
      const ahead = this.#keyAhead;
      this.#keyAhead = null;
      const answer = await (ahead?.take(signal) ?? askSecurityKey(this.#parts, this.#state, this.#run, signal));
      const { deviceMs, writeMs } = answer.timings;
      this.key = { deviceMs: this.key.deviceMs + deviceMs, writeMs: this.key.writeMs + writeMs };
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

  async #closeKeyAhead(): Promise<void> {
    const ahead = this.#keyAhead;
    this.#keyAhead = null;
    await ahead?.[Symbol.asyncDispose]();
  }

  /** Waits for what goes on in the background. */
  async settle(): Promise<void> {
    await this.#closeKeyAhead();
    await Promise.all(this.#writes.map((write) => write()));
  }

  [Symbol.dispose](): void {
    this.hold?.giveUp();
    for (const proof of this.#proofs.values()) if (proof.check === 'secret') proof.authValue.dispose();
    this.#proofs.clear();
  }
}
