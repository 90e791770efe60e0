/** `unlockd`, the daemon: reads its configuration, hardens itself, serves until it is told to stop. */
import { parseArgs } from 'node:util';
import { seconds } from '../drivers/base/brand.ts';
import { systemClock } from '../drivers/base/clock.ts';
import { isUnlockdError, UnlockdError } from '../drivers/base/errors.ts';
import { giveMemoryBack } from '../drivers/linux/allocator.ts';
import { forbidCoreFiles, forbidDumping, isDumpable } from '../drivers/linux/process-hardening.ts';
import { notifyService } from '../drivers/linux/service-notify.ts';
import { startDaemon } from './composition.ts';
import { type Config, loadConfig } from './config/load.ts';
import { hardenProcess } from './lifecycle/process-hardening.ts';
import { serviceManager } from './lifecycle/ready.ts';
import { stopOnSignal } from './lifecycle/signals.ts';
import { FORGET_SIGNAL } from './lifecycle/suspend.ts';
import { type Log, openLog } from './telemetry/log.ts';
import { VERSION } from './version.ts';

const HELP = `unlockd ${VERSION}: the unlock daemon

Usage: unlockd [--config FILE] [--set KEY=VALUE]...

  --config FILE    the configuration (default: /etc/unlockd/unlockd.toml)
  --set KEY=VALUE  one setting, e.g. --set tpm.tcti=swtpm:path=/run/swtpm.sock; may be repeated
  --version        print the version
  --help           print this

unlockctl is the command line for people.
`;

const STOP_DEADLINE = seconds(10);

function flagsOf(assignments: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    assignments.map((assignment) => {
      const equals = assignment.indexOf('=');
      if (equals < 1) throw new UnlockdError('ERR_CLI_USAGE', `--set ${assignment} is not KEY=VALUE`);
      return [assignment.slice(0, equals), assignment.slice(equals + 1)];
    }),
  );
}

function readArguments(): { config: Config } | { print: string } {
  let values: { config?: string; set?: string[]; version?: boolean; help?: boolean };
  try {
    const options = {
      config: { type: 'string' },
      set: { type: 'string', multiple: true },
      version: { type: 'boolean' },
      help: { type: 'boolean' },
    } as const;
    ({ values } = parseArgs({ options, allowPositionals: false }));
  } catch (cause) {
    throw new UnlockdError('ERR_CLI_USAGE', cause instanceof Error ? cause.message : 'bad arguments', { cause });
  }
  if (values.help) return { print: HELP };
  if (values.version) return { print: `unlockd ${VERSION}\n` };
  return { config: loadConfig({ file: values.config, env: process.env, flags: flagsOf(values.set ?? []) }) };
}

/** Strings that become code would turn a hostile byte into a program; the daemon's start line switches that off. */
function codeFromStringsIsOff(): boolean {
  try {
    new Function('');
    return false;
  } catch {
    return true;
  }
}

/** Never fatal: without it the daemon holds some more memory than it needs. */
function keepMemorySmall(log: Log): void {
  try {
    if (!giveMemoryBack()) log.debug('the allocator takes no settings, ignoring');
  } catch (error) {
    log.debug('the allocator could not be set, ignoring', {}, error);
  }
}

async function serve(config: Config, log: Log): Promise<void> {
  keepMemorySmall(log);
  const hardening = hardenProcess({ forbidDumping, forbidCoreFiles, isDumpable });
  for (const shortcoming of hardening.shortcomings) log.warn(`hardening: ${shortcoming}, ignoring`);
  if (!codeFromStringsIsOff()) log.warn('started without --disallow-code-generation-from-strings, ignoring');
  const manager = serviceManager(process.env.NOTIFY_SOCKET, notifyService, (error) => {
    log.warn('the service manager was not told, ignoring', {}, error);
  });
  const daemon = await startDaemon(config, log, VERSION);
  const forget = () => {
    daemon.service.forgetAll('suspend').catch((error: unknown) => log.error('forgetting failed', {}, error));
  };
  process.on(FORGET_SIGNAL, forget);
  // Before anybody is told that the daemon is ready, it can be stopped in order.
  const stopped = stopOnSignal({
    source: process,
    clock: systemClock,
    deadline: STOP_DEADLINE,
    stop: async () => {
      manager.stopping();
      await daemon[Symbol.asyncDispose]();
    },
  });
  log.info(`unlockd ${VERSION} listens`, { path: daemon.listening.socketPath });
  manager.ready();
  await stopped;
  log.info('unlockd has stopped');
}

/** Runs the daemon until it is told to stop. @returns the exit status */
export async function runDaemon(): Promise<number> {
  let log: Log | undefined;
  let logFile = '';
  try {
    const read = readArguments();
    if ('print' in read) {
      process.stdout.write(read.print);
      return 0;
    }
    const { level, file } = read.config.log;
    logFile = file;
    log = openLog({ level, file: file === '' ? null : file, name: 'unlockd' });
    await serve(read.config, log);
    return 0;
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    const isAdmins = /^ERR_(CLI_USAGE$|CONFIG_|HAL_MOCK_)/.test(error.code);
    // What somebody has written has to be corrected by them: words, and no stack of this program.
    if (isAdmins && logFile !== '') log?.fatal(error.message, { code: error.code });
    if (isAdmins || log === undefined) {
      const cure = error.code === 'ERR_CLI_USAGE' ? 'See `unlockd --help`.' : error.cure;
      process.stderr.write(`unlockd: ${error.message} (${error.code})\n${cure}\n`);
    } else log.fatal(error.message, { code: error.code }, error);
    return isAdmins ? 2 : 1;
  } finally {
    log?.flush();
  }
}
