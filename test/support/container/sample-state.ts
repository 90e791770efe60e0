/** Container states with every field filled from fixed numbers: what the fixtures were made of. */
import type { ContainerState } from '../../../agent/container/state.ts';

const run = (length: number, from: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (from + i) & 0xff);
const blob = (from: number) => ({ publicArea: run(78, from), privateArea: run(126, from + 1) });

/** Of version 1, which had no signers. */
export const SAMPLE_STATE: ContainerState = {
  containerId: run(16, 1),
  uid: 1000,
  createdAt: 1_767_225_600_000,
  rootName: run(34, 2),
  authority: { kind: 'this-machine', publicArea: run(88, 3), key: blob(4), sealedAuth: blob(5), change: null },
  counterIndex: 0x01812345,
  highestSigned: 7,
  sealedKey: blob(6),
  policy: {
    version: 2,
    document: '{"version":1}',
    branches: [
      ['pin', 'securityKey'],
      ['face', 'pin'],
    ],
    n: 6,
    signature: { r: run(32, 7), s: run(31, 8) },
    bump: { r: run(32, 9), s: run(32, 10) },
  },
  factors: {
    pin: { blob: blob(11), salt: run(16, 12), logN: 14, setAt: 1_767_225_600_001 },
    securityKey: {
      blob: blob(13),
      generation: 3,
      credentials: [
        {
          credentialId: run(64, 14),
          publicKey: run(77, 15),
          aaguid: run(16, 16),
          salt: run(32, 17),
          uvUsed: true,
          label: 'the blue one',
          wrap: run(60, 18),
        },
      ],
    },
  },
  biometrics: [],
  signers: [],
  contexts: [],
  records: run(90, 19),
  recovery: { generation: 2, issuedAt: 1_767_225_600_002, wrap: run(92, 20), publicKey: null },
};

/** Of version 2. */
export const SAMPLE_STATE_2: ContainerState = {
  ...SAMPLE_STATE,
  authority: {
    ...SAMPLE_STATE.authority,
    change: { branches: [['face', 'pin', 'securityKey']], signature: { r: run(32, 25), s: run(32, 26) } },
  },
  recovery: { ...SAMPLE_STATE.recovery, publicKey: run(32, 31) },
  contexts: [
    {
      context: 'wallet',
      sealedKey: blob(27),
      version: 1,
      document: '{"version":2}',
      branches: [['pin', 'securityKey']],
      signature: { r: run(32, 28), s: run(32, 29) },
      recovery: run(92, 30),
    },
  ],
  signers: [
    { kind: 'face', simulated: false, blob: blob(21), authValue: run(32, 22) },
    { kind: 'network', simulated: true, blob: blob(23), authValue: run(32, 24) },
  ],
};

/** Of version 3. */
export const SAMPLE_STATE_3: ContainerState = { ...SAMPLE_STATE_2, biometrics: ['face'] };
