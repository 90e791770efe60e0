/**
 * What the API needs from the rest of the agent, as interfaces: the composition hands the implementations in. The API
 * authenticates the peer and moves bytes; every decision is taken behind these ports, which are told who asks.
 *
 * Everything that needs a factor, a touch or a secret is a *ceremony*: it is begun with JSON, tells what it wants as
 * events, takes secrets one slot at a time as raw bodies, and hands secrets out once, also raw.
 */
import type { Secret } from '../../drivers/base/secret.ts';
import type { UnlockContext } from './purpose.ts';

/** Who is on the other end of the socket, as the kernel says (SO_PEERCRED); never as the message says. */
export interface Peer {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
}

/** Secrets that travel from the person to the agent. Raw bodies, UTF-8, no trailing newline. */
export const SECRET_SLOTS_IN = [
  /** The PIN of the container. */
  'pin',
  /** The PIN that shall be the new one. */
  'new-pin',
  /** The security key's own PIN (CTAP clientPIN), where the key wants one. */
  'key-pin',
  /** A whole recovery sheet, all groups. */
  'recovery',
  /** The groups that enrolment and set-up ask back, in the order asked, separated by spaces. */
  'recovery-groups',
  /** The machine owner's sheet, where set-up meets a TPM that has been set up before. */
  'owner-recovery',
] as const;
export type SecretSlotIn = (typeof SECRET_SLOTS_IN)[number];

/** Secrets that travel from the agent to the person or program, each handed out exactly once. */
export const SECRET_SLOTS_OUT = ['recovery-sheet', 'owner-sheet', 'purpose-key'] as const;
export type SecretSlotOut = (typeof SECRET_SLOTS_OUT)[number];

export type CeremonyRequest =
  | { readonly kind: 'setup' }
  /** Root only: the owner's sheet makes the TPM forget its wrong tries. */
  | { readonly kind: 'lockout-reset' }
  /** `phone`: the address of a phone to be enrolled with it, where the policy takes one. */
  | { readonly kind: 'enrol'; readonly phone?: string }
  | {
      readonly kind: 'unlock';
      /** Names the derived key: HKDF of the container key under this purpose. Null: none is handed out. */
      readonly purpose: string | null;
      /** Forget after this many seconds; null: until `lock`, suspend or the daemon's stop. */
      readonly forSeconds: number | null;
      /** Left out: `unlock`. */
      readonly context?: UnlockContext;
    }
  /** The purpose key of the container before the newest recovery (1), or before older ones. */
  | {
      readonly kind: 'earlier-key';
      readonly purpose: string;
      readonly earlier: number;
      /** Left out: `unlock`. */
      readonly context?: UnlockContext;
    }
  | { readonly kind: 'pin-change' }
  | { readonly kind: 'recover'; readonly phone?: string }
  /** Another security key for the container, after a whole unlock. `name` null: it is called by its model. */
  | { readonly kind: 'key-add'; readonly name: string | null }
  /** A key that opens nothing any more. `id`: as the status lists it. */
  | { readonly kind: 'key-revoke'; readonly id: string }
  /** A paired phone is enrolled for the caller, after a whole unlock and a proof. */
  | { readonly kind: 'phone-add'; readonly address: string }
  /** What the system's reader recognises counts for the container from now on, or no more. */
  | { readonly kind: 'biometric-add' | 'biometric-remove'; readonly modality: 'fingerprint' | 'face' }
  /** `uid` null: the caller's own container. Another's only by root. */
  | { readonly kind: 'unenrol'; readonly uid: number | null }
  /** `document`: what the signer sent back, JSON text. */
  | { readonly kind: 'policy-apply'; readonly document: string };

export type CeremonyKind = CeremonyRequest['kind'];

/** An error as people see it: redacted, with what to do. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly cure: string;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

/** One line of the reason tree of a verdict, already in words. */
export interface ReasonLine {
  readonly depth: number;
  readonly ok: boolean;
  readonly text: string;
}

