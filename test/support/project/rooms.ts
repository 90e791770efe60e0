/**
 * The import table as data: which room may import what. docs/architecture.md carries a table generated from it, and
 * test/architecture.test.ts holds every file of the tree against it.
 */

/** `types`: only with `import type`; `dynamic`: only with `import()`; `values`: everything. */
export type ImportMode = 'values' | 'types' | 'dynamic';

export interface Permission {
  /** A file or a folder of the project; `*` stands for one path segment. */
  readonly target: string;
  readonly mode: ImportMode;
}

export interface Room {
  /** The paths that belong to the room; the longest match decides which room a file is in. */
  readonly paths: readonly string[];
  readonly may: readonly Permission[];
  /** Imports of its own room need no permission. */
  readonly packages: readonly string[];
  /** Whether node: built-ins may be imported; a list names the only ones. */
  readonly builtins: boolean | readonly string[];
  /** In words, for the table: what the room never sees, and why it matters. */
  readonly never: string;
}

const values = (...targets: string[]): Permission[] => targets.map((target) => ({ target, mode: 'values' }));
const types = (...targets: string[]): Permission[] => targets.map((target) => ({ target, mode: 'types' }));

/** What every room above the drivers speaks: the basics and the vocabulary of signals. */
const VOCABULARY = values('drivers/base', 'drivers/signal.ts', 'drivers/observation.ts');
/** The typed client of the API: what calls the daemon, and what its refusals look like. */
const API_CLIENT = [
  ...values('agent/api/client.ts', 'agent/api/daemon-refusal.ts', 'agent/api/purpose.ts'),
  ...types('agent/api/ports.ts'),
];

/** Packages with native code, or that talk to devices; only a host room may import them. */
export const NATIVE_PACKAGES = ['node-hid', 'koffi', 'dbus-native', '@abandonware/noble', 'node-wifi'] as const;

