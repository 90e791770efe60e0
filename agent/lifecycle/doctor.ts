/**
 * `unlockctl doctor`: looks at everything that an unlock needs, says what is wrong and what to do about it. It works
 * without the daemon. What it looks at comes in as probes, so that this file knows neither a TPM nor a socket; a probe
 * that fails is a finding, not an end. A running daemon is asked for the TPM's facts, because a software TPM serves
 * one client at a time.
 */
import { isUnlockdError } from '../../drivers/base/errors.ts';
import { type KeyFact, keyFindings, type MetadataFact, metadataFindings } from './doctor-keys.ts';
import type { Finding, Level } from './finding.ts';

/** One value of the configuration with where it comes from. */
export interface ConfigRow {
  readonly key: string;
  readonly value: string;
  /** `seconds`, `bytes`; null where there is none. */
  readonly unit: string | null;
  readonly default: string;
  /** `default`, or the file or variable that set it. */
  readonly origin: string;
}

/** The same facts as the API's TpmStatus. */
export interface TpmFacts {
  readonly description: string;
  readonly testDouble: string | null;
  readonly reachable: boolean;
  readonly setUp: boolean;
  readonly lockout: {
    readonly counter: number;
    readonly maxTries: number;
    readonly lockoutAuthSet: boolean;
    readonly lockedForSeconds: number;
    readonly guessesPerDay: number | null;
  } | null;
  readonly problem: { readonly code: string; readonly message: string; readonly cure: string } | null;
}

/** Asks the TPM directly, without the daemon. Never rejects for hardware reasons: they are in `problem`. */
export type TpmProbe = (signal: AbortSignal) => Promise<TpmFacts>;

export type DaemonFacts =
  | {
      readonly running: true;
      readonly uid: number;
      readonly version: string;
      readonly tpm: TpmFacts;
      /** What it was started with; null: it does not tell this user. */
      readonly config: readonly ConfigRow[] | null;
      /** For who asks; null: the daemon has no such part. */
      readonly dynamicLock?: { readonly state: string; readonly text: string } | null;
    }
  | { readonly running: false };

export interface PackageFact {
  readonly name: string;
  readonly purpose: string;
  readonly present: boolean;
  readonly required: boolean;
  readonly cure: string;
}

export interface FolderFact {
  readonly path: string;
  /** Null: as it should be, or not there yet. */
  readonly problem: string | null;
  /** Not there: the daemon makes it when it starts. */
  readonly missing: boolean;
  readonly cure: string;
}

export interface DoctorProbes {
  /** Null: this build has no way to read it. */
  readonly config: (() => Promise<readonly ConfigRow[]>) | null;
  /** Throws what the client throws: the finding carries its code. Not running is a value. */
  readonly daemon: (signal: AbortSignal) => Promise<DaemonFacts>;
  readonly tpm: TpmProbe | null;
  /** @param config whose folders: the daemon's; without it this command's own */
  readonly folders: (config?: readonly ConfigRow[] | null) => Promise<readonly FolderFact[]>;
  readonly packages: () => Promise<readonly PackageFact[]>;
  /** Left out: this build has no way to look at security keys. */
  readonly keys?: (signal: AbortSignal) => Promise<readonly KeyFact[]>;
  /** Null: no metadata file is named. @param config whose: the daemon's; without it this command's own */
  readonly metadata?: (config: readonly ConfigRow[] | null) => Promise<MetadataFact | null>;
}

export interface DoctorReport {
  /** No finding is a problem. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  readonly config: readonly ConfigRow[];
  /** Whose it is: a daemon that runs may have been started with another file, another environment and `--set`. */
  readonly configOf: 'the running daemon' | 'this command, not the running daemon' | 'this command';
}

const finding = (check: Finding['check'], level: Level, text: string, cure: string | null = null): Finding => ({
  check,
  level,
  text,
  cure,
});

function failed(check: Finding['check'], error: unknown): Finding {
  if (isUnlockdError(error)) return finding(check, 'problem', `${error.message} (${error.code})`, error.cure);
  const text = error instanceof Error ? error.message : String(error);
  return finding(check, 'problem', `this check could not be made: ${text}`);
}

