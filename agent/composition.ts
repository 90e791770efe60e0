/**
 * The one place where the parts meet: a configuration becomes a host, the host a service, the service an API on a
 * socket. Whatever is opened here is closed here, in reverse order.
 */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { milliseconds, seconds } from '../drivers/base/brand.ts';
import { type Clock, systemClock } from '../drivers/base/clock.ts';
import { Closers } from '../drivers/base/closers.ts';
import { systemEntropy } from '../drivers/base/entropy.ts';
import { isUnlockdError, UnlockdError } from '../drivers/base/errors.ts';
import { onlyDevice } from '../drivers/fido2/only-device.ts';
import type { KeyModels } from '../drivers/fido2/security-key.ts';
import type { Machine } from '../drivers/hal/machine.ts';
import type { PresenceHal } from '../drivers/hal/presence.ts';
import { bootTime } from '../drivers/linux/boot-time.ts';
import { tryLockExclusive } from '../drivers/linux/file-lock.ts';
import { linuxMachine } from '../drivers/linux/machine.ts';
import { namedPeer } from '../drivers/linux/peer-credentials.ts';
import { logindSessions } from '../drivers/linux/session/logind.ts';
import { createApi } from './api/create-api.ts';
import { type Listening, listen } from './api/listen.ts';
import { EventAllowance } from './audit/allowance.ts';
import { AuditLog } from './audit/log.ts';
import { readConfigText } from './config/file.ts';
import { type Config, describeConfig, socketPath } from './config/load.ts';
import { readAuthorityFile } from './container/authority/authority-file.ts';
import { documentKeysOf } from './container/document-keys.ts';
import { DurableFiles } from './container/durable-files.ts';
import { StateStore } from './container/store.ts';
import { DynamicLockRunner } from './dynamic-lock/runner.ts';
import { readMetadata } from './key-metadata.ts';
import { lockFolder } from './lifecycle/daemon-lock.ts';
import { SuspendWatch } from './lifecycle/suspend.ts';
import { parseDocument } from './policy/forms/native-json.ts';
import { sensesOf } from './senses.ts';
import { auditReader } from './service/audit-reader.ts';
import { currentPolicy } from './service/context.ts';
import { configuredDynamicLock, dynamicLockFor } from './service/dynamic-lock-policy.ts';
import type { ServiceParts, ServiceSettings } from './service/parts.ts';
import { PhoneBook } from './service/phone-book.ts';
import { Service } from './service/service.ts';
import { startUp } from './service/startup.ts';
import { TpmAccess } from './service/tpm-access.ts';
import { UnlockedContainers } from './service/unlocked.ts';
import { Sensors } from './signals/sensors.ts';
import type { Log } from './telemetry/log.ts';
import { traceToLog } from './telemetry/trace-log.ts';

export interface Daemon extends AsyncDisposable {
  readonly service: Service;
  readonly listening: Listening;
}

const STOP_GRACE_MS = 2000;

/** Events that any user can bring about as often as it likes; see {@link EventAllowance}. */
const COUNTED_EVENTS = ['purpose-key', 'unlock-begun', 'unlock-refused', 'rule-failed'] as const;
const ONE_BY_ONE = 20;
const ALLOWANCE_SPAN = seconds(600);

/** Models of security keys that may be enrolled; the file is read anew each time. */
function keyModels({ hid }: Config, clock: Clock): KeyModels {
  const listed =
    hid.allowedAaguids
      .toLowerCase()
      .replaceAll('-', '')
      .match(/[0-9a-f]{32}/g) ?? [];
  return { allowed: new Set(listed), metadata: readMetadata(hid, clock.wall()) };
}

