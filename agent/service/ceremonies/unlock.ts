/**
 * `unlock`: the factors of the policy, a verdict, a grant, and the TPM releases the container key. On the way a PIN
 * that has expired is changed, and a newer policy of the machine is put in force.
 */
import { type Milliseconds, milliseconds, unixMs } from '../../../drivers/base/brand.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import type { CeremonyRequest } from '../../api/ports.ts';
import { PURPOSE, PURPOSE_WORDS, type UnlockContext } from '../../api/purpose.ts';
import { policyOf, viewOf } from '../../container/plan.ts';
import { UNLOCK_CONTEXT } from '../../container/references.ts';
import type { ContainerState, MachineState } from '../../container/state.ts';
import { pinExpiry } from '../../enrolment/pin/history.ts';
import type { Decision } from '../../policy/decision.ts';
import { twoLists } from '../../policy/lists.ts';
import type { UnlockPolicy } from '../../policy/model.ts';
import { ruleFailureDetail, ruleFailures } from '../../policy/rule-failures.ts';
import { requirementWords } from '../../policy/words.ts';
import { type CeremonyRun, Denied } from '../ceremony-run.ts';
import { type Collected, collectFactors } from '../collect.ts';
import { type CurrentPolicy, currentPolicy, requireContainer, requireMachine } from '../context.ts';
import { releaseContainerKey } from '../open-container.ts';
import type { ServiceParts } from '../parts.ts';
import { pinTriesLeft } from '../pin-check.ts';
import { upgradePolicy } from '../policy-upgrade.ts';
import { furtherWanted } from '../tightening.ts';
import { collectedFor, openingOf } from '../unlock-context.ts';
import { replacePin } from './pin-change.ts';

type UnlockRequest = Extract<CeremonyRequest, { kind: 'unlock' }>;

/** @throws {ERR_API_REQUEST_INVALID} */
export function checkPurpose(purpose: string): string {
  if (PURPOSE.test(purpose)) return purpose;
  throw new UnlockdError('ERR_API_REQUEST_INVALID', PURPOSE_WORDS);
}

function forgetAfter(parts: ServiceParts, request: UnlockRequest): Milliseconds | null {
  const asked = request.forSeconds === null ? null : milliseconds(request.forSeconds * 1000);
  const { forgetAfter: limit } = parts.settings;
  if (asked === null) return limit;
  return limit === null || asked < limit ? asked : limit;
}

/** Brings the container up to date with what was presented just now: an expired PIN, a newer policy. */
async function bringUpToDate(
  parts: ServiceParts,
  run: CeremonyRun,
  machine: MachineState,
  state: ContainerState,
  policy: UnlockPolicy,
  collected: Collected,
  current: Promise<CurrentPolicy>,
): Promise<{ state: ContainerState; notes: Readonly<Record<string, unknown>> }> {
  const { pin } = state.factors;
  const expiry = pin === null ? null : pinExpiry(unixMs(pin.setAt), policy.pin, parts.clock.wall());
  const managed = state.authority.kind === 'managed';
  // A managed machine cannot change a PIN by itself; whoever has just passed the policy is told, not kept out.
  if (expiry?.expired && managed) {
    const text = 'the PIN has expired, and the policy authority of this machine is elsewhere';
    run.refused(new UnlockdError('ERR_POLICY_SIGNER_UNREACHABLE', text));
  } else if (expiry?.expired) {
    run.emit({ type: 'progress', step: 'the PIN has expired: a new one is needed' });
    const next = await replacePin(parts, run, machine, state, collected, policy.pin);
    await parts.audit('pin-changed', state.uid, { epoch: policyOf(next).n, expired: true });
    return { state: next, notes: { pinChanged: true } };
  }
  const upgrade = await upgradePolicy(parts, machine, state, collected, current, run.signal);
  if (upgrade.is === 'done') {
    if (upgrade.pending !== null) run.refused(upgrade.pending);
    const { version } = policyOf(upgrade.state);
    const waits = upgrade.pending === null ? {} : { contextPending: upgrade.pending.code };
    return { state: upgrade.state, notes: { policyInForce: version, ...waits } };
  }
  const notes = expiry === null ? {} : expiry.expired ? { pinExpired: true } : { pinExpiresInDays: expiry.daysLeft };
  if (upgrade.is === 'none') return { state, notes };
  const { code, message, detail } = upgrade.why;
  const pending = new UnlockdError(code, `the newer policy is not in force, the old one stays: ${message}`, { detail });
  run.refused(pending);
  return { state, notes: { ...notes, policyPending: upgrade.why.code } };
}

/** The context, where it is another one than usual. */
const only = (context: UnlockContext): { readonly context?: string } => (context === UNLOCK_CONTEXT ? {} : { context });

/** Only the unlock of `unlock` itself changes a PIN that has expired. @throws {ERR_POLICY_DENIED} */
function requireValidPin(
  parts: ServiceParts,
  { factors: { pin }, authority }: ContainerState,
  policy: UnlockPolicy,
): void {
  if (pin === null || authority.kind === 'managed') return;
  if (!pinExpiry(unixMs(pin.setAt), policy.pin, parts.clock.wall())?.expired) return;
  throw new UnlockdError('ERR_POLICY_DENIED', 'the PIN has expired: change it first with `unlockctl pin change`');
}

