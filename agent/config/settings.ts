/**
 * The table of every setting: section, key, unit, default, check and meaning. The configuration file, the environment,
 * the flags, `unlockctl doctor` and the reference page all read this one table. The checks are plain functions, as the
 * command line reads the configuration at every start and a schema library would double the time of that.
 */

export interface Setting<T extends string | number | boolean> {
  /** What the number counts, or the kind of text. */
  readonly unit: string;
  readonly fallback: T;
  /** What is wrong with a value, in words; null: it is a `T` and nothing is. */
  readonly problem: (value: unknown) => string | null;
  readonly meaning: string;
}

const text = <T extends string = string>(
  fallback: T,
  unit: string,
  check: (value: string) => string | null,
  meaning: string,
): Setting<T> => ({
  unit,
  fallback,
  problem: (value) => (typeof value === 'string' ? check(value) : 'has to be a text'),
  meaning,
});
const integer = (fallback: number, unit: string, min: number, max: number, meaning: string): Setting<number> => ({
  unit,
  fallback,
  problem: (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? null
      : `has to be a whole number from ${min} to ${max}`,
  meaning,
});
const flag = (fallback: boolean, meaning: string): Setting<boolean> => ({
  unit: 'boolean',
  fallback,
  problem: (value) => (typeof value === 'boolean' ? null : 'has to be true or false'),
  meaning,
});

const absolutePath = (path: string): string | null =>
  path.length <= 1024 && /^\/[^\0]*$/.test(path) ? null : 'has to be an absolute path';
const optional =
  (check: (value: string) => string | null) =>
  (value: string): string | null =>
    value === '' ? null : check(value);
/** `sun_path` holds 108 bytes with its final zero. */
const socket = (path: string): string | null =>
  absolutePath(path) ?? (Buffer.byteLength(path) <= 107 ? null : 'is too long for a socket (107 bytes)');
/** Addresses of UNIX sockets, as D-Bus writes them. */
const busAddress = (value: string): string | null =>
  value.length <= 512 && /^unix:(path|abstract)=[\x21-\x7e]+$/.test(value)
    ? null
    : 'has to be the address of a UNIX socket like unix:path=/run/dbus/system_bus_socket';
/** `name` or `name:arguments`, as tpm2-tss writes it. */
const tcti = (value: string): string | null =>
  value.length <= 512 && /^[a-z][a-z0-9_-]*(:[\x20-\x7e]*)?$/.test(value)
    ? null
    : 'has to be a TCTI string like device:/dev/tpmrm0 or swtpm:path=/run/swtpm.sock';
/** AAGUIDs as UUIDs (RFC 9562), with commas or spaces between them. */
const aaguids = (value: string): string | null =>
  value.length <= 8192 &&
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}([ ,]+[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})*$/i.test(value)
    ? null
    : 'has to be AAGUIDs like 756e6c6f-636b-642d-7669-727475616c21, separated by commas';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
const level = (value: string): string | null =>
  LOG_LEVELS.some((known) => known === value) ? null : `has to be one of ${LOG_LEVELS.join(', ')}`;