function settingsOf(config: Config, version: string, clock: Clock): ServiceSettings {
  const { unlock } = config;
  return {
    stateFolder: config.paths.stateDir,
    rootHandle: config.tpm.rootKeyHandle,
    softLimit: { tries: unlock.softLimitTries, forgetAfter: seconds(unlock.softLimitForgetSeconds) },
    attemptRetries: unlock.attemptRetries,
    ceremonyWithin: seconds(config.api.ceremonyTimeoutSeconds),
    unlockWithin: seconds(unlock.attemptTimeoutSeconds),
    insertWithin: seconds(unlock.insertTimeoutSeconds),
    touchWithin: seconds(unlock.touchTimeoutSeconds),
    forgetAfter: unlock.forSeconds === 0 ? null : seconds(unlock.forSeconds),
    managedAuthority: () => readAuthorityFile(config.policy.authorityFile),
    documentKeys: () => {
      const { documentKey } = config.policy;
      return documentKey === '' ? null : documentKeysOf(readConfigText(documentKey));
    },
    keyModels: () => keyModels(config, clock),
    version,
    configuration: describeConfig(config).map(({ key, value, unit, default: fallback, origin }) => ({
      key,
      value: String(value),
      unit,
      default: String(fallback),
      origin,
    })),
  };
}

/** Names of uids as /etc/passwd has them; a uid without a name is called by its number. */
function userNames(): (uid: number) => string {
  return (uid) => {
    try {
      const line = readFileSync('/etc/passwd', 'utf8')
        .split('\n')
        .find((entry) => entry.split(':')[2] === String(uid));
      return line?.split(':')[0] ?? `uid ${uid}`;
    } catch {
      return `uid ${uid}`;
    }
  };
}

/** The host as configured; of its security keys all, or the one at a device. */
function machineOf(config: Config): Machine {
  const machine = linuxMachine({ tpm: config.tpm.tcti, securityKeys: config.hid.enabled });
  const { device } = config.hid;
  return machine.hid === null || device === '' ? machine : { ...machine, hid: onlyDevice(machine.hid, device) };
}

/** Dynamic lock: it opens nothing before it is switched on. */
function dynamicLock(
  config: Config,
  presence: PresenceHal | null,
  parts: ServiceParts,
  service: Service,
  log: Log,
): DynamicLockRunner {
  const { clock } = parts;
  const configured = configuredDynamicLock(config.dynamic_lock);
  const { bus } = config.session;
  // Of its own: whoever asks whether the machine slept is told once.
  const suspends = new SuspendWatch(clock, bootTime);
  return new DynamicLockRunner({
    clock,
    openSessions: bus === '' ? null : () => logindSessions({ bus, clock }),
    presence,
    policy: async () => dynamicLockFor(parseDocument((await currentPolicy(parts)).document), configured),
    slept: () => suspends.slept(),
    forget: async (uid) => {
      await service.forget(uid, 'dynamic-lock');
    },
    audit: (event, uid, detail) => parts.audit(event, uid, detail),
    report: (what, error) => log.warn(`dynamic lock: ${what}, ignoring`, {}, error),
  });
}

async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode });
  } catch (cause) {
    throw new UnlockdError('ERR_STATE_WRITE_FAILED', `${path} could not be made`, { detail: { path }, cause });
  }
}

/**
 * Starts everything and listens.
 * @throws {ERR_DAEMON_ALREADY_RUNNING | ERR_DAEMON_SOCKET | ERR_CONFIG_INVALID | ERR_STATE_… | ERR_AUDIT_…}
 */
export async function startDaemon(
  config: Config,
  log: Log,
  version: string,
  clock: Clock = systemClock,
): Promise<Daemon> {
  const opened = new Closers();
  try {
    return await open(config, log, version, clock, opened);
  } catch (error) {
    await opened.close().catch((failure: unknown) => log.error('what was opened could not all be closed', {}, failure));
    throw error;
  }
}

