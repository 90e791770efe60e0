/**
 * What a walkthrough needs of a machine, from what it takes as given and from its steps, held against what was found.
 * Everything that is missing is said at once, each with what to connect or to do. Pure.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { rootsOf } from '../walkthrough/roots.ts';
import { isCeremony, type Step, type Walkthrough } from '../walkthrough/schema.ts';
import type { Found } from './hardware-found.ts';

/** One thing that is missing. */
export interface Missing {
  readonly what: string;
  /** What to do about it. */
  readonly words: string;
}

/** An error that lists it all, a line for each. */
export class HardwareMissing extends UnlockdError {
  readonly reasons: readonly Missing[];

  constructor(missing: readonly Missing[]) {
    const all = missing.map(({ what }) => what).join(', ');
    super('ERR_LANE_HARDWARE', `this machine lacks what the walkthrough needs: ${all}`, { detail: { missing: all } });
    this.reasons = missing;
  }
}

export interface Given {
  /** The run is about to start a daemon of its own. */
  readonly daemonComes: boolean;
  /** The run has, or is about to have, a daemon of its own: it sets it up. */
  readonly ownDaemon: boolean;
  readonly phones: ReadonlyMap<string, string>;
  readonly roots: ReadonlyMap<string, string>;
}

const list = (names: Iterable<string>): string => [...names].join(', ');

function* ofDaemon({ daemon, daemonProblem, surface }: Found, { daemonComes, ownDaemon }: Given): Generator<Missing> {
  if (daemonComes) {
    if (surface.tpm === false) yield NO_TPM;
    return;
  }
  if (daemon === null) {
    yield {
      what: 'the daemon',
      words: `${daemonProblem}; start it (systemctl start unlockd), or let the run have one of its own (--own-daemon FOLDER)`,
    };
    if (surface.tpm === false) yield NO_TPM;
    return;
  }
  const { tpm } = daemon.status;
  if (!tpm.reachable) yield { what: 'a TPM', words: tpm.problem?.message ?? 'it does not answer' };
  else if (!tpm.setUp && !ownDaemon)
    yield { what: 'the set-up of this machine', words: 'run `unlockctl setup` as root' };
}

const NO_TPM: Missing = {
  what: 'a TPM',
  words: 'there is no /dev/tpmrm0; switch the TPM on in the firmware of this machine, or put one in',
};

function* ofKeys({ keys }: Found, names: readonly string[]): Generator<Missing> {
  if (names.length === 0 || keys > 0) return;
  if (names.length === 1) {
    yield { what: 'a security key', words: `none is plugged in; plug in the one that is to be ${names[0]}` };
    return;
  }
  yield {
    what: `${names.length} security keys`,
    words: `none is plugged in; have ${list(names)} at hand and plug in one of them`,
  };
}

function* ofPhones({ daemon, surface }: Found, names: readonly string[], given: Given): Generator<Missing> {
  if (names.length === 0) return;
  const paired = daemon?.paired ?? null;
  if (surface.bluetooth === false) {
    yield { what: 'Bluetooth', words: 'there is no adapter; plug one in' };
    return;
  }
  if (daemon !== null && paired === null) {
    yield { what: 'Bluetooth', words: daemon.bluetoothProblem ?? 'the daemon cannot ask it' };
    return;
  }
  if (paired === null) return;
  for (const [name, address] of given.phones) {
    if (names.includes(name) && !paired.includes(address)) {
      yield { what: `the phone ${name}`, words: `${address} is not paired with this machine` };
    }
  }
  const unnamed = names.filter((name) => !given.phones.has(name));
  if (unnamed.length === 0 || (names.length === 1 && paired.length === 1)) return;
  const known = paired.length === 0 ? 'no phone is paired: pair it' : `paired are ${list(paired)}`;
  yield { what: `the phone ${list(unnamed)}`, words: `${known}; then say which it is (--phone ${unnamed[0]}=ADDRESS)` };
}

/** @param setting what switches it off */
function problemOf(daemon: Found['daemon'], kind: string, setting: string): string | null {
  if (daemon === null) return null;
  const off = `the daemon tells nothing of it: ${setting} is off`;
  return daemon.problems.get(kind) ?? (daemon.kinds.has(kind) ? null : off);
}

function* ofNetworks({ daemon, surface }: Found, { given }: Walkthrough, roots: Given['roots']): Generator<Missing> {
  const [wifi, wired] = [Object.keys(given.wifi), Object.keys(given.networks)];
  if (wifi.length > 0) {
    const problem = problemOf(daemon, 'wifi', 'signals.wifi');
    if (surface.wifi === false) {
      yield { what: 'Wi-Fi', words: `there is no adapter; plug one in, within reach of ${list(wifi)}` };
    } else if (problem !== null) yield { what: 'Wi-Fi', words: problem };
  }
  if (wired.length > 0) {
    const problem = problemOf(daemon, 'ipConfig', 'signals.network');
    if (surface.ethernet === false) {
      yield { what: 'Ethernet', words: `there is no socket for a cable; plug an adapter in, for ${list(wired)}` };
    } else if (problem !== null) yield { what: 'the networks', words: problem };
  }
  for (const root of rootsOf(given)) {
    if (!roots.has(root)) {
      yield {
        what: `the root ${root}`,
        words: `say which certificate the login server has it from (--root ${root}=SHA256)`,
      };
    }
  }
}

const usesFinger = (step: Step): boolean =>
  step.action === 'addFinger' || (isCeremony(step) && step.value.finger === 'other');

function* ofReader({ daemon }: Found, { given, steps }: Walkthrough): Generator<Missing> {
  if (given.fingerprint !== 'known' && !steps.some(usesFinger)) return;
  const problem = daemon?.problems.get('fingerprint');
  if (daemon !== null && problem !== undefined) {
    yield { what: 'a fingerprint reader', words: `${problem}; a finger is taught to it with fprintd-enroll` };
  }
}

/** What only root does, in words. */
const rootsWork = ({ given, steps }: Walkthrough): readonly string[] => [
  ...(given.policy === undefined ? [] : ['sets the policy that is given']),
  ...new Set(
    steps.flatMap(({ action }) => {
      if (action === 'setPolicy') return ['sets a policy'];
      if (action === 'setUp') return ['sets the machine up'];
      return action === 'daemon' || action === 'restart' ? ['stops and starts daemons'] : [];
    }),
  ),
];

/** Everything that is missing; nothing: the walkthrough can be run here. */
export function missingFor(walkthrough: Walkthrough, found: Found, given: Given): readonly Missing[] {
  const work = rootsWork(walkthrough);
  const needsRoot = work.length > 0 || given.ownDaemon;
  return [
    ...ofDaemon(found, given),
    ...ofKeys(found, Object.keys(walkthrough.given.keys)),
    ...ofPhones(found, Object.keys(walkthrough.given.phones), given),
    ...ofNetworks(found, walkthrough, given.roots),
    ...ofReader(found, walkthrough),
    ...(found.root || !needsRoot
      ? []
      : [
          {
            what: 'root',
            words: `it ${[...work, ...(given.ownDaemon ? ['starts a daemon'] : [])].join(', ')}; use sudo`,
          },
        ]),
  ];
}