/** What the facts of a TPM mean for somebody who relies on it. */
export function tpmFindings(tpm: TpmFacts): readonly Finding[] {
  const out: Finding[] = [];
  const say = (level: Level, text: string, cure: string | null = null) => out.push(finding('tpm', level, text, cure));
  if (tpm.problem !== null) say('problem', `${tpm.problem.message} (${tpm.problem.code})`, tpm.problem.cure);
  if (!tpm.reachable) {
    if (tpm.problem === null) say('problem', 'the TPM does not answer', 'Check that the configured TPM is there.');
    return out;
  }
  say('ok', tpm.description);
  if (tpm.testDouble !== null) say('warning', tpm.testDouble, 'Use a TPM chip where protection is wanted.');
  if (!tpm.setUp) say('problem', 'this machine is not set up', 'Run `unlockctl setup` as root.');
  if (tpm.lockout === null) return out;
  const { counter, maxTries, lockoutAuthSet, lockedForSeconds, guessesPerDay } = tpm.lockout;
  if (!lockoutAuthSet) {
    say('problem', 'PINs are unprotected: the TPM has no lockout password', 'Run `unlockctl setup` as root.');
  }
  if (lockedForSeconds > 0) {
    say(
      'problem',
      `the TPM is locked out for at most ${lockedForSeconds} s`,
      'Wait, and leave the machine switched on.',
    );
  }
  const left = Math.max(0, maxTries - counter);
  const guesses = guessesPerDay === null ? '' : `; somebody who guesses gets ${guessesPerDay} tries a day`;
  say(left <= maxTries / 4 ? 'warning' : 'ok', `${left} of ${maxTries} PIN tries left in the TPM${guesses}`);
  return out;
}

/** Somebody who has switched it on relies on it: that it can never lock has to be said. */
function dynamicLockFindings(
  lock: { readonly state: string; readonly text: string } | null = null,
): readonly Finding[] {
  if (lock === null || lock.state === 'off') return [];
  if (lock.state !== 'cannot') return [finding('daemon', 'ok', `dynamic lock: ${lock.text}`)];
  const cure = 'See docs/guides/dynamic-lock.md, or switch it off: it locks nothing.';
  return [finding('daemon', 'warning', `dynamic lock: ${lock.text}`, cure)];
}

async function tpmOf(
  probes: DoctorProbes,
  daemon: DaemonFacts | null,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (daemon?.running === true) return tpmFindings(daemon.tpm);
  if (probes.tpm === null) {
    return [finding('tpm', 'info', 'not looked at: the daemon does not run', 'Start the daemon and ask again.')];
  }
  return tpmFindings(await probes.tpm(signal));
}

/**
 * Makes every check, one after the other. Never rejects, but for the signal's reason.
 */
export async function examine(probes: DoctorProbes, options: { signal: AbortSignal }): Promise<DoctorReport> {
  const findings: Finding[] = [];
  const attempt = async (check: Finding['check'], work: () => Promise<readonly Finding[]>) => {
    options.signal.throwIfAborted();
    try {
      findings.push(...(await work()));
    } catch (error) {
      options.signal.throwIfAborted();
      findings.push(failed(check, error));
    }
  };

  // Asked first, told in its place: the folders are those of the daemon where it runs.
  const asked = await probes.daemon(options.signal).then(
    (facts) => ({ facts, error: null }),
    (error: unknown) => ({ facts: null, error }),
  );
  const daemon = asked.facts;
  const daemonConfig = daemon?.running === true ? daemon.config : null;
  let config: readonly ConfigRow[] = [];
  await attempt('config', async () => {
    if (probes.config === null) return [];
    config = await probes.config();
    return [finding('config', 'ok', `${config.length} values, all valid`)];
  });
  await attempt('packages', async () =>
    (await probes.packages()).map(({ name, purpose, present, required, cure }) =>
      present
        ? finding('packages', 'ok', `${name} (${purpose})`)
        : finding('packages', required ? 'problem' : 'info', `${name} is not installed (${purpose})`, cure),
    ),
  );
  await attempt('folders', async () =>
    (await probes.folders(daemonConfig)).map(({ path, problem, missing, cure }) => {
      if (missing) return finding('folders', 'info', `${path}: not there yet; the daemon makes it when it starts`);
      return problem === null
        ? finding('folders', 'ok', path)
        : finding('folders', 'problem', `${path}: ${problem}`, cure);
    }),
  );
  await attempt('daemon', async () => {
    if (daemon === null) throw asked.error;
    if (daemon.running) {
      const runs = finding('daemon', 'ok', `version ${daemon.version} runs under uid ${daemon.uid}`);
      return [runs, ...dynamicLockFindings(daemon.dynamicLock)];
    }
    return [finding('daemon', 'warning', 'the daemon does not run', 'Start it: `systemctl start unlockd`.')];
  });
  await attempt('tpm', () => tpmOf(probes, daemon, options.signal));
  await attempt('keys', async () => (probes.keys === undefined ? [] : keyFindings(await probes.keys(options.signal))));
  await attempt('keys', async () => metadataFindings((await probes.metadata?.(daemonConfig)) ?? null));
  return {
    ok: findings.every(({ level }) => level !== 'problem'),
    findings,
    config: daemonConfig ?? config,
    configOf:
      daemonConfig !== null
        ? 'the running daemon'
        : daemon?.running === true
          ? 'this command, not the running daemon'
          : 'this command',
  };
}