async function open(config: Config, log: Log, version: string, clock: Clock, opened: Closers): Promise<Daemon> {
  await makeFolder(config.paths.stateDir, 0o700);
  await makeFolder(config.paths.runDir, 0o755);
  const lock = lockFolder(config.paths.stateDir, { tryLock: tryLockExclusive, pid: process.pid });
  opened.add(async () => lock[Symbol.dispose]());
  const auditLog = await AuditLog.open({
    folder: join(config.paths.stateDir, 'audit'),
    clock,
    maxBytes: config.audit.maxBytes,
    keepFiles: config.audit.keepFiles,
  });
  opened.add(() => auditLog.close());
  const trace = traceToLog(log);
  const files = new DurableFiles();
  const write: ServiceParts['audit'] = async (event, uid, detail) => {
    try {
      await auditLog.append({ event, uid, detail });
    } catch (error) {
      // A full disk must not keep its owner out: the event is in the log instead.
      if (!isUnlockdError(error, 'ERR_AUDIT_WRITE_FAILED')) throw error;
      log.error('an event could not be written to the audit log, ignoring', { event }, error);
    }
    log.info(event, { event, ...(uid === null ? {} : { uid }), detail });
  };
  const allowance = new EventAllowance({
    clock,
    write,
    counted: COUNTED_EVENTS,
    oneByOne: ONE_BY_ONE,
    span: ALLOWANCE_SPAN,
    failed: (error) => log.error('the audit log failed', {}, error),
  });
  opened.add(() => allowance.flush());
  const audit: ServiceParts['audit'] = (event, uid, detail) => allowance.write(event, uid, detail);
  const unlocked = new UnlockedContainers(clock, (uid) => {
    audit('locked', uid, { why: 'time' }).catch((error: unknown) => log.error('the audit log failed', {}, error));
  });
  const suspends = new SuspendWatch(clock, bootTime);
  const machine = machineOf(config);
  const store = new StateStore(config.paths.stateDir, files, clock);
  const phones = new PhoneBook(store);
  const senses = await sensesOf(config, clock, log, phones, (close) => opened.add(close));
  const sensors = new Sensors(clock, senses.drivers);
  opened.add(() => sensors.stop());
  sensors.start();
  opened.add(async () => machine.hid?.released?.());
  const locks: { runner: DynamicLockRunner | null } = { runner: null };
  const parts: ServiceParts = {
    clock,
    entropy: systemEntropy,
    tpm: new TpmAccess({
      hal: machine.tpm,
      clock,
      entropy: systemEntropy,
      trace,
      commandWithin: seconds(config.tpm.timeoutSeconds),
    }),
    hid: machine.hid,
    bluetooth: senses.bluetooth,
    biometric: senses.biometric,
    phones,
    simulated: machine.simulated || config.simulation.surroundings !== '',
    store,
    files,
    sensors,
    unlocked,
    slept: () => suspends.slept(),
    dynamicLock: (uid) => locks.runner?.statusOf(uid) ?? null,
    policySet: () => void locks.runner?.policyChanged(),
    tries: new Map(),
    unsettled: new Map(),
    audit,
    trace,
    settings: settingsOf(config, version, clock),
    userName: userNames(),
  };
  const service = new Service(parts, auditReader(auditLog), (error) => log.error('a ceremony failed', {}, error));
  opened.add(() => service.stop());
  for (const problem of await startUp(parts, new AbortController().signal)) {
    log.warn('start-up found a problem, ignoring', { code: problem.code }, problem);
  }
  locks.runner = dynamicLock(config, senses.presence, parts, service, log);
  opened.add(() => locks.runner?.stop() ?? Promise.resolve());
  await locks.runner.start();
  const api = createApi({
    service,
    peerOf: namedPeer,
    clock,
    limits: {
      connections: config.api.maxConnections,
      connectionsPerUid: Math.max(1, Math.floor(config.api.maxConnections / 4)),
    },
    unexpected: (error) => log.error('the API met an unexpected error', {}, error),
  });
  const uid = process.getuid?.() ?? 0;
  const listening = await listen(api, { socketPath: socketPath(config), uid, clock });
  opened.add(() => listening.stop({ graceMs: milliseconds(STOP_GRACE_MS) }));
  // What is closed first: an answer that somebody still reads must not keep a key in memory.
  opened.add(() => service.forgetAll('stop'));
  return { service, listening, [Symbol.asyncDispose]: () => opened.close() };
}
