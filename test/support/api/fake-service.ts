import { requirePermission } from '../../../agent/api/permissions.ts';
import type {
  AgentService,
  AuditEvent,
  Ceremony,
  CeremonyRequest,
  ContainerStatus,
  Peer,
  PhoneLine,
  PhonesView,
  PolicyExplanation,
  PolicyFacts,
  PolicyView,
  SensedSignal,
  SignalChange,
  SignalsView,
  UserLine,
} from '../../../agent/api/ports.ts';
import type { UnlockContext } from '../../../agent/api/purpose.ts';
import { toRefusal } from '../../../agent/api/refusal.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { Bell, FakeCeremony } from './fake-ceremony.ts';

interface FakeContainer {
  pin: string;
  tries: number;
  unlockedUntil: number | null;
  unlocked: boolean;
}

export class FakeService implements AgentService {
  /** Every call with the peer that the API passed. */
  readonly calls: { method: string; peer: Peer }[] = [];
  readonly ceremonies = new Map<string, FakeCeremony>();
  readonly containers = new Map<number, FakeContainer>();
  readonly log: AuditEvent[] = [];
  /** What the sheets say, to look for in outputs. */
  readonly sheet = 'AAAAA BBBBB CCCCC DDDDD EEEEE FFFFF';
  /** Thrown by the next call of anything. */
  breakNext: unknown = null;
  setUp = true;
  managed = false;
  sensed: SensedSignal[] = [];
  gestures: SensedSignal[] = [];
  paired: PhoneLine[] = [];
  /** Contexts with a policy of their own. */
  ownContexts: UnlockContext[] = ['unlock'];
  facts: PolicyFacts = { pinIsBound: true, users: [], unread: [] };
  policyDocument: unknown = JSON.parse('{ "first": ["pin"], "then": ["security-key"] }');
  readonly #bell = new Bell();

