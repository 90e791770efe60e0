/**
 * What `unlockctl doctor` looks at without the daemon: the configuration with the origin of every value, the folders,
 * the packages, and the TPM itself. Composed here, because it takes parts of every room.
 */
import { seconds } from '../drivers/base/brand.ts';
import { systemClock } from '../drivers/base/clock.ts';
import { systemEntropy } from '../drivers/base/entropy.ts';
import { isUnlockdError } from '../drivers/base/errors.ts';
import { noTrace } from '../drivers/base/trace.ts';
import { linuxTpm } from '../drivers/linux/tpm/open.ts';
import { type Config, describeConfig, loadConfig } from './config/load.ts';
import { readAuthorityFile } from './container/authority/authority-file.ts';
import { DurableFiles } from './container/durable-files.ts';
import { StateStore } from './container/store.ts';
import type { ConfigRow, DoctorProbes, FolderFact } from './lifecycle/doctor.ts';
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
}

function placesOf(rows: readonly ConfigRow[] | null, own: () => Config): Places {
  const at = (key: string) => rows?.find((row) => row.key === key)?.value;
  const [stateDir, runDir, authority] = [at('paths.state_dir'), at('paths.run_dir'), at('policy.authority_file')];
  if (stateDir !== undefined && runDir !== undefined) return { stateDir, runDir, authorityFile: authority ?? '' };
  const { paths, policy } = own();
  return { stateDir: paths.stateDir, runDir: paths.runDir, authorityFile: policy.authorityFile };
}

function folders(places: Places): readonly FolderFact[] {
  const owners = [...new Set([0, process.getuid?.() ?? 0])];
  return [
    probeFolder({ path: places.stateDir, forbidden: PRIVATE, owners }),
    probeFolder({ path: places.runDir, forbidden: NOT_WRITABLE, owners }),
    ...authorityFile(places.authorityFile),
  ];
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
