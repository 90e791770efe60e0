/** What a hardware run finds on machines that are not here: one with everything, and ones that lack something. */
import type { DaemonFound, Found } from '../../../agent/lanes/hardware-found.ts';
import type { Surface } from '../../../agent/lanes/hardware-options.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import type { Walkthrough } from '../../../agent/walkthrough/schema.ts';

export const EVERYTHING: Surface = { tpm: true, bluetooth: true, wifi: true, ethernet: true };
export const NOTHING: Surface = { tpm: false, bluetooth: false, wifi: false, ethernet: false };

export const daemonFound = (more: Partial<DaemonFound> = {}): DaemonFound => ({
  status: {
    version: '0.1.0',
    tpm: {
      description: 'a TPM',
      manufacturer: 'MAKR',
      testDouble: null,
      reachable: true,
      setUp: true,
      lockout: {
        counter: 0,
        maxTries: 32,
        recoverySeconds: 600,
        lockoutAuthSet: true,
        lockedForSeconds: 0,
        guessesPerDay: 144,
      },
      problem: null,
    },
    own: {
      uid: 0,
      user: 'root',
      state: 'none',
      unlockedUntil: null,
      policy: null,
      policyPending: false,
      strength: null,
      opensWith: null,
      pinTriesLeft: null,
      epoch: null,
      keys: 0,
    },
  },
  own: 'none',
  paired: ['aa:bb:cc:dd:ee:01'],
  bluetoothProblem: null,
  kinds: new Set(['bluetooth', 'ipConfig', 'wifi', 'fingerprint']),
  problems: new Map(),
  policy: {
    document: { version: 2 },
    words: 'first PIN, then security key',
    branches: [],
    authority: 'this-machine',
    signed: null,
    pending: [],
    warnings: [],
  },
  others: 0,
  ...more,
});

export const found = (more: Partial<Found> = {}): Found => ({
  surface: EVERYTHING,
  daemon: daemonFound(),
  daemonProblem: null,
  root: true,
  keys: 1,
  ...more,
});

/** A walkthrough from the parts that matter. */
export const walkthroughOf = (given: object, steps: readonly object[] = [{ lock: true }]): Walkthrough =>
  readWalkthrough(JSON.stringify({ walkthrough: 1, name: 'x', about: 'x', given, steps }), () => undefined);
