/** What the ceremonies work with; made once by the composition and handed to every script. */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import type { UnlockdError } from '../../drivers/base/errors.ts';
import type { TraceSink } from '../../drivers/base/trace.ts';
import type { KeyModels } from '../../drivers/fido2/security-key.ts';
import type { BiometricHal } from '../../drivers/hal/biometric.ts';
import type { BluetoothHal } from '../../drivers/hal/bluetooth.ts';
import type { HidHal } from '../../drivers/hal/hid.ts';
import type { AuditEvent, ConfigRow } from '../api/ports.ts';
import type { DocumentKey } from '../container/document-keys.ts';
import type { DurableFiles } from '../container/durable-files.ts';
import type { StateStore } from '../container/store.ts';
import type { PinTries, TriesLimit } from '../container/tries.ts';
import type { DynamicLockStatus } from '../dynamic-lock/words.ts';
import type { Sensors } from '../signals/sensors.ts';
import type { PhoneBook } from './phone-book.ts';
import type { TpmAccess } from './tpm-access.ts';
import type { UnlockedContainers } from './unlocked.ts';

export interface ServiceSettings {
  readonly stateFolder: string;
  readonly rootHandle: number;
  readonly softLimit: TriesLimit;
  /** How often a factor may be wrong in one attempt. */
  readonly attemptRetries: number;
  /** How long a ceremony may wait for its person in all. */
  readonly ceremonyWithin: Milliseconds;
  /** How long a whole unlock may take. */
  readonly unlockWithin: Milliseconds;
  readonly insertWithin: Milliseconds;
  readonly touchWithin: Milliseconds;
  /** Forget an unlocked container after this long unless the caller says otherwise; null: no limit. */
  readonly forgetAfter: Milliseconds | null;
  /** P-256 coordinates of the authority of a managed machine, for set-up. @throws {ERR_CONFIG_INVALID} */
  readonly managedAuthority: () => { readonly x: Uint8Array; readonly y: Uint8Array } | null;
  /** Keys of which one has to have signed every policy document; null: none has to. @throws {ERR_CONFIG_*} */
  readonly documentKeys?: () => readonly DocumentKey[] | null;
  /** Models of security keys that may be enrolled; left out: any. @throws {ERR_CONFIG_* | ERR_CTAP_METADATA_FILE} */
  readonly keyModels?: () => KeyModels;
  readonly version: string;
  /** What the daemon was started with, for `doctor`. */
  readonly configuration: readonly ConfigRow[];
}

/** Writes one line of the audit log durably. */
export type AuditWriter = (event: string, uid: number | null, detail: AuditEvent['detail']) => Promise<void>;

export interface ServiceParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly tpm: TpmAccess;
  readonly hid: HidHal | null;
  readonly bluetooth: BluetoothHal | null;
  readonly biometric: BiometricHal | null;
  readonly phones: PhoneBook;
  readonly simulated: boolean;
  readonly store: StateStore;
  readonly files: DurableFiles;
  readonly unlocked: UnlockedContainers;
  /** What lies around the machine. */
  readonly sensors: Sensors;
  /** What dynamic lock does for a uid now; null: this daemon has no such part. */
  readonly dynamicLock?: (uid: number) => DynamicLockStatus | null;
  /** Told when the machine's policy document was replaced. */
  readonly policySet?: () => void;
  /** Whether the machine was suspended since this was asked last. */
  readonly slept: () => boolean;
  /** The daemon's own limit on wrong PINs, by uid; filled as it is needed. */
  readonly tries: Map<number, PinTries>;
  /** Containers that start-up found in need of recovery, and why. */
  readonly unsettled: Map<number, UnlockdError>;
  readonly audit: AuditWriter;
  readonly trace: TraceSink;
  readonly settings: ServiceSettings;
  /** The name of a uid, for people. */
  readonly userName: (uid: number) => string;
}
