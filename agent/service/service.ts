/**
 * The agent's service: what the API's routes are answered by. It checks who may what, starts the ceremonies and keeps
 * them findable for the uid that began them, and answers the plain questions.
 */
import { milliseconds, seconds } from '../../drivers/base/brand.ts';
import { toHex } from '../../drivers/base/bytes.ts';
import { startDeadline } from '../../drivers/base/deadline.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { SerialQueue } from '../../drivers/base/queue.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import { mayCall, requirePermission } from '../api/permissions.ts';
import type {
  AgentService,
  AuditEvent,
  Ceremony,
  CeremonyRequest,
  ConfigRow,
  Peer,
  PhonesView,
  PolicyExplanation,
  PolicyFacts,
  PolicyView,
  SignalChange,
  SignalsView,
  Status,
  UserLine,
} from '../api/ports.ts';
import type { UnlockContext } from '../api/purpose.ts';
import type { ContainerState } from '../container/state.ts';
import { compileBranches } from '../policy/branches.ts';
import { parseDocument } from '../policy/forms/native-json.ts';
import { contextsOf, policyFor } from '../policy/model.ts';
import { biometricChangeScript } from './ceremonies/biometric-change.ts';
import { earlierKeyScript } from './ceremonies/earlier-key.ts';
import { enrolScript } from './ceremonies/enrol.ts';
import { keyAddScript, keyRevokeScript } from './ceremonies/key-set.ts';
import { lockoutResetScript } from './ceremonies/lockout-reset.ts';
import { phoneAddScript } from './ceremonies/phone-add.ts';
import { pinChangeScript } from './ceremonies/pin-change.ts';
import { recoverScript } from './ceremonies/recover.ts';
import { setupScript } from './ceremonies/setup.ts';
import { unenrolScript } from './ceremonies/unenrol.ts';
import { checkPurpose, unlockScript } from './ceremonies/unlock.ts';
import { CeremonyRun } from './ceremony-run.ts';
import { containerStatus, policyView, userLines } from './container-status.ts';
import { currentPolicy, nextPolicyVersion } from './context.ts';
import { givenDocument, requireSignature, signatureWarnings } from './document-signature.ts';
import { EpochLook } from './epoch-look.ts';
import { followGestures, lookAtGestures } from './gesture-look.ts';
import { policyApplyScript } from './managed.ts';
import type { ServiceParts } from './parts.ts';
import { phonesView } from './phones.ts';
import { policyExplanation } from './policy-explanation.ts';
import { policyFacts } from './policy-facts.ts';
import { policyRequest } from './policy-request.ts';
import { signalsNow, watchSignals } from './signals-view.ts';
import { readTpmStatus } from './tpm-status.ts';
import { isAwaited } from './unlock-context.ts';

/** How the audit log is read; the log itself is the composition's. */
export type AuditReader = (options: {
  readonly uid: number | null;
  readonly last: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}) => AsyncIterable<AuditEvent>;

/** How long a plain question waits for the TPM. */
const ANSWER_WITHIN = seconds(30);
/** How long a finished ceremony can still be asked for its events and secrets. */
const LINGER = milliseconds(60_000);
/** How many finished ceremonies of one uid can still be asked for; the oldest go first. */
const LINGERING = 8;

type Waiting = { readonly signal?: AbortSignal };
type Script = (run: CeremonyRun) => Promise<Readonly<Record<string, unknown>>>;

export class Service implements AgentService {
  readonly #parts: ServiceParts;
  readonly #readAudit: AuditReader;
  readonly #onFault: (error: unknown) => void;
  readonly #ceremonies = new Map<string, CeremonyRun>();
  /** Finished ceremonies in the order of their end, with what stops the timer of each. */
  readonly #lingering = new Map<CeremonyRun, () => void>();
  readonly #queues = new Map<number, SerialQueue>();
  /** Changes of the machine's policy: each has a number of its own. */
  readonly #policyQueue = new SerialQueue();
  readonly #epochs: EpochLook;

