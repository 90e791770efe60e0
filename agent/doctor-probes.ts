/**
 * What `unlockctl doctor` looks at without the daemon: the configuration with the origin of every value, the folders,
 * the packages, and the TPM itself. Composed here, because it takes parts of every room.
 */
import { statSync } from 'node:fs';
import { milliseconds, seconds } from '../drivers/base/brand.ts';
import { systemClock } from '../drivers/base/clock.ts';
import { systemEntropy } from '../drivers/base/entropy.ts';
import { isUnlockdError } from '../drivers/base/errors.ts';
import { noTrace } from '../drivers/base/trace.ts';
import { linuxTpm } from '../drivers/linux/tpm/open.ts';
import { readConfigText } from './config/file.ts';
import { type Config, describeConfig, loadConfig } from './config/load.ts';
import { readAuthorityFile } from './container/authority/authority-file.ts';
import { documentKeysOf } from './container/document-keys.ts';
import { DurableFiles } from './container/durable-files.ts';
import { StateStore } from './container/store.ts';
import { readMetadata } from './key-metadata.ts';
import { listKeys } from './keys/list.ts';
import type { ConfigRow, DoctorProbes, FolderFact } from './lifecycle/doctor.ts';
import type { KeyFact, MetadataFact } from './lifecycle/doctor-keys.ts';
import { probeFolder } from './lifecycle/folder-probe.ts';
import { packageFacts } from './lifecycle/package-probe.ts';
import { TpmAccess } from './service/tpm-access.ts';
import { readTpmStatus } from './service/tpm-status.ts';

const PRIVATE = 0o077;
const NOT_WRITABLE = 0o022;

/** Whoever may not read the state folder cannot tell whether the machine is set up: not set up is the safe answer. */
async function isSetUp(config: Config): Promise<boolean> {
  try {
    const machine = await new StateStore(config.paths.stateDir, new DurableFiles(), systemClock).readMachine();
    return machine?.complete ?? false;
  } catch {
    return false;
  }
}

/** Where the daemon keeps what; its own word where it runs and says so. */
interface Places {
  readonly stateDir: string;
  readonly runDir: string;
  readonly authorityFile: string;
  readonly documentKey: string;
  readonly surroundings: string;
}

function placesOf(rows: readonly ConfigRow[] | null, own: () => Config): Places {
  const at = (key: string) => rows?.find((row) => row.key === key)?.value;
  const [stateDir, runDir] = [at('paths.state_dir'), at('paths.run_dir')];
  if (stateDir !== undefined && runDir !== undefined) {
    const [authorityFile = '', documentKey = ''] = [at('policy.authority_file'), at('policy.document_key')];
    return { stateDir, runDir, authorityFile, documentKey, surroundings: at('simulation.surroundings') ?? '' };
  }
  const { paths, policy, simulation } = own();
  const { authorityFile, documentKey } = policy;
  return { stateDir: paths.stateDir, runDir: paths.runDir, authorityFile, documentKey, ...simulation };
}

async function folders(places: Places): Promise<readonly FolderFact[]> {
  const owners = [...new Set([0, process.getuid?.() ?? 0])];
  return [
    probeFolder({ path: places.stateDir, forbidden: PRIVATE, owners }),
    probeFolder({ path: places.runDir, forbidden: NOT_WRITABLE, owners }),
    ...authorityFile(places.authorityFile),
    ...documentKeyFile(places.documentKey),
    ...(await surroundingsScript(places.surroundings)),
  ];
}

const refusedFile = (path: string, error: unknown, cure: string): FolderFact => {
  if (!isUnlockdError(error)) throw error;
  return { path, missing: false, problem: error.message.replace(`${path}: `, ''), cure };
};