export const SETTINGS = {
  paths: {
    state_dir: text('/var/lib/unlockd', 'path', absolutePath, 'Folder of the containers and of the audit log.'),
    run_dir: text('/run/unlockd', 'path', absolutePath, 'Folder of the socket; need not survive a restart.'),
    socket: text('', 'path', optional(socket), 'Socket of the API; empty: unlockd.sock in run_dir.'),
  },
  tpm: {
    tcti: text('device:/dev/tpmrm0', 'TCTI', tcti, 'The TPM. Exactly this one: no other is tried.'),
    root_key_handle: integer(
      0x81000001,
      'TPM handle',
      0x81000000,
      0x817fffff,
      'Persistent handle of the storage root key.',
    ),
    timeout_seconds: integer(120, 'seconds', 1, 600, 'Longest time one TPM command may take.'),
  },
  hid: {
    enabled: flag(true, 'Whether security keys are used at all.'),
    device: text(
      '',
      'path',
      optional(absolutePath),
      'Use the security key at this device only, e.g. /dev/hidraw3; empty: any.',
    ),
    allowed_aaguids: text(
      '',
      'AAGUIDs',
      optional(aaguids),
      'Models of security keys that may be enrolled, by AAGUID, separated by commas; empty: any.',
    ),
    metadata_file: text(
      '',
      'path',
      optional(absolutePath),
      'FIDO metadata (a signed BLOB, or JSON): only keys that their maker attests as it says are enrolled; empty: makers are not checked.',
    ),
    metadata_root: text(
      '',
      'path',
      optional(absolutePath),
      'Root certificate (PEM) that the signer of the metadata BLOB has to lead to; empty: the file is JSON and trusted as it is.',
    ),
  },
  unlock: {
    soft_limit_tries: integer(5, 'tries', 1, 31, 'Wrong PINs after which a user’s PIN has to wait.'),
    attempt_retries: integer(3, 'tries', 1, 31, 'How often a factor may be wrong in one attempt.'),
    attempt_timeout_seconds: integer(120, 'seconds', 5, 3600, 'Longest time of one unlock attempt.'),
    soft_limit_forget_seconds: integer(600, 'seconds', 1, 86_400, 'After this time one wrong PIN is forgotten.'),
    insert_timeout_seconds: integer(30, 'seconds', 1, 300, 'How long to wait for a security key to be plugged in.'),
    touch_timeout_seconds: integer(30, 'seconds', 1, 300, 'How long a security key waits for its touch.'),
    for_seconds: integer(0, 'seconds', 0, 604_800, 'After this time a container is locked again; 0: no limit.'),
  },
  session: {
    bus: text<string>(
      'unix:path=/run/dbus/system_bus_socket',
      'D-Bus address',
      optional(busAddress),
      'Bus on which logind tells who is logged in and idle; empty: sessions are neither seen nor locked.',
    ),
  },
  signals: {
    bus: text<string>(
      'unix:path=/run/dbus/system_bus_socket',
      'D-Bus address',
      busAddress,
      'Bus on which BlueZ, NetworkManager, systemd-networkd, wpa_supplicant and fprintd are asked.',
    ),
    bluetooth: flag(true, 'Whether paired phones are seen and proved.'),
    wifi: flag(true, 'Whether the Wi-Fi association is seen.'),
    network: flag(true, 'Whether the addresses of the interfaces are seen.'),
    biometric: flag(true, 'Whether readers of fingers are used.'),
    settle_ms: integer(
      300,
      'milliseconds',
      0,
      10_000,
      'How long what comes has to stay before it counts; a loss counts at once.',
    ),
    ble_hints: flag(
      false,
      'Whether Bluetooth LE advertisements are listened to as hints (needs the package @abandonware/noble).',
    ),
  },
  dynamic_lock: {
    enabled: flag(false, 'Lock when the phone has gone and the person is idle, where the policy does not say.'),
    idle_seconds: integer(30, 'seconds', 5, 3600, 'Time without keyboard and mouse after which a person is idle.'),
    lock_delay_seconds: integer(5, 'seconds', 0, 3600, 'Time between the leaving of the phone and the lock, at least.'),
    sample_every_seconds: integer(20, 'seconds', 5, 600, 'Time between two probes of a phone; each wakes its radio.'),
    weak_samples: integer(2, 'samples', 1, 100, 'Weak or failed probes in a row after which a phone has gone.'),
    stale_after_seconds: integer(90, 'seconds', 10, 3600, 'Without any sample for this long, a phone has gone.'),
    rssi_min: integer(-10, 'dB', -100, 20, 'At least this strong is near; relative to the best range of reception.'),
    rssi_far: integer(-16, 'dB', -100, 20, 'Weaker than this is far; at most rssi_min.'),
    rssi_max_delta: integer(-14, 'dB', -100, 0, 'Weaker than the best while it was near by more than this is far.'),
  },
  simulation: {
    surroundings: text(
      '',
      'path',
      optional(absolutePath),
      'The machine is a simulated one, and what is around it is read from this script (JSON Lines). Empty: no simulation.',
    ),
    presence: text(
      '',
      'path',
      optional(absolutePath),
      'Phones are read from this trace (JSON Lines) instead of from a radio; for trying out. Empty: no simulation.',
    ),
  },
  policy: {
    authority_file: text(
      '',
      'path',
      optional(absolutePath),
      'Public key (PEM, P-256) of the authority of a managed machine, read at set-up; empty: this machine.',
    ),
    document_key: text(
      '',
      'path',
      optional(absolutePath),
      'Public keys (PEM, Ed25519) of which one has to have signed every policy document; empty: none has to.',
    ),
  },
  log: {
    level: text<LogLevel>('info', 'level', level, `One of ${LOG_LEVELS.join(', ')}; trace shows wire traffic by name.`),
    file: text('', 'path', optional(absolutePath), 'File of the log; empty: standard error.'),
  },
  api: {
    max_connections: integer(64, 'connections', 1, 1024, 'Connections to the socket at one time.'),
    ceremony_timeout_seconds: integer(300, 'seconds', 10, 3600, 'Longest time a ceremony waits for its person.'),
  },
  audit: {
    max_bytes: integer(4_194_304, 'bytes', 65_536, 67_108_864, 'Size at which the audit log begins a new file.'),
    keep_files: integer(8, 'files', 1, 1000, 'Older files of the audit log that are kept.'),
  },
} as const satisfies Record<string, Record<string, Setting<string> | Setting<number> | Setting<boolean>>>;

export type Sections = typeof SETTINGS;
export type AnySetting = Setting<string> | Setting<number> | Setting<boolean>;

/** Every setting with its dotted key, in the order of the table. */
export function* allSettings(): Generator<{ section: string; name: string; key: string; setting: AnySetting }> {
  for (const [section, settings] of Object.entries(SETTINGS)) {
    for (const [name, setting] of Object.entries<AnySetting>(settings)) {
      yield { section, name, key: `${section}.${name}`, setting };
    }
  }
}