/** The key of a context that was made just now. @throws what kept it from being made, which was told before */
async function releaseNew(
  parts: ServiceParts,
  run: CeremonyRun,
  machine: MachineState,
  state: ContainerState,
  context: UnlockContext,
  collected: Collected,
): Promise<Secret> {
  const view = context === UNLOCK_CONTEXT ? null : viewOf(state, context);
  if (view === null) throw new UnlockdError('ERR_POLICY_NO_BRANCH', `the context ${context} could not be made`);
  return await releaseContainerKey(parts, machine, view, collectedFor(parts, collected, view), run.signal);
}

/** Which rule kept the person out, and at which element. */
async function auditRules(parts: ServiceParts, uid: number, decision: Decision): Promise<void> {
  const { failures, more } = ruleFailures(decision);
  for (const failure of failures) await parts.audit('rule-failed', uid, ruleFailureDetail(failure));
  if (more > 0) await parts.audit('rule-failed', uid, { more });
}

/** What an unlock asks for, as the audit log has it: two lists, or the tree in words. */
function begunDetail({ require }: UnlockPolicy): Readonly<Record<string, string>> {
  const lists = twoLists(require);
  if (lists === null) return { require: requirementWords(require) };
  const [first, second] = lists;
  return { first: first.join(' '), second: second.join(' ') };
}

export async function unlockScript(
  parts: ServiceParts,
  run: CeremonyRun,
  request: UnlockRequest,
): Promise<Readonly<Record<string, unknown>>> {
  const purpose = request.purpose === null ? null : checkPurpose(request.purpose);
  const begunAt = parts.clock.now();
  const ms = (): number => Math.round(parts.clock.now() - begunAt);
  let begun: Promise<void> = Promise.resolve();
  try {
    const reading = requireContainer(parts, run.uid);
    const triesLeft = pinTriesLeft(parts, run.uid, null);
    // Read at the same time, but a machine that is not set up is told first.
    for (const beside of [reading, triesLeft]) beside.catch(() => undefined);
    const newest = currentPolicy(parts);
    newest.catch(() => undefined);
    const machine = await requireMachine(parts);
    const before = await reading;
    const { protects } = machine.lockout;
    const { context, view, policy } = await openingOf(parts, before, request.context ?? UNLOCK_CONTEXT, protects);
    if (context !== UNLOCK_CONTEXT) requireValidPin(parts, before, policy);
    const further = view === null ? null : await furtherWanted(machine, before, view, newest);
    // Written while the person is asked; what comes after it in the log waits for it there.
    begun = parts.audit('unlock-begun', run.uid, begunDetail(policy));
    begun.catch(() => undefined);
    using collected = await collectFactors(parts, machine, view ?? before, policy, run, {
      triesLeft,
      ...(further === null ? {} : { further }),
    });
    // Read while the TPM works. What fails here is told when it is needed.
    const current = currentPolicy(parts);
    current.catch(() => undefined);
    using opened = view === null ? null : await releaseContainerKey(parts, machine, view, collected, run.signal);
    const { kdfMs } = collected;
    const { deviceMs, writeMs } = collected.key;
    const { strength, factors } = collected.branch;
    // Before the key is kept: with an expired PIN that nobody replaces, the container stays locked.
    // What is presented for a context may be what a newer policy has waited for; it takes what `unlock` asks for as well.
    const forUnlock = view === null || context === UNLOCK_CONTEXT ? collected : collectedFor(parts, collected, before);
    const { state, notes } = await bringUpToDate(parts, run, machine, before, policy, forUnlock, current);
    using key = opened?.clone() ?? (await releaseNew(parts, run, machine, state, context, collected));
    await begun;
    // `lock` and suspend cancel: what they forgot must not come back.
    run.signal.throwIfAborted();
    parts.unlocked.add(run.uid, before.containerId, key.clone(), forgetAfter(parts, request), context);
    parts.unsettled.delete(run.uid);
    await parts.audit('unlocked', run.uid, {
      strength,
      purpose,
      ...only(context),
      factors: factors.join(' '),
      ms: ms(),
    });
    run.signal.throwIfAborted();
    if (purpose !== null)
      run.offer('purpose-key', parts.unlocked.purposeKey(run.uid, purpose, context), `key for ${purpose}`);
    const times = { deviceMs: Math.round(deviceMs), writeMs: Math.round(writeMs), kdfMs: Math.round(kdfMs) };
    const until = parts.unlocked.stateOf(run.uid, context)?.until ?? null;
    return { unlocked: true, ...only(context), strength, until, epoch: policyOf(state).n, ...times, ...notes };
  } catch (error) {
    await begun.catch(() => undefined);
    if (error instanceof UnlockdError) await parts.audit('unlock-refused', run.uid, { code: error.code, ms: ms() });
    if (error instanceof Denied && error.decision !== null) await auditRules(parts, run.uid, error.decision);
    throw error;
  }
}