/** Read at the first `policy set`, which may be years away. */
function documentKeyFile(path: string): readonly FolderFact[] {
  if (path === '') return [];
  try {
    documentKeysOf(readConfigText(path));
    return [{ path, missing: false, problem: null, cure: '' }];
  } catch (error) {
    // Root's file, or one of the daemon's user: whether it is sound is not for somebody else to see.
    const reason = isUnlockdError(error) ? error.cause : null;
    const isTheirs = isUnlockdError(error, 'ERR_CONFIG_PERMISSION') || hasCode(reason, 'EACCES');
    if (process.geteuid?.() !== 0 && isTheirs) return [];
    const cure =
      'Put Ed25519 public keys in PEM there, owned by root and writable by nobody else, or empty the setting.';
    return [refusedFile(path, error, `${cure} Until then no policy can be set.`)];
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === code;

/** The daemon does not start with one that it cannot play. */
async function surroundingsScript(path: string): Promise<readonly FolderFact[]> {
  if (path === '') return [];
  const { readScript } = await import('../hal-mocks/signals/script.ts');
  try {
    await readScript(path);
    return [{ path, missing: false, problem: null, cure: '' }];
  } catch (error) {
    return [refusedFile(path, error, isUnlockdError(error) ? error.cure : '')];
  }
}

/** Set-up reads it; a bad one should be known before. */
function authorityFile(path: string): readonly FolderFact[] {
  if (path === '') return [];
  try {
    readAuthorityFile(path);
    return [{ path, missing: false, problem: null, cure: '' }];
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    return [
      {
        path,
        missing: false,
        problem: error.message,
        cure: 'Put a P-256 public key in PEM there, or empty the setting.',
      },
    ];
  }
}

/** A key that is busy with somebody else's touch is told as busy soon. */
const KEY_TIMING = { init: seconds(3), operation: seconds(3), idle: seconds(2), drain: milliseconds(500) };

/** What each key says of itself, with the rights of whoever asks. */
async function keys(signal: AbortSignal): Promise<readonly KeyFact[]> {
  const { openLinuxHid } = await import('../drivers/linux/hid/linux-hid.ts');
  const hid = openLinuxHid();
  const found = await listKeys({
    hid,
    signal,
    clock: systemClock,
    entropy: systemEntropy,
    timing: KEY_TIMING,
    requestKeyPin: () => Promise.reject(new TypeError('nothing here needs a PIN')),
    onTouch: () => undefined,
    onInsert: () => undefined,
  });
  await hid.released?.();
  return found.map(({ path, product, key, problem }) => {
    const name = `${product ?? 'a security key'} at ${path}`;
    if (key === null) return { name, problem };
    const { versions, extensions, pin, pinTriesLeft, pinNeedsReplug, pinMustChange } = key;
    const { fingerprints, fingerprintTriesLeft } = key;
    const pins = { pin, pinTriesLeft, pinNeedsReplug, pinMustChange };
    const hmacSecret = extensions.includes('hmac-secret');
    return { name, problem: null, versions, hmacSecret, ...pins, fingerprints, fingerprintTriesLeft };
  });
}

const DAY_MS = 86_400_000;

function metadata(metadataFile: string, metadataRoot: string): MetadataFact | null {
  if (metadataFile === '') return null;
  const fact = { path: metadataFile, signed: metadataRoot !== '', models: 0, ageDays: null, problem: null };
  try {
    const read = readMetadata({ metadataFile, metadataRoot }, systemClock.wall());
    const age = systemClock.wall() - statSync(metadataFile).mtimeMs;
    return { ...fact, models: read?.models.size ?? 0, ageDays: Math.max(0, Math.floor(age / DAY_MS)) };
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    return { ...fact, problem: error };
  }
}

/** @throws {ERR_CONFIG_INVALID | ERR_CONFIG_UNREADABLE | ERR_CONFIG_PERMISSION} when `config` is asked */
export async function doctorProbes(): Promise<Omit<DoctorProbes, 'daemon'>> {
  const read = () => loadConfig({ env: process.env });
  return {
    config: async () =>
      describeConfig(read()).map(({ key, value, unit, default: fallback, origin }) => ({
        key,
        value: String(value),
        unit,
        default: String(fallback),
        origin,
      })),
    folders: async (rows = null) => folders(placesOf(rows, read)),
    packages: packageFacts,
    keys,
    metadata: async (rows) => {
      const at = (name: string) => rows?.find(({ key }) => key === name)?.value;
      const { hid } = rows === null ? read() : { hid: null };
      return metadata(
        at('hid.metadata_file') ?? hid?.metadataFile ?? '',
        at('hid.metadata_root') ?? hid?.metadataRoot ?? '',
      );
    },
    tpm: async (signal) => {
      const config = read();
      const access = new TpmAccess({
        hal: linuxTpm(config.tpm.tcti),
        clock: systemClock,
        entropy: systemEntropy,
        trace: noTrace,
        commandWithin: seconds(config.tpm.timeoutSeconds),
      });
      const { status } = await readTpmStatus(config.tpm.tcti, await isSetUp(config), (use) =>
        access.withTpm(signal, use),
      );
      return status;
    },
  };
}