export const ROOMS: readonly Room[] = [
  { paths: ['drivers/base'], may: [], packages: [], builtins: true, never: 'anything of ours' },
  {
    paths: ['drivers/hal'],
    may: types('drivers/base'),
    packages: [],
    builtins: false,
    never: 'code: the seam is interfaces only',
  },
  {
    paths: ['drivers/signal.ts', 'drivers/driver.ts', 'drivers/observation.ts'],
    may: [...types('drivers/base'), ...values('drivers/signal.ts', 'drivers/observation.ts')],
    packages: [],
    builtins: false,
    never: 'everything else',
  },
  {
    paths: ['drivers/*/wire'],
    may: values('drivers/base'),
    packages: ['ipaddr.js'],
    builtins: ['node:crypto'],
    never: 'state, devices, the protocol around it (mocks share these codecs)',
  },
  ...['fido2', 'tpm2', 'bluetooth', 'wifi', 'network', 'biometric'].map((name) => ({
    paths: [`drivers/${name}`],
    may: values(
      ...['drivers/hal', 'drivers/base', 'drivers/signal.ts', 'drivers/observation.ts', 'drivers/driver.ts'],
      `drivers/${name}/wire`,
    ),
    packages: ['ipaddr.js'],
    // zlib: what CTAP 2.1 §6.10.3 compresses large blobs with.
    builtins: ['node:crypto', 'node:buffer', ...(name === 'fido2' ? ['node:zlib'] : [])],
    never: 'the other protocols, hosts, the agent, mocks, native packages',
  })),
  ...['linux', 'windows'].map((name) => ({
    paths: [`drivers/${name}`],
    may: values('drivers/hal', 'drivers/base'),
    packages: [...NATIVE_PACKAGES],
    builtins: true,
    never: 'protocols, the agent, mocks',
  })),
  {
    paths: ['hal-mocks'],
    // A simulation of the surroundings has no wire below it: it speaks as a driver.
    may: [
      ...values('drivers/hal', 'drivers/base', 'drivers/*/wire'),
      ...types('drivers/signal.ts', 'drivers/observation.ts', 'drivers/driver.ts'),
    ],
    packages: ['cbor-x'],
    builtins: true,
    never: 'real hosts, the agent',
  },
  {
    paths: ['agent/policy/forms'],
    may: [...VOCABULARY, ...values('agent/policy')],
    packages: ['zod', 'smol-toml', 'saxes', 'ipaddr.js'],
    builtins: false,
    never: 'I/O, clock, other agent rooms',
  },
  {
    paths: ['agent/policy'],
    may: [
      ...values('drivers/signal.ts', 'drivers/observation.ts', 'drivers/base/errors.ts', 'drivers/base/brand.ts'),
      ...values('drivers/base/ssid.ts'),
      ...types('drivers/base', 'agent/policy/forms'),
    ],
    packages: ['ipaddr.js'],
    builtins: false,
    never: 'I/O, clock, other agent rooms; parsers stand in `forms` alone',
  },
  {
    paths: ['agent/signals'],
    may: [...VOCABULARY, ...values('drivers/driver.ts')],
    packages: [],
    builtins: false,
    never: 'other agent rooms',
  },
  {
    paths: ['agent/dynamic-lock'],
    // How near a phone is, is judged in one place; that file is pure.
    may: [
      ...VOCABULARY,
      ...values('drivers/bluetooth/proximity.ts'),
      ...types('drivers/hal', 'agent/policy', 'agent/signals'),
    ],
    packages: [],
    builtins: false,
    never: 'other agent rooms: it can lock and nothing else',
  },
  {
    paths: ['agent/unlock'],
    may: [...VOCABULARY, ...values('agent/policy', 'agent/signals')],
    packages: [],
    builtins: false,
    never: '`release` (it is handed in), `api`, `cli`',
  },
  {
    paths: ['agent/container', 'agent/enrolment'],
    may: [...VOCABULARY, ...values('drivers/tpm2', 'drivers/fido2', 'agent/policy')],
    packages: [],
    builtins: true,
    never: '`api`, `cli`, `unlock`',
  },
  {
    paths: ['agent/release'],
    may: [...VOCABULARY, ...values('agent/policy/grant.ts', 'drivers/tpm2', 'agent/container')],
    packages: [],
    builtins: true,
    never: '`signals`, `unlock`, `api`, `cli`',
  },
  ...[
    { name: 'config', packages: ['zod', 'smol-toml'] },
    { name: 'audit', packages: ['zod', 'cbor-x'] },
    { name: 'telemetry', packages: ['zod', 'pino'] },
    { name: 'lifecycle', packages: ['zod'] },
  ].map(({ name, packages }) => ({
    paths: [`agent/${name}`],
    may: [...VOCABULARY],
    packages,
    builtins: true,
    never: '`api`, `cli`, `release`, `container`, each other',
  })),
  {
    paths: ['agent/api'],
    may: [
      ...VOCABULARY,
      ...values('agent/unlock', 'agent/policy/explain.ts', 'agent/audit', 'agent/config'),
      ...types('agent/policy', 'agent/enrolment', 'agent/container', 'agent/signals'),
    ],
    packages: ['hono', '@hono/zod-openapi', 'zod'],
    builtins: true,
    never: '`release`; what it needs of the others is handed in',
  },
  {
    paths: ['agent/service'],
    may: [
      ...VOCABULARY,
      ...values('agent/policy', 'agent/signals', 'agent/unlock', 'agent/container', 'agent/enrolment', 'agent/release'),
      ...values('drivers/tpm2', 'drivers/fido2', 'agent/audit', 'agent/api/permissions.ts'),
      ...values('agent/api/refusal.ts', 'agent/api/purpose.ts'),
      ...types('drivers/hal', 'drivers/driver.ts', 'agent/api/ports.ts', 'agent/config', 'agent/telemetry'),
      ...types('agent/dynamic-lock'),
    ],
    packages: [],
    builtins: true,
    never: 'hosts, mocks, the socket, the command line',
  },
  {
    paths: ['agent/keys'],
    may: [...VOCABULARY, ...values('drivers/fido2'), ...types('drivers/hal')],
    packages: [],
    builtins: false,
    never: 'hosts (they are handed in), other agent rooms: a key is managed without any container',
  },
  {
    paths: ['agent/cli'],
    may: [
      ...VOCABULARY,
      ...API_CLIENT,
      ...values('agent/config', 'agent/keys', 'agent/policy', 'agent/report', 'agent/walkthrough'),
      ...values('agent/lifecycle/doctor.ts', 'agent/operator'),
      ...types('agent/lifecycle/finding.ts'),
      ...types('drivers/hal', 'agent/lanes'),
    ],
    packages: ['commander'],
    builtins: true,
    never: '`release`, `container`',
  },
  {
    paths: ['agent/walkthrough'],
    may: [...VOCABULARY, ...API_CLIENT, ...values('drivers/hal'), ...types('agent/policy')],
    packages: ['zod', 'yaml'],
    builtins: true,
    never: '`hal-mocks`',
  },
  {
    paths: ['agent/report'],
    // The words and the drawing of signals stand in one place; both files are pure.
    may: [
      ...VOCABULARY,
      ...values('agent/policy/signal-words.ts', 'agent/policy/study/timeline-picture.ts'),
      ...types('agent/api/ports.ts', 'agent/walkthrough'),
    ],
    packages: ['zod'],
    builtins: ['node:crypto'],
    never: 'hosts, mocks, files: it is told what it reports',
  },
  {
    paths: ['agent/operator'],
    may: values('drivers/base', 'drivers/hal'),
    packages: ['zod'],
    builtins: true,
    never: 'hosts, mocks, other agent rooms: it asks for what is physical and nothing else',
  },
  {
    paths: ['agent/lanes'],
    // A lane is a composition of its own: a whole machine for one walkthrough.
    may: [...values('drivers', 'agent'), { target: 'hal-mocks', mode: 'dynamic' }, ...types('hal-mocks')],
    packages: [],
    builtins: true,
    never: '`hal-mocks` statically: what simulates is loaded when its lane is chosen',
  },
  {
    paths: [
      'agent/composition.ts',
      'agent/senses.ts',
      'agent/host-senses.ts',
      'agent/host-linux.ts',
      'agent/host-windows.ts',
      'agent/daemon.ts',
      'agent/main.ts',
      'agent/ctl.ts',
      'agent/doctor-probes.ts',
      'agent/key-metadata.ts',
      'agent/version.ts',
    ],
    may: [...values('drivers', 'agent'), { target: 'hal-mocks', mode: 'dynamic' }],
    packages: ['pino', 'commander', 'zod'],
    builtins: true,
    never: '`hal-mocks` statically: by `import()`, and only when a simulation is asked for',
  },
];

/** The one room without rules. */
export const TEST_ROOM = 'test';
