/** Looks at what is there before anything is asked or changed: the daemon's word where it runs, the system's else. */
import { isUnlockdError } from '../../drivers/base/errors.ts';
import type { ContainerStatus, PolicyView, Status } from '../api/ports.ts';
import type { HardwareOptions, Surface } from './hardware-options.ts';
import { surfaceOfThisMachine } from './hardware-system.ts';

export interface DaemonFound {
  readonly status: Status;
  readonly own: ContainerStatus['state'];
  /** Addresses of phones that are paired; null: Bluetooth cannot be asked, and `bluetoothProblem` says why. */
  readonly paired: readonly string[] | null;
  readonly bluetoothProblem: string | null;
  /** The kinds of signals that the daemon tells anything of. */
  readonly kinds: ReadonlySet<string>;
  /** Why a kind of signal is not there, in words, by its kind. A kind that is there is none of these. */
  readonly problems: ReadonlyMap<string, string>;
  readonly policy: PolicyView;
  /** Other users with a container; null: only root is told. */
  readonly others: number | null;
}

export interface Found {
  readonly surface: Surface;
  /** Null: it does not run, or does not answer this user; then `daemonProblem` says why. */
  readonly daemon: DaemonFound | null;
  readonly daemonProblem: string | null;
  readonly root: boolean;
  /** Security keys that are plugged in. */
  readonly keys: number;
}

type Looking = Pick<HardwareOptions, 'client' | 'uid' | 'hid'> & { readonly surface?: HardwareOptions['surface'] };

async function daemonFound({ client, uid }: Looking, signal: AbortSignal): Promise<DaemonFound> {
  const status = await client.status({ signal });
  const { signals } = await client.signals({ signal });
  const problems = signals.flatMap(({ kind, state, reason, detail }) =>
    state === 'unavailable' ? [[kind, detail ?? reason ?? 'it is not there'] as const] : [],
  );
  const phones = await client.phones({ signal });
  const policy = await client.policy({ signal });
  const users = uid === 0 ? await client.users({ signal }) : null;
  return {
    status,
    own: status.own.state,
    paired:
      phones.problem === null
        ? phones.phones.filter(({ paired }) => paired === true).map((each) => each.address)
        : null,
    bluetoothProblem: phones.problem?.message ?? null,
    kinds: new Set(signals.map(({ kind }) => kind)),
    problems: new Map(problems),
    policy,
    others: users === null ? null : users.filter((user) => user.uid !== uid && user.state !== 'none').length,
  };
}

/** @throws the signal's reason; a host that cannot list keys has none */
export async function lookAtHardware(looking: Looking, signal: AbortSignal): Promise<Found> {
  let daemon: DaemonFound | null = null;
  let daemonProblem: string | null = null;
  try {
    daemon = await daemonFound(looking, signal);
  } catch (error) {
    signal.throwIfAborted();
    daemonProblem = error instanceof Error ? error.message : String(error);
    // Someone else's fault than "it does not run" has a code that says what to do.
    if (isUnlockdError(error) && error.code !== 'ERR_DAEMON_NOT_RUNNING') daemonProblem += ` (${error.code})`;
  }
  const keys = await looking.hid.list({ signal }).then(
    (list) => list.length,
    () => 0,
  );
  signal.throwIfAborted();
  return { surface: (looking.surface ?? surfaceOfThisMachine)(), daemon, daemonProblem, root: looking.uid === 0, keys };
}