export type CeremonyEvent =
  /** The ceremony waits for a secret in this slot. `triesLeft`: of the limit that is reached first; null: not counted. */
  | {
      readonly type: 'prompt';
      readonly slot: SecretSlotIn;
      readonly text: string;
      readonly triesLeft: number | null;
      /** For `recovery-groups`: 1-based numbers of the groups asked back. */
      readonly groups?: readonly number[];
    }
  /** The ceremony waits for a key to be inserted or touched. */
  | { readonly type: 'insert'; readonly text: string }
  | { readonly type: 'touch'; readonly text: string; readonly device: string }
  /** A finger or a face is wanted. `again`: why the last try was none, in words; null: the first one. */
  | {
      readonly type: 'biometric';
      readonly modality: 'fingerprint' | 'face';
      readonly text: string;
      readonly again: string | null;
    }
  /** Something around the machine has to change; told again when the reasons change. */
  | {
      readonly type: 'waiting';
      /** The one that was asked for; the text and the reasons name every other one that would do as well. */
      readonly factor: 'phone' | 'network';
      readonly text: string;
      /** Why it is not there yet, down to the rule and its element. */
      readonly reasons: readonly ReasonLine[];
    }
  | { readonly type: 'progress'; readonly step: string }
  /** Something was refused and the ceremony goes on (a wrong PIN that may be tried again). */
  | { readonly type: 'refused'; readonly refusal: Refusal }
  /** A secret is ready to be taken, once. */
  | { readonly type: 'secret'; readonly slot: SecretSlotOut; readonly text: string }
  | { readonly type: 'done'; readonly result: Readonly<Record<string, unknown>> }
  | { readonly type: 'failed'; readonly refusal: Refusal; readonly reasons: readonly ReasonLine[] };

export interface Ceremony {
  readonly id: string;
  readonly kind: CeremonyKind;
  /** The uid that began it; nobody else may touch it. */
  readonly uid: number;
  /** Every event from the first, also for a listener that comes late. Ends after `done` or `failed`. */
  events(options: { signal: AbortSignal }): AsyncIterable<CeremonyEvent>;
  /**
   * Gives the ceremony a secret and with it its ownership.
   * @throws {ERR_API_SLOT_NOT_WANTED} when the ceremony does not wait for this slot (the secret is zeroed)
   */
  supply(slot: SecretSlotIn, secret: Secret): void;
  /** @throws {ERR_API_SLOT_EMPTY} when nothing is there or it was taken before. The caller owns the secret. */
  take(slot: SecretSlotOut): Secret;
  /** Ends it with ERR_API_CEREMONY_CANCELLED; on the wire too (CTAPHID_CANCEL). Idempotent. */
  cancel(): void;
}

/** A security key of a container. */
export interface EnrolledKey {
  /** Eight hexadecimal digits. */
  readonly id: string;
  readonly label: string;
  /** AAGUID, 32 hexadecimal digits. */
  readonly model: string;
  /** The key verifies its user whenever it is used. */
  readonly userVerification: boolean;
}

export interface ContainerStatus {
  readonly uid: number;
  readonly user: string;
  readonly state: 'none' | 'pending-signature' | 'locked' | 'unlocked' | 'recovery-needed';
  /** Wall-clock milliseconds; null: no time limit or not unlocked. */
  readonly unlockedUntil: number | null;
  /** The policy in force in words: `first PIN, then security key`. */
  readonly policy: string | null;
  /** A newer policy waits for this user's next unlock. */
  readonly policyPending: boolean;
  readonly strength: 'bound-2' | 'bound-1' | 'asserted' | null;
  /** `this machine + the PIN + a security key`. */
  readonly opensWith: string | null;
  readonly pinTriesLeft: number | null;
  readonly epoch: number | null;
  readonly keys: number;
  /** Left out: none. */
  readonly securityKeys?: readonly EnrolledKey[];
  /** Contexts with a key of their own beside `unlock`; left out: none. */
  readonly contexts?: readonly {
    readonly context: UnlockContext;
    readonly unlocked: boolean;
    readonly policy: string;
    readonly strength: ContainerStatus['strength'];
    readonly opensWith: string;
  }[];
}

