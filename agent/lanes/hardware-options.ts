/**
 * What the hardware lane is handed: whose daemon, whose hands, what may be destroyed. Nothing of it is looked for by the
 * lane itself, so that a test can hand in a machine that is not there.
 */
import type { Secret } from '../../drivers/base/secret.ts';
import type { HidHal } from '../../drivers/hal/hid.ts';
import type { ApiClient } from '../api/client.ts';
import type { ListedKey } from '../keys/list.ts';
import type { Hands } from '../operator/task.ts';

/** What is there of hardware as far as it can be seen without the daemon; null: it cannot be seen on this system. */
export interface Surface {
  readonly tpm: boolean | null;
  readonly bluetooth: boolean | null;
  readonly wifi: boolean | null;
  readonly ethernet: boolean | null;
}

export interface HardwareOptions {
  /** The daemon of this machine, over its socket. */
  readonly client: ApiClient;
  readonly socketPath: string;
  /** Who runs it, and whether that is root. */
  readonly uid: number;
  /** Opened when it is known that the machine has what is needed; closed by the lane. @throws {ERR_OPERATOR_*} */
  readonly hands: () => Hands;
  readonly hid: Pick<HidHal, 'list' | 'watch'>;
  /** What the keys that are plugged in say of themselves. Left out: they are not asked. */
  readonly describeKeys?: (options: { signal: AbortSignal }) => Promise<readonly ListedKey[]>;
  /** Left out: looked at in /dev and /sys. */
  readonly surface?: () => Surface;
  /** Left out: the real one. Runs `systemctl` with these arguments. @returns null when it did it, or why not, in words */
  readonly systemctl?: (args: readonly string[], options: { signal: AbortSignal }) => Promise<string | null>;
  /** A folder for a daemon of the run's own; null: the one of this machine is used. */
  readonly ownDaemon: string | null;
  /** What cannot be undone may be done, where it is confirmed. */
  readonly destructive: boolean;
  /** Asks for a typed word. @throws when it was not typed */
  readonly confirm: (what: string, word: string) => Promise<void>;
  /** Asks the person for the PIN of the security key itself; null: there is nobody to ask. */
  readonly readKeyPin: ((prompt: string, options: { signal: AbortSignal }) => Promise<Secret>) | null;
  /** Shows the owner's sheet; null: there is nowhere to show it. */
  readonly showSheet: ((sheet: Secret) => void) | null;
  /** Addresses of phones and thumbprints of roots, by the names of the walkthrough. */
  readonly phones: ReadonlyMap<string, string>;
  readonly roots: ReadonlyMap<string, string>;
}