  #enter(method: string, peer: Peer): void {
    this.calls.push({ method, peer });
    const error = this.breakNext;
    this.breakNext = null;
    if (error !== null) throw error;
  }

  addUser(uid: number, pin = '271828'): FakeContainer {
    const container: FakeContainer = { pin, tries: 5, unlockedUntil: null, unlocked: false };
    this.containers.set(uid, container);
    return container;
  }

  audited(event: string, uid: number | null): void {
    this.log.push({ seq: this.log.length + 1, at: '2026-01-02T03:04:05.000Z', event, uid, detail: {} });
    this.#bell.ring();
  }

  async begin(peer: Peer, request: CeremonyRequest): Promise<Ceremony> {
    this.#enter(`begin ${request.kind}`, peer);
    requirePermission(peer, request.kind, request.kind === 'unenrol' ? request.uid : null);
    const ceremony = new FakeCeremony(peer.uid, request.kind);
    this.ceremonies.set(ceremony.id, ceremony);
    void this.#perform(ceremony, request).catch((error: unknown) => ceremony.fail(error));
    return ceremony;
  }

  ceremony(peer: Peer, id: string): Ceremony {
    this.#enter('ceremony', peer);
    const found = this.ceremonies.get(id);
    if (found === undefined || found.uid !== peer.uid) {
      throw new UnlockdError('ERR_API_NO_SUCH_CEREMONY', 'there is no such ceremony');
    }
    return found;
  }

  #container(uid: number): FakeContainer {
    const container = this.containers.get(uid);
    if (container === undefined) throw new UnlockdError('ERR_CONTAINER_MISSING', `uid ${uid} is not enrolled`);
    return container;
  }

  async #askPin(ceremony: FakeCeremony, container: FakeContainer): Promise<void> {
    for (;;) {
      const pin = await ceremony.ask('pin', 'PIN', container.tries);
      if (pin === container.pin) {
        container.tries = 5;
        return;
      }
      container.tries--;
      const wrong = new UnlockdError('ERR_PIN_WRONG', 'the PIN is wrong', { detail: { triesLeft: container.tries } });
      if (container.tries === 0) throw wrong;
      ceremony.emit({ type: 'refused', refusal: toRefusal(wrong) });
    }
  }

  async #perform(ceremony: FakeCeremony, request: CeremonyRequest): Promise<void> {
    const { uid } = ceremony;
    const sheet = Buffer.from(this.sheet, 'utf8');
    switch (request.kind) {
      case 'setup':
      case 'enrol': {
        if (request.kind === 'enrol') this.addUser(uid, await ceremony.ask('new-pin', 'New PIN', null));
        const slot = request.kind === 'enrol' ? 'recovery-sheet' : 'owner-sheet';
        ceremony.handOut(slot, 'Write this down', sheet);
        const groups = await ceremony.ask('recovery-groups', 'Groups 2 and 5', null, [2, 5]);
        if (groups.trim() !== 'BBBBB EEEEE') throw new UnlockdError('ERR_RECOVERY_NOT_CONFIRMED', 'other groups');
        ceremony.emit({ type: 'done', result: { user: uid } });
        return;
      }
      case 'unlock': {
        const container = this.#container(uid);
        await this.#askPin(ceremony, container);
        ceremony.emit({ type: 'touch', text: 'Touch your security key now', device: 'a test key' });
        container.unlocked = true;
        if (request.purpose !== null) ceremony.handOut('purpose-key', request.purpose, this.keyOf(request.purpose));
        ceremony.emit({ type: 'done', result: { purpose: request.purpose, forSeconds: request.forSeconds } });
        return;
      }
      case 'pin-change': {
        const container = this.#container(uid);
        await this.#askPin(ceremony, container);
        container.pin = await ceremony.ask('new-pin', 'New PIN', null);
        ceremony.emit({ type: 'done', result: {} });
        return;
      }
      case 'recover': {
        const typed = await ceremony.ask('recovery', 'Recovery sheet', null);
        if (typed !== this.sheet) throw new UnlockdError('ERR_RECOVERY_WRONG', 'another sheet');
        this.addUser(uid, await ceremony.ask('new-pin', 'New PIN', null));
        ceremony.handOut('recovery-sheet', 'Write this down', sheet);
        ceremony.emit({ type: 'done', result: {} });
        return;
      }
      case 'phone-add':
        this.paired.push({
          address: request.address,
          name: 'a test phone',
          uid,
          enrolledAt: 0,
          paired: true,
          key: 'authenticated',
          pinned: true,
        });
        ceremony.emit({ type: 'done', result: { added: true, address: request.address, name: 'a test phone' } });
        return;
      case 'key-add':
        ceremony.emit({ type: 'done', result: { added: true, id: '0123abcd', label: request.name ?? 'a key' } });
        return;
      case 'key-revoke':
        ceremony.emit({ type: 'done', result: { revoked: true, id: request.id, label: 'a key' } });
        return;
      case 'biometric-add':
      case 'biometric-remove':
        ceremony.emit({ type: 'biometric', modality: request.modality, text: 'Show it', again: null });
        ceremony.emit({ type: 'biometric', modality: request.modality, text: 'Show it', again: 'that was too fast' });
        ceremony.emit({ type: 'done', result: { modality: request.modality } });
        return;
      case 'unenrol':
        this.containers.delete(request.uid ?? uid);
        ceremony.emit({ type: 'done', result: { removed: request.uid ?? uid } });
        return;
      case 'policy-apply':
        ceremony.emit({ type: 'progress', step: 'the signature is checked' });
        ceremony.emit({ type: 'done', result: { length: request.document.length } });
    }
  }

  /** The key of a purpose: 32 bytes that the tests can compute as well. */
  keyOf(purpose: string): Uint8Array {
    return Buffer.from(purpose.padEnd(32, '.').slice(0, 32), 'utf8');
  }

  async status(peer: Peer) {
    this.#enter('status', peer);
    const container = this.containers.get(peer.uid);
    const state: ContainerStatus['state'] =
      container === undefined ? 'none' : container.unlocked ? 'unlocked' : 'locked';
    return {
      version: '0.0.0-test',
      tpm: {
        description: 'a test TPM',
        manufacturer: null,
        testDouble: 'no TPM at all',
        reachable: true,
        setUp: this.setUp,
        lockout: null,
        problem: null,
      },
      own: {
        uid: peer.uid,
        user: `user-${peer.uid}`,
        state,
        unlockedUntil: container?.unlockedUntil ?? null,
        policy: container === undefined ? null : 'first PIN, then security key',
        policyPending: false,
        strength: container === undefined ? null : ('bound-2' as const),
        opensWith: container === undefined ? null : 'this machine + the PIN + a security key',
        pinTriesLeft: container?.tries ?? null,
        epoch: 1,
        keys: container === undefined ? 0 : 1,
      },
    };
  }

  async users(peer: Peer): Promise<readonly UserLine[]> {
    this.#enter('users', peer);
    requirePermission(peer, 'users');
    return [...this.containers].map(([uid, { unlocked }]) => ({
      uid,
      user: `user-${uid}`,
      state: unlocked ? ('unlocked' as const) : ('locked' as const),
      strength: 'bound-2' as const,
      policyPending: false,
    }));
  }

  async configuration(peer: Peer) {
    this.#enter('configuration', peer);
    requirePermission(peer, 'configuration');
    return [
      { key: 'tpm.tcti', value: 'device:/dev/tpmrm7', unit: 'TCTI', default: 'device:/dev/tpmrm0', origin: 'flag' },
    ];
  }

  async lock(peer: Peer) {
    this.#enter('lock', peer);
    const container = this.#container(peer.uid);
    const wasUnlocked = container.unlocked;
    container.unlocked = false;
    return { wasUnlocked };
  }

  async purposeKey(peer: Peer, purpose: string): Promise<Secret> {
    this.#enter('purposeKey', peer);
    if (!this.#container(peer.uid).unlocked) throw new UnlockdError('ERR_CONTAINER_LOCKED', 'locked');
    return Secret.copyOf(this.keyOf(purpose));
  }

  #view(): PolicyView {
    return {
      document: this.policyDocument,
      words: 'first PIN, then security key',
      branches: [{ factors: ['pin', 'security-key'], strength: 'bound-2', words: 'the PIN and a security key' }],
      authority: this.managed ? 'managed' : 'this-machine',
      signed: null,
      pending: [],
      warnings: [],
    };
  }

  async policy(peer: Peer) {
    this.#enter('policy', peer);
    return this.#view();
  }

  async setPolicy(peer: Peer, document: string) {
    this.#enter('setPolicy', peer);
    requirePermission(peer, 'policy-set');
    this.policyDocument = JSON.parse(document);
    return { ...this.#view(), warnings: ['this got weaker'] };
  }

  async policyFacts(peer: Peer): Promise<PolicyFacts> {
    this.#enter('policyFacts', peer);
    requirePermission(peer, 'policy-facts');
    return this.facts;
  }

  async explainPolicy(peer: Peer, context: UnlockContext = 'unlock'): Promise<PolicyExplanation> {
    this.#enter('explainPolicy', peer);
    const reasons = [{ depth: 0, ok: false, text: 'denied: no pair of factors of the policy is satisfied' }];
    const missing = [['pin', 'securityKey']];
    return {
      of: 'machine',
      context: this.ownContexts.includes(context) ? context : 'unlock',
      words: 'two',
      verdict: 'denied',
      reasons,
      missing,
      missingWords: 'the PIN + a security key',
    };
  }

  async signals(peer: Peer): Promise<SignalsView> {
    this.#enter('signals', peer);
    return { now: 2000, signals: this.sensed, gestures: this.gestures };
  }

  async phones(peer: Peer): Promise<PhonesView> {
    this.#enter('phones', peer);
    return { phones: this.paired, problem: null };
  }

  async removePhone(peer: Peer, address: string, uid: number | null): Promise<{ readonly removed: true }> {
    this.#enter('removePhone', peer);
    requirePermission(peer, 'phone-remove', uid);
    const found = this.paired.findIndex((phone) => phone.address === address && phone.uid === (uid ?? peer.uid));
    if (found < 0) throw new UnlockdError('ERR_PHONE_UNKNOWN', `${address} is not enrolled`);
    this.paired.splice(found, 1);
    return { removed: true };
  }

  async *watchSignals(peer: Peer, { signal }: { signal: AbortSignal }): AsyncGenerator<SignalChange> {
    this.#enter('watchSignals', peer);
    for (const sensed of this.sensed) yield { type: 'signal', now: 2000, signal: sensed };
    for (const gesture of this.gestures) yield { type: 'gesture', now: 2000, signal: gesture };
    yield { type: 'lost', now: 2000, kind: 'wifi' };
    while (!signal.aborted) await this.#bell.wait(signal);
  }

  async policyRequest(peer: Peer): Promise<unknown> {
    this.#enter('policyRequest', peer);
    if (!this.managed) throw new UnlockdError('ERR_POLICY_NOT_MANAGED', 'this machine signs for itself');
    return { container: peer.uid, template: 'unlockd policy v1' };
  }

  async *audit(
    peer: Peer,
    options: { last: number; follow: boolean; signal: AbortSignal },
  ): AsyncGenerator<AuditEvent> {
    this.#enter('audit', peer);
    const visible = (event: AuditEvent) => peer.uid === 0 || event.uid === peer.uid;
    const from = options.last === 0 ? this.log.length : Math.max(0, this.log.length - options.last);
    for (let at = from; ; at++) {
      while (at >= this.log.length) {
        if (!options.follow || options.signal.aborted) return;
        await this.#bell.wait(options.signal);
      }
      const event = this.log[at];
      if (event !== undefined && visible(event)) yield event;
    }
  }
}