  constructor(parts: ServiceParts, readAudit: AuditReader, onFault: (error: unknown) => void) {
    this.#parts = parts;
    this.#epochs = new EpochLook(parts);
    this.#readAudit = readAudit;
    this.#onFault = onFault;
    // What waits for the surroundings waits without a request: what a suspend has ended must not go on by what comes after it.
    parts.sensors.ledger.onChange(() => this.#noticeSuspend());
  }

  async begin(peer: Peer, request: CeremonyRequest): Promise<Ceremony> {
    const target = request.kind === 'unenrol' ? (request.uid ?? peer.uid) : null;
    requirePermission(peer, request.kind, target);
    this.#noticeSuspend();
    const id = toHex(this.#parts.entropy.bytes(16));
    const run = new CeremonyRun({ id, kind: request.kind, uid: peer.uid });
    this.#ceremonies.set(id, run);
    const script = this.#script(request, target ?? peer.uid);
    // One after the other for each container: two changes of one container never overlap.
    const queue = this.#queueOf(target ?? peer.uid);
    if (queue.length > 0)
      run.emit({ type: 'progress', step: 'waiting until another command for this container has ended' });
    void queue.run(() => this.#perform(run, script)).then(() => this.#linger(run));
    return run;
  }

  /** A ceremony that nobody finishes is cancelled: others wait behind it. */
  async #perform(run: CeremonyRun, script: Script): Promise<void> {
    const stopTimer = this.#parts.clock.timer(this.#parts.settings.ceremonyWithin, () => run.cancel());
    try {
      await run.run(script, (error) => this.#report(error));
    } finally {
      stopTimer();
    }
  }

  #script(request: CeremonyRequest, uid: number): Script {
    const parts = this.#parts;
    switch (request.kind) {
      case 'setup':
        return (run) => setupScript(parts, run);
      case 'lockout-reset':
        return (run) => lockoutResetScript(parts, run);
      case 'enrol':
        return (run) => enrolScript(parts, run, request.phone ?? null);
      case 'unlock':
        return (run) => unlockScript(parts, run, request);
      case 'earlier-key':
        return (run) => earlierKeyScript(parts, run, request);
      case 'pin-change':
        return (run) => pinChangeScript(parts, run);
      case 'recover':
        return (run) => recoverScript(parts, run, request.phone ?? null);
      case 'key-add':
        return (run) => keyAddScript(parts, run, request.name);
      case 'key-revoke':
        return (run) => keyRevokeScript(parts, run, request.id);
      case 'phone-add':
        return (run) => phoneAddScript(parts, run, request.address);
      case 'biometric-add':
      case 'biometric-remove':
        return (run) => biometricChangeScript(parts, run, request.modality, request.kind === 'biometric-add');
      case 'unenrol':
        return (run) => unenrolScript(parts, run, uid);
      case 'policy-apply':
        return (run) => policyApplyScript(parts, run, request.document);
    }
  }

  #queueOf(uid: number): SerialQueue {
    const known = this.#queues.get(uid);
    if (known) return known;
    const queue = new SerialQueue();
    this.#queues.set(uid, queue);
    return queue;
  }

  #report(error: unknown): void {
    if (!isUnlockdError(error)) this.#onFault(error);
  }

