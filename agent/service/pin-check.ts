/**
 * The PIN, judged by the TPM and by nobody else: it is derived, written down as a try, and proved in a policy session
 * before anything else is asked of the person. The epoch is looked at first, so that no try is spent on a state file
 * that could not open anything. The session of a right PIN is held for the rest of the policy.
 */
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import { isTpmResponse, type Ticket, type Tpm } from '../../drivers/tpm2/index.ts';
import { settleEpoch } from '../container/epoch.ts';
import { type Lockout, lockedForSeconds, readLockout, tpmTriesLeft } from '../container/lockout.ts';
import { nameOfBlob } from '../container/objects.ts';
import { type PassPlan, PolicyPass, verifyPlan } from '../container/pass.ts';
import { pinAuthValue } from '../container/pin-value.ts';
import { planOf } from '../container/plan.ts';
import type { RootSession } from '../container/root.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { PinTries } from '../container/tries.ts';
import { normalisePin } from '../enrolment/pin/characters.ts';
import type { ServiceParts } from './parts.ts';
import type { FirstHalf } from './tpm-access.ts';
import type { TpmHold } from './tpm-hold.ts';

export function triesOf(parts: ServiceParts, uid: number): PinTries {
  const known = parts.tries.get(uid);
  if (known) return known;
  const tries = new PinTries(parts.settings.stateFolder, uid, parts.files, parts.clock, parts.settings.softLimit);
  parts.tries.set(uid, tries);
  return tries;
}

/** A pass that waits for the security key, and the plan that it follows. */
export interface BegunPass {
  readonly pass: PolicyPass;
  readonly plan: PassPlan;
}

/** What became of a PIN. `triesLeft`: of the limit that is reached first. */
export type PinVerdict =
  | {
      readonly is: 'right';
      readonly authValue: Secret;
      /** Milliseconds that the derivation of the authValue took. */
      readonly kdfMs: number;
      /** What the TPM said of the authority's signature while the PIN was derived; null: it was not asked, or refused. */
      readonly ticket: Ticket | null;
      /** The pass that the PIN has begun; null: somebody else wanted the TPM. */
      readonly hold: TpmHold<BegunPass> | null;
      /** Strikes the try off the disk, once however often it is called; to be awaited before the next ceremony of this user. */
      readonly strikeOff: () => Promise<void>;
    }
  | { readonly is: 'wrong'; readonly triesLeft: number }
  | { readonly is: 'locked-out'; readonly error: UnlockdError };

const lockedOut = (lockout: Lockout, cause: unknown): UnlockdError => {
  const seconds = Math.max(lockedForSeconds(lockout), 1);
  return new UnlockdError('ERR_TPM_LOCKED_OUT', `the TPM is locked out: it forgets a try in at most ${seconds} s`, {
    detail: { waitSeconds: seconds, lockedForSeconds: seconds, counter: lockout.counter, maxTries: lockout.maxTries },
    cause,
  });
};

/**
 * A PIN that is made while the TPM is locked out could not be rehearsed; whoever wants to make one is told before typing.
 * @throws {ERR_TPM_LOCKED_OUT} with the longest wait; whatever the TPM says when it is not reachable
 */
export async function requireNoLockout(parts: ServiceParts, signal: AbortSignal): Promise<void> {
  const lockout = await parts.tpm.withTpm(signal, readLockout);
  if (lockout.inLockout) throw lockedOut(lockout, undefined);
}

/** Tries that are left before a limit, as far as the TPM can be asked. */
export async function pinTriesLeft(parts: ServiceParts, uid: number, lockout: Lockout | null): Promise<number> {
  const soft = await triesOf(parts, uid).left();
  return lockout === null ? soft : Math.min(soft, tpmTriesLeft(lockout));
}

/** A disk that cannot make the state file last keeps the counter where it is, and nobody out: a policy is good below its number. */
async function settle(parts: ServiceParts, root: RootSession, state: ContainerState): Promise<void> {
  try {
    await settleEpoch(root, state, () => parts.store.syncContainer(state.uid));
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_STATE_NOT_DURABLE')) throw error;
  }
}

/** A signature that is refused here is refused again by the pass, whose refusal is the one that is told. */
async function verifyAhead(tpm: Tpm, plan: PassPlan): Promise<Ticket | null> {
  try {
    return await verifyPlan(tpm, plan);
  } catch (error) {
    if (isTpmResponse(error)) return null;
    throw error;
  }
}

interface Derived {
  readonly authValue: Secret;
  readonly kdfMs: number;
}