export interface TpmStatus {
  readonly description: string;
  readonly manufacturer: string | null;
  /** `IBM SW TPM: a test double, no protection`; null for real ones. */
  readonly testDouble: string | null;
  readonly reachable: boolean;
  readonly setUp: boolean;
  readonly lockout: {
    readonly counter: number;
    readonly maxTries: number;
    readonly recoverySeconds: number;
    readonly lockoutAuthSet: boolean;
    /** Upper bound, seconds; 0: not locked out. */
    readonly lockedForSeconds: number;
    readonly guessesPerDay: number | null;
  } | null;
  readonly problem: Refusal | null;
}

export interface Status {
  readonly version: string;
  readonly tpm: TpmStatus;
  readonly own: ContainerStatus;
  /** Absent: this daemon has no such part. */
  readonly dynamicLock?: DynamicLockView;
}

/** What the phone's leaving does for the caller now. */
export interface DynamicLockView {
  readonly state: 'off' | 'cannot' | 'never-seen' | 'near' | 'away' | 'locked';
  /** In words: `your phone is near`. */
  readonly text: string;
}

export interface UserLine {
  readonly uid: number;
  readonly user: string;
  readonly state: ContainerStatus['state'];
  readonly strength: ContainerStatus['strength'];
  readonly policyPending: boolean;
}

export interface PolicyView {
  /** The document as it was set, JSON. */
  readonly document: unknown;
  readonly words: string;
  readonly branches: readonly {
    readonly factors: readonly string[];
    readonly strength: string;
    readonly words: string;
  }[];
  readonly authority: 'this-machine' | 'managed';
  /** Null: the document was not signed, or no signature was asked for. `key`: SHA-256, hexadecimal. */
  readonly signed: { readonly version: number; readonly key: string } | null;
  /** Names of users whose container still runs under an older policy. */
  readonly pending: readonly string[];
  /** In words: what it lacks here and who cannot follow; when it has just been set, also what got weaker. */
  readonly warnings: readonly string[];
}

/** A phone that is enrolled, or that is paired and could be. */
export interface PhoneLine {
  readonly address: string;
  readonly name: string | null;
  /** `null`: not enrolled for the caller. Root sees whose it is. */
  readonly uid: number | null;
  readonly enrolledAt: number | null;
  /** Whether it is still paired with this machine; null: Bluetooth cannot be asked. */
  readonly paired: boolean | null;
  /** Strength of the pairing, in words: `authenticated`; null: not paired. */
  readonly key: string | null;
  /** Whether only the very pairing counts that it was enrolled with; false: any at its address. Null: not enrolled. */
  readonly pinned: boolean | null;
}

export interface PhonesView {
  readonly phones: readonly PhoneLine[];
  /** Why Bluetooth cannot be asked; null: it can. */
  readonly problem: Refusal | null;
}

/** A signal as the driver told it: a `FactorSignal` without other users' phones. */
export interface SensedSignal {
  readonly kind: string;
  readonly state: string;
  readonly source: string;
  /** Milliseconds on the daemon's monotonic clock. */
  readonly observedAt: number;
  /** Milliseconds from `observedAt`. */
  readonly validFor: number;
  readonly simulated: boolean;
  readonly observation?: unknown;
  readonly reason?: string;
  readonly detail?: string;
  readonly strength?: string;
  readonly evidence?: Readonly<Record<string, string | number | boolean>>;
}

export interface SignalsView {
  /** The daemon's monotonic clock, which every `observedAt` is on. */
  readonly now: number;
  /** The freshest of each kind, stale ones included. */
  readonly signals: readonly SensedSignal[];
  /** PIN, security key, fingerprint, face: whether the caller could present it now. Satisfies nothing. */
  readonly gestures: readonly SensedSignal[];
}

export type SignalChange =
  | { readonly type: 'signal'; readonly now: number; readonly signal: SensedSignal }
  /** As in {@link SignalsView.gestures}. */
  | { readonly type: 'gesture'; readonly now: number; readonly signal: SensedSignal }
  /** Nothing is known of this kind any more. */
  | { readonly type: 'lost'; readonly now: number; readonly kind: string };

