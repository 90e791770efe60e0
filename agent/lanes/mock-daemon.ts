/**
 * The daemon of the mock lane: the real service, dynamic lock and drivers in this process, over swtpm and mocks, without
 * socket and configuration. Its machine is a simulated one and says so; a restart begins anew on the same folder and TPM.
 */
import { join } from 'node:path';
import { seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { noTrace } from '../../drivers/base/trace.ts';
import type { Phones } from '../../drivers/bluetooth/phones-driver.ts';
import type { HidHal } from '../../drivers/hal/hid.ts';
import type { SessionHal } from '../../drivers/hal/session.ts';
import type { TpmHal } from '../../drivers/hal/tpm.ts';
import type { AuditEvent } from '../api/ports.ts';
import { AuditLog } from '../audit/log.ts';
import { DurableFiles } from '../container/durable-files.ts';
import { StateStore } from '../container/store.ts';
import { DynamicLockRunner } from '../dynamic-lock/runner.ts';
import { DEFAULT_DYNAMIC_LOCK } from '../policy/dynamic-lock.ts';
import { parseDocument } from '../policy/forms/native-json.ts';
import { auditReader } from '../service/audit-reader.ts';
import { currentPolicy } from '../service/context.ts';
import { dynamicLockFor } from '../service/dynamic-lock-policy.ts';
import type { ServiceParts, ServiceSettings } from '../service/parts.ts';
import { PhoneBook } from '../service/phone-book.ts';
import { Service } from '../service/service.ts';
import { startUp } from '../service/startup.ts';
import { TpmAccess } from '../service/tpm-access.ts';
import { UnlockedContainers } from '../service/unlocked.ts';
import { Sensors } from '../signals/sensors.ts';
import { type MockSurroundings, sensesOver } from './mock-surroundings.ts';
import type { Sensed } from './sensed.ts';

export interface MockDaemonParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** What goes to the TPM is drawn from it. */
  readonly tpmEntropy: Entropy;
  readonly stateFolder: string;
  readonly tpm: TpmHal;
  readonly hid: HidHal;
  readonly surroundings: MockSurroundings;
  /** As the readers of fingers know the users. */
  readonly userName: (uid: number) => string;
  /** Told what is sensed, in each life of the daemon. */
  readonly sensed: Sensed;
  /** Told each event of the audit log. */
  readonly audited: (event: string, uid: number | null, detail: AuditEvent['detail']) => void;
}

/** As shipped, but for the times that a program needs in the place of a person. */
const settingsOf = (stateFolder: string): ServiceSettings => ({
  stateFolder,
  rootHandle: 0x81000001,
  softLimit: { tries: 5, forgetAfter: seconds(600) },
  attemptRetries: 3,
  ceremonyWithin: seconds(300),
  unlockWithin: seconds(8),
  insertWithin: seconds(2),
  touchWithin: seconds(2),
  forgetAfter: null,
  managedAuthority: () => null,
  version: 'mock lane',
  configuration: [],
});

interface Running {
  readonly parts: ServiceParts;
  readonly service: Service;
  readonly lock: DynamicLockRunner;
  readonly log: AuditLog;
}

/** More than a walkthrough brings about. */
const LOG_BYTES = 4 * 1024 * 1024;

/** The sessions outlive a daemon that closes them. */
const lasting = (sessions: SessionHal): SessionHal => ({
  name: sessions.name,
  list: (options) => sessions.list(options),
  lock: (id, options) => sessions.lock(id, options),
  watch: (options) => sessions.watch(options),
  [Symbol.asyncDispose]: async () => undefined,
});

export class MockDaemon implements AsyncDisposable {
  readonly #options: MockDaemonParts;
  #running: Running | null = null;
  /** The machine was suspended, and nobody has asked since; each who asks is told once. */
  readonly #slept = new Set<'service' | 'lock'>();
  readonly #faults: unknown[] = [];

  constructor(options: MockDaemonParts) {
    this.#options = options;
  }

  /** The service as it runs now. @throws {TypeError} when it does not */
  get service(): Service {
    if (this.#running === null) throw new TypeError('the daemon does not run');
    return this.#running.service;
  }

  /** What should not have happened, first one first. */
  get faults(): readonly unknown[] {
    return this.#faults;
  }

  /** The machine slept and is awake again. */
  suspended(): void {
    this.#slept.add('service').add('lock');
  }

  async start(): Promise<void> {
    if (this.#running !== null) throw new TypeError('the daemon runs');
    const { clock, stateFolder, surroundings } = this.#options;
    const log = await AuditLog.open({ folder: join(stateFolder, 'audit'), clock, maxBytes: LOG_BYTES, keepFiles: 1 });
    const { parts, phones } = this.#parts(log);
    const service = new Service(parts, auditReader(log), (error) => this.#faults.push(error));
    const lock = new DynamicLockRunner({
      clock,
      openSessions: () => lasting(surroundings.sessions),
      presence: phones.presence,
      policy: async () => dynamicLockFor(parseDocument((await currentPolicy(parts)).document), DEFAULT_DYNAMIC_LOCK),
      slept: () => this.#slept.delete('lock'),
      forget: async (uid) => {
        await service.forget(uid, 'dynamic-lock');
      },
      audit: (event, uid, detail) => parts.audit(event, uid, detail),
      report: () => undefined,
    });
    this.#options.sensed.listenTo(parts.sensors.ledger);
    parts.sensors.start();
    this.#running = { parts, service, lock, log };
    await startUp(parts, new AbortController().signal);
    await lock.start();
  }

  #parts(log: AuditLog): { readonly parts: ServiceParts; readonly phones: Phones } {
    const { clock, entropy, hid, stateFolder, surroundings, tpm, tpmEntropy } = this.#options;
    const files = new DurableFiles();
    const store = new StateStore(stateFolder, files, clock);
    const book = new PhoneBook(store);
    const { drivers, phones } = sensesOver(surroundings, clock, async () =>
      (await book.all()).map(({ uid, ...phone }) => ({ ...phone, users: [uid] })),
    );
    book.onChange(() => phones.changed());
    const audit: ServiceParts['audit'] = async (event, uid, detail) => {
      await log.append({ event, uid, detail });
      this.#options.audited(event, uid, detail);
    };
    const parts: ServiceParts = {
      clock,
      entropy,
      tpm: new TpmAccess({ hal: tpm, clock, entropy: tpmEntropy, trace: noTrace, commandWithin: seconds(30) }),
      hid,
      bluetooth: surroundings.bluetooth,
      biometric: surroundings.biometric,
      phones: book,
      simulated: true,
      store,
      files,
      sensors: new Sensors(clock, drivers),
      unlocked: new UnlockedContainers(clock, (uid) => void audit('locked', uid, { why: 'time' })),
      slept: () => this.#slept.delete('service'),
      dynamicLock: (uid) => this.#running?.lock.statusOf(uid) ?? null,
      policySet: () => void this.#running?.lock.policyChanged(),
      tries: new Map(),
      unsettled: new Map(),
      audit,
      trace: noTrace,
      settings: settingsOf(stateFolder),
      userName: this.#options.userName,
    };
    return { parts, phones };
  }

  /** In order; harmless when it does not run. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    await running.service.forgetAll('stop');
    await running.lock.stop();
    await running.service.stop();
    await running.parts.sensors.stop();
    await running.log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