  #linger(run: CeremonyRun): void {
    this.#lingering.set(
      run,
      this.#parts.clock.timer(LINGER, () => this.#drop(run)),
    );
    const own = [...this.#lingering.keys()].filter(({ uid }) => uid === run.uid);
    for (const oldest of own.slice(0, -LINGERING)) this.#drop(oldest);
  }

  #drop(run: CeremonyRun): void {
    this.#lingering.get(run)?.();
    this.#lingering.delete(run);
    run.wipe();
    this.#ceremonies.delete(run.id);
  }

  ceremony(peer: Peer, id: string): Ceremony {
    this.#noticeSuspend();
    const run = this.#ceremonies.get(id);
    if (run === undefined || run.uid !== peer.uid) {
      throw new UnlockdError('ERR_API_NO_SUCH_CEREMONY', 'there is no such ceremony');
    }
    return run;
  }

  async status(peer: Peer, options: Waiting = {}): Promise<Status> {
    requirePermission(peer, 'status');
    this.#noticeSuspend();
    const { tpm, store, settings } = this.#parts;
    const machine = await store.readMachine();
    const setUp = machine?.complete ?? false;
    using deadline = startDeadline(this.#parts.clock, ANSWER_WITHIN, { what: 'the status of the TPM', ...options });
    const { status, lockout } = await readTpmStatus(tpm.description, setUp, (use) =>
      deadline.race(tpm.withTpm(deadline.signal, use)),
    );
    const look = async (state: ContainerState): Promise<void> => {
      if (machine === null || !setUp || !status.reachable) return;
      // A TPM that stops answering now leaves what is known.
      await deadline.race(this.#epochs.look(machine, state, deadline.signal)).catch((error: unknown) => {
        if (!isUnlockdError(error)) throw error;
      });
    };
    const own = await containerStatus(this.#parts, peer.uid, machine, lockout, look);
    const dynamicLock = this.#parts.dynamicLock?.(peer.uid) ?? null;
    return { version: settings.version, tpm: status, own, ...(dynamicLock === null ? {} : { dynamicLock }) };
  }

  async users(peer: Peer): Promise<readonly UserLine[]> {
    requirePermission(peer, 'users');
    return await userLines(this.#parts, await this.#parts.store.readMachine());
  }

  async configuration(peer: Peer): Promise<readonly ConfigRow[]> {
    requirePermission(peer, 'configuration');
    return this.#parts.settings.configuration;
  }

  async lock(peer: Peer): Promise<{ readonly wasUnlocked: boolean }> {
    requirePermission(peer, 'lock');
    this.#noticeSuspend();
    return { wasUnlocked: await this.forget(peer.uid, 'asked') };
  }

  /**
   * Forgets the unlocked container of a user and cancels what is under way for them, for a reason of the daemon's own.
   * All is forgotten when this returns its promise; that waits for the audit log only.
   */
  async forget(uid: number, why: string): Promise<boolean> {
    this.#dropSecrets((run) => run.uid === uid);
    const wasUnlocked = this.#parts.unlocked.forget(uid);
    if (wasUnlocked) await this.#parts.audit('locked', uid, { why });
    return wasUnlocked;
  }

  async purposeKey(peer: Peer, purpose: string, context: UnlockContext = 'unlock'): Promise<Secret> {
    requirePermission(peer, 'purpose-key');
    this.#noticeSuspend();
    const own = await this.#keyContext(peer.uid, context);
    const key = this.#parts.unlocked.purposeKey(peer.uid, checkPurpose(purpose), own);
    await this.#parts.audit('purpose-key', peer.uid, { purpose, ...(own === 'unlock' ? {} : { context: own }) });
    return key;
  }

  /**
   * A context without a policy of its own has the key of `unlock`. One that the policy names and the container has not yet
   * has none: what was encrypted under that of `unlock` meanwhile would open by less than the context asks for.
   */
  async #keyContext(uid: number, context: UnlockContext): Promise<UnlockContext> {
    if (context === 'unlock') return context;
    const state = await this.#parts.store.readContainer(uid);
    if (state === null || state.contexts.some((known) => known.context === context)) return context;
    return (await isAwaited(this.#parts, state, context)) ? context : 'unlock';
  }

  async policy(peer: Peer): Promise<PolicyView> {
    requirePermission(peer, 'policy-show');
    const plain = await policyView(this.#parts, await this.#parts.store.readMachine());
    const view = { ...plain, warnings: [...plain.warnings, ...(await signatureWarnings(this.#parts))] };
    // Who else is enrolled is root's to know.
    return mayCall(peer, 'users') ? view : { ...view, pending: [], warnings: [] };
  }

  async setPolicy(peer: Peer, document: string): Promise<PolicyView> {
    requirePermission(peer, 'policy-set');
    const given = givenDocument(document);
    const parsed = parseDocument(given.document);
    // Queued before anything is waited for: who asks first gets the lower number.
    const { machine, replaced } = await this.#policyQueue.run(async () => {
      const signed = await requireSignature(this.#parts, given);
      const machine = await this.#parts.store.readMachine();
      const pinIsBound = machine?.lockout.protects ?? true;
      for (const context of contextsOf(parsed)) compileBranches(policyFor(parsed, context), { pinIsBound });
      const replaced = await currentPolicy(this.#parts).catch(() => null);
      const version = await nextPolicyVersion(this.#parts);
      await this.#parts.store.writePolicy({ version, document: given.document, ...signed });
      const { signature } = signed;
      const by = signature === null ? {} : { documentVersion: signature.documentVersion, key: toHex(signature.key) };
      await this.#parts.audit('policy-set', peer.uid, { version, ...by });
      return { machine, replaced };
    });
    this.#parts.policySet?.();
    return await policyView(this.#parts, machine, replaced?.document ?? null);
  }

  async explainPolicy(peer: Peer, context: UnlockContext = 'unlock'): Promise<PolicyExplanation> {
    requirePermission(peer, 'policy-explain');
    this.#noticeSuspend();
    return await policyExplanation(this.#parts, peer.uid, context);
  }

  async policyFacts(peer: Peer): Promise<PolicyFacts> {
    requirePermission(peer, 'policy-facts');
    return await policyFacts(this.#parts);
  }

  async signals(peer: Peer): Promise<SignalsView> {
    requirePermission(peer, 'signals');
    this.#noticeSuspend();
    const [sensed, gestures] = await Promise.all([
      signalsNow(this.#parts, peer.uid),
      lookAtGestures(this.#parts, peer.uid, { signal: new AbortController().signal }),
    ]);
    return { ...sensed, gestures };
  }

  watchSignals(peer: Peer, options: { signal: AbortSignal }): AsyncIterable<SignalChange> {
    requirePermission(peer, 'signals');
    return watchSignals(this.#parts, peer.uid, {
      ...options,
      gestures: (tell, waiting) => followGestures(this.#parts, peer.uid, tell, waiting),
    });
  }

  async phones(peer: Peer, options: Waiting = {}): Promise<PhonesView> {
    requirePermission(peer, 'phones');
    using deadline = startDeadline(this.#parts.clock, ANSWER_WITHIN, { what: 'the list of phones', ...options });
    return await deadline.race(phonesView(this.#parts, peer.uid, deadline.signal));
  }

  async removePhone(peer: Peer, address: string, uid: number | null): Promise<{ readonly removed: true }> {
    const target = uid ?? peer.uid;
    requirePermission(peer, 'phone-remove', target);
    await this.#parts.phones.remove(target, address);
    await this.#parts.audit('phone-removed', target, { address, by: peer.uid });
    return { removed: true };
  }

  async policyRequest(peer: Peer, options: Waiting = {}): Promise<unknown> {
    requirePermission(peer, 'policy-request');
    using deadline = startDeadline(this.#parts.clock, ANSWER_WITHIN, { what: 'the signing request', ...options });
    const { signal, race } = deadline;
    // It burns a number in the state file: never beside a change of the same container.
    return await race(this.#queueOf(peer.uid).run(() => policyRequest(this.#parts, peer.uid, signal), { signal }));
  }

  audit(peer: Peer, options: { last: number; follow: boolean; signal: AbortSignal }): AsyncIterable<AuditEvent> {
    const uid = peer.uid === 0 ? null : peer.uid;
    requirePermission(peer, 'events', uid);
    return this.#readAudit({ ...options, uid });
  }

  /** What is under way would end with a key; what has ended may hold secrets that nobody took. */
  #dropSecrets(of: (run: CeremonyRun) => boolean): void {
    for (const run of this.#ceremonies.values()) {
      if (!of(run)) continue;
      run.cancel();
      run.wipe();
    }
  }

  /** A suspend that nobody announced is made good at the first request after it, before that is answered. */
  #noticeSuspend(): void {
    if (this.#parts.slept()) this.forgetAll('suspend').catch(this.#onFault);
  }

  /**
   * Forgets every unlocked container and every secret at hand, and cancels what is under way: the machine suspends, or
   * the daemon stops. All is forgotten when this returns its promise; that waits for the audit log only.
   */
  async forgetAll(why: string): Promise<void> {
    this.#dropSecrets(() => true);
    // The clock of their age stands still in a suspend, and the machine may be somewhere else afterwards.
    if (why === 'suspend') this.#parts.sensors.forget();
    for (const uid of this.#parts.unlocked.forgetAll()) await this.#parts.audit('locked', uid, { why });
  }

  /** Forgets, cancels what is under way and waits until it has ended. */
  async stop(): Promise<void> {
    // First of all: what comes after it may wait for a TPM that never answers.
    const forgotten = this.forgetAll('stop');
    const ended = [...this.#queues.values()].map((queue) => queue.run(async () => undefined));
    await Promise.all([forgotten, ...ended]);
    await this.forgetAll('stop');
  }
}