/** What users have enrolled, for `policy lint` and `policy risk`. */
export interface PolicyFacts {
  /** Whether the TPM of this machine limits tries at the PIN. */
  readonly pinIsBound: boolean;
  readonly users: readonly {
    readonly user: string;
    readonly gestures: readonly string[];
    /** Security keys. */
    readonly keys: number;
    /** Phones that are enrolled for the user. */
    readonly phones: number;
  }[];
  /** Users whose container cannot be read: nothing is known of them. */
  readonly unread: readonly string[];
}

/** What the policy says of the caller now, with nothing presented yet. */
export interface PolicyExplanation {
  /** Whose policy: that of the own container as it is sealed, or that of the machine. */
  readonly of: 'container' | 'machine';
  /** The context whose policy it is: `unlock` where the one that was asked for has none of its own. */
  readonly context: UnlockContext;
  readonly words: string;
  readonly verdict: 'granted' | 'denied';
  readonly reasons: readonly ReasonLine[];
  /** The fewest factors that would turn it into a grant, one entry for each way. */
  readonly missing: readonly (readonly string[])[];
  readonly missingWords: string;
}

/** One setting of the daemon as it was started. */
export interface ConfigRow {
  /** `tpm.tcti` */
  readonly key: string;
  readonly value: string;
  readonly unit: string;
  readonly default: string;
  /** `default`, `file:/etc/unlockd/unlockd.toml:12`, `env:UNLOCKD_TPM_TCTI` or `flag`. */
  readonly origin: string;
}

/** One line of the audit log, as `unlockctl events` shows it. */
export interface AuditEvent {
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly event: string;
  readonly uid: number | null;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

/** Every method is told who asks and refuses with ERR_API_FORBIDDEN what the table in docs/reference does not allow. */
export interface AgentService {
  begin(peer: Peer, request: CeremonyRequest): Promise<Ceremony>;
  /** @throws {ERR_API_NO_SUCH_CEREMONY} also for ceremonies of other uids, so that their ids cannot be probed */
  ceremony(peer: Peer, id: string): Ceremony;
  /** `signal`: nobody waits for the answer any more. */
  status(peer: Peer, options?: { readonly signal: AbortSignal }): Promise<Status>;
  /** Root only. */
  users(peer: Peer): Promise<readonly UserLine[]>;
  /** Root only: the configuration that the daemon was started with. */
  configuration(peer: Peer): Promise<readonly ConfigRow[]>;
  /** The own container; forgets the keys. */
  lock(peer: Peer): Promise<{ readonly wasUnlocked: boolean }>;
  /**
   * A purpose key of a container that is already unlocked.
   * @throws {ERR_CONTAINER_LOCKED}
   */
  purposeKey(peer: Peer, purpose: string, context?: UnlockContext): Promise<Secret>;
  policy(peer: Peer): Promise<PolicyView>;
  /** The policy held against what is around the machine now. */
  explainPolicy(peer: Peer, context?: UnlockContext): Promise<PolicyExplanation>;
  /** Root only. */
  policyFacts(peer: Peer): Promise<PolicyFacts>;
  /** What the machine senses around it; of phones the caller's own. */
  signals(peer: Peer): Promise<SignalsView>;
  /** The caller's phones, and paired ones that are nobody's; for root all. */
  phones(peer: Peer, options?: { readonly signal: AbortSignal }): Promise<PhonesView>;
  /** Removes an enrolled phone of the caller; root may name another uid. @throws {ERR_PHONE_UNKNOWN} */
  removePhone(peer: Peer, address: string, uid: number | null): Promise<{ readonly removed: true }>;
  /** First what is known, then every change, until `signal` aborts. */
  watchSignals(peer: Peer, options: { signal: AbortSignal }): AsyncIterable<SignalChange>;
  /** Root only. `document`: JSON text. */
  setPolicy(peer: Peer, document: string): Promise<PolicyView>;
  /** The signing request of the own container, JSON. @throws {ERR_POLICY_NOT_MANAGED} */
  policyRequest(peer: Peer, options?: { readonly signal: AbortSignal }): Promise<unknown>;
  /** Own events; root: all. First what is in the log (the newest `last`), then, if `follow`, what comes. */
  audit(peer: Peer, options: { last: number; follow: boolean; signal: AbortSignal }): AsyncIterable<AuditEvent>;
}
