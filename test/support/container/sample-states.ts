/** One value of each small state file, filled from fixed numbers: what the version-1 fixtures were made of. */
import type { MachinePolicy } from '../../../agent/container/machine-policy.ts';
import type { PendingRequest } from '../../../agent/container/pending-request.ts';
import type { Records } from '../../../agent/container/records.ts';
import type { EnrolmentIntent, MachineState } from '../../../agent/container/state.ts';
import type { Entropy } from '../../../drivers/base/entropy.ts';

export const run = (length: number, from: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (from + i) & 0xff);

export const SAMPLE_MACHINE: MachineState = {
  machineId: run(16, 1),
  setUpAt: 1_767_225_600_000,
  rootHandle: 0x81000001,
  rootPublic: run(122, 2),
  rootName: run(34, 3),
  complete: true,
  lockout: { auth: 'ours', protects: true, wrap: run(60, 4) },
  managedAuthority: { x: run(32, 5), y: run(32, 6) },
};

export const SAMPLE_POLICY: MachinePolicy = {
  version: 3,
  document: '{"version":1,"first":["pin"],"then":["face"]}',
  signature: null,
  signedUpTo: 0,
};

export const SIGNED_POLICY: MachinePolicy = {
  ...SAMPLE_POLICY,
  signature: { documentVersion: 7, key: run(32, 40), signature: run(64, 41) },
  signedUpTo: 7,
};

export const SAMPLE_INTENT: EnrolmentIntent = {
  containerId: run(16, 7),
  counterIndex: 0x01812345,
  authority: run(88, 8),
};

export const SAMPLE_REQUEST: PendingRequest = {
  containerId: run(16, 9),
  n: 12,
  highestSigned: 11,
  counterValue: 10,
  document: '{"version":1,"first":["pin"],"then":["securityKey"]}',
  contexts: [{ context: 'unlock', branches: [['pin', 'securityKey']] }],
};

export const SAMPLE_REQUEST_2: PendingRequest = {
  ...SAMPLE_REQUEST,
  contexts: [...SAMPLE_REQUEST.contexts, { context: 'wallet', branches: [['network', 'pin', 'securityKey']] }],
};

export const SAMPLE_RECORDS: Records = {
  pinHistory: [{ salt: run(16, 10), logN: 14, value: run(32, 11) }],
  wrapKeys: [{ credentialId: run(64, 12), key: run(32, 13) }],
  earlierKeys: [{ containerId: run(16, 14), key: run(32, 15) }],
  earlierContexts: [],
};

/** Not random at all: the same fixture every time. */
export const fixedEntropy: Entropy = { bytes: (count) => run(count, 16) };
