/**
 * The four lanes, and how a run tells which of them it was on: a lane ran when a test that belongs to it passed.
 * docs/architecture.md says what each lane is made of.
 */

/** @typedef {{ file: string, title: string, state: string }} Line */

const HARDWARE_VARIABLES = ['UNLOCKD_TEST_TPM', 'UNLOCKD_TEST_HIDRAW'];
const isHardware = ({ file, title }) =>
  file.startsWith('test/hardware/') || HARDWARE_VARIABLES.some((v) => title.includes(v));
const isLab = ({ file }) => file.startsWith('test/e2e/lab/');
/** Foreign programs, processes of their own, fake device nodes. */
const isEmulator = (line) =>
  !isHardware(line) && !isLab(line) && (line.file.startsWith('test/e2e/') || /swtpm|umockdev/.test(line.title));

export const LANES = [
  {
    name: 'mock',
    owns: (line) => !isHardware(line) && !isLab(line) && !isEmulator(line),
    otherwise: 'no such test passed',
  },
  { name: 'emulator', owns: isEmulator, otherwise: 'no test with swtpm, umockdev or a process of its own passed' },
  { name: 'lab', owns: isLab, otherwise: 'the skip of test/e2e/lab says what is missing' },
  {
    name: 'hardware',
    owns: isHardware,
    otherwise: `no device was named: set ${HARDWARE_VARIABLES.join(' or ')} to the path of one`,
  },
];