async function derive(parts: ServiceParts, pin: Secret, salt: Uint8Array, logN: number): Promise<Derived> {
  const before = parts.clock.now();
  const authValue = await pinAuthValue(pin, salt, logN);
  return { authValue, kdfMs: parts.clock.now() - before };
}

export interface CheckOptions {
  /** Nobody waits for the verdict any more. */
  readonly signal: AbortSignal;
  /** Nobody waits for what a right PIN has begun any more. */
  readonly held: AbortSignal;
  /** False: the epoch of this state is not to be settled. */
  readonly settle: boolean;
  /** No try is spent before this; `signal` has aborted by then if none is to be. */
  readonly confirmed: Promise<void>;
}

type Judged = Exclude<PinVerdict, { is: 'right' }> | Omit<Extract<PinVerdict, { is: 'right' }>, 'hold'>;

/**
 * The PIN is derived on another thread while the TPM is made ready for it; the try is on the disk before the TPM hears
 * of it.
 * @param typed as the person typed it; zeroed here
 * @throws {ERR_PIN_SOFT_LIMIT} nothing was asked of the TPM
 * @throws {ERR_EPOCH_AHEAD | ERR_EPOCH_LOST | ERR_TPM_OTHER_DEVICE} no try was spent
 */
export async function checkPin(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
  typed: Secret,
  options: CheckOptions,
): Promise<PinVerdict> {
  const { pin, securityKey } = state.factors;
  if (pin === null) throw new UnlockdError('ERR_STATE_CORRUPT', 'container.factors.pin: the container has no PIN');
  const tries = triesOf(parts, state.uid);
  using clear = typed;
  using normalised = normalisePin(clear);
  const deriving = derive(parts, normalised, pin.salt, pin.logN);

  const judge = async (
    root: RootSession,
    keep: (close: () => Promise<void>) => void,
  ): Promise<FirstHalf<Judged, BegunPass>> => {
    await options.confirmed;
    options.signal.throwIfAborted();
    if (options.settle) await settle(parts, root, state);
    const softLeft = await tries.begin();
    // From the moment the TPM is given the PIN it may have judged it, also when its answer is lost.
    let judged = false;
    try {
      const pass = await PolicyPass.begin(root);
      keep(() => pass.close());
      const plan = planOf(state);
      const ticket = options.settle ? await verifyAhead(root.tpm, plan) : null;
      await pass.loadAhead('pin', pin.blob);
      if (securityKey !== null) await pass.loadAhead('securityKey', securityKey.blob);
      const { authValue, kdfMs } = await deriving;
      judged = true;
      const proof = { check: 'secret', blob: pin.blob, authValue } as const;
      await pass.prove('pin', proof, state.containerId, nameOfBlob(state.sealedKey));
      let striking: Promise<void> | null = null;
      const strikeOff = () => {
        striking ??= tries.succeeded();
        return striking;
      };
      const answer = { is: 'right', authValue, kdfMs, ticket, strikeOff } as const;
      const prepare = async () => {
        // In the key's time. The slots do not hold all three objects and their parent at once.
        await pass.flushProved();
        // By now the key has been asked. Whoever has the answer awaits this as well, and hears what goes wrong.
        strikeOff().catch(() => undefined);
        await pass.loadAhead('sealed', state.sealedKey);
        return { pass, plan: { ...plan, ticket } };
      };
      return { answer, prepare };
    } catch (error) {
      if (isUnlockdError(error, 'ERR_TPM_AUTH_FAILED')) {
        const lockout = await readLockout(root.tpm);
        const triesLeft = Math.min(softLeft, tpmTriesLeft(lockout));
        return { answer: { is: 'wrong', triesLeft }, prepare: null };
      }
      // The TPM has not judged the PIN, so the try is given back.
      if (!judged || isUnlockdError(error, 'ERR_TPM_LOCKED_OUT')) await tries.takeBack();
      if (!isUnlockdError(error, 'ERR_TPM_LOCKED_OUT')) throw error;
      return { answer: { is: 'locked-out', error: lockedOut(await readLockout(root.tpm), error) }, prepare: null };
    }
  };

  let right = false;
  try {
    const { answer, hold } = await parts.tpm.holdRoot(options, machine, judge);
    right = answer.is === 'right';
    return answer.is === 'right' ? { ...answer, hold } : answer;
  } finally {
    // Also where the TPM was never reached: what is derived must not outlive the check, nor its PIN the derivation.
    const derived = await deriving.catch(() => null);
    if (!right) derived?.authValue.dispose();
  }
}
