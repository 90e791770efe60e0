/**
 * The agent in one process for tests: the real service over a real swtpm and a virtual security key, without API and
 * command line. Ceremonies are answered from a table of secrets, as a person would.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CeremonyEvent, CeremonyRequest, Peer, SecretSlotIn } from '../../../agent/api/ports.ts';
import { DurableFiles, type FileSystem, nodeFileSystem } from '../../../agent/container/durable-files.ts';
import { parseSheet } from '../../../agent/container/recovery-sheet.ts';
import { openLockoutAuth } from '../../../agent/container/setup.ts';
import { StateStore } from '../../../agent/container/store.ts';
import type { AuditWriter, ServiceParts, ServiceSettings } from '../../../agent/service/parts.ts';
import { PhoneBook } from '../../../agent/service/phone-book.ts';
import { Service } from '../../../agent/service/service.ts';
import { startUp } from '../../../agent/service/startup.ts';
import { TpmAccess } from '../../../agent/service/tpm-access.ts';
import { UnlockedContainers } from '../../../agent/service/unlocked.ts';
import { Sensors } from '../../../agent/signals/sensors.ts';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import type { UnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { noTrace, type TraceSink } from '../../../drivers/base/trace.ts';
import type { FactorDriver } from '../../../drivers/driver.ts';
import type { BiometricHal } from '../../../drivers/hal/biometric.ts';
import type { BluetoothHal } from '../../../drivers/hal/bluetooth.ts';
import type { TpmHal } from '../../../drivers/hal/tpm.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import { dictionaryAttackLockReset, sessionAuth } from '../../../drivers/tpm2/index.ts';
import { InProcessHid } from '../../../hal-mocks/fido2/in-process-hid.ts';
import { PROFILES, type ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { type Swtpm, startSwtpm } from '../../../hal-mocks/tpm2/swtpm.ts';

export interface Answers {
  readonly [slot: string]: string | readonly string[] | undefined;
}

export interface Outcome {
  readonly events: readonly CeremonyEvent[];
  readonly done: Readonly<Record<string, unknown>> | null;
  readonly failed: Extract<CeremonyEvent, { type: 'failed' }> | null;
  /** Secrets that the ceremony handed out, as text or hexadecimal. */
  readonly out: ReadonlyMap<string, Buffer>;
}

export interface TestAgentOptions {
  readonly profile?: ProfileName;
  readonly settings?: Partial<ServiceSettings>;
  readonly trace?: TraceSink;
  readonly clock?: Clock;
  readonly fs?: FileSystem;
  readonly touch?: boolean;
  /** What senses the surroundings; what is simulated counts on a simulated machine only. */
  readonly drivers?: readonly FactorDriver[];
  readonly simulated?: boolean;
  readonly bluetooth?: BluetoothHal;
  readonly biometric?: BiometricHal;
  /** Stands between the agent and its TPM. */
  readonly between?: (tpm: TpmHal) => TpmHal;
}

export const peer = (uid: number): Peer => ({ uid, gid: uid, pid: process.pid });

export class TestAgent implements AsyncDisposable {
  readonly swtpm: Swtpm;
  readonly folder: string;
  readonly key: VirtualAuthenticator;
  readonly hid: InProcessHid;
  readonly sensors: Sensors;
  readonly audit: { event: string; uid: number | null; detail: Parameters<AuditWriter>[2] }[] = [];
  readonly faults: unknown[] = [];
  readonly #options: TestAgentOptions;
  parts!: ServiceParts;
  service!: Service;
  /** What start-up could not do. */
  problems: readonly UnlockdError[] = [];
  /** Set true: the machine was suspended, and nobody had said so before. */
  slept = false;
  /** How often whoever follows the policy was told. */
  policiesSet = 0;
  /** Set false to leave the key waiting. */
  touch: boolean;

  private constructor(swtpm: Swtpm, folder: string, options: TestAgentOptions) {
    this.swtpm = swtpm;
    this.folder = folder;
    this.#options = options;
    this.touch = options.touch ?? true;
    this.key = new VirtualAuthenticator({
      clock: systemClock,
      entropy: systemEntropy,
      profile: PROFILES[options.profile ?? '2.1'],
    });
    this.key.presence.onWait(() => {
      if (this.touch) setImmediate(() => this.key.presence.touch());
    });
    this.hid = new InProcessHid(this.key);
    this.sensors = new Sensors(options.clock ?? systemClock, options.drivers ?? []);
    this.sensors.start();
  }

  static async start(options: TestAgentOptions = {}): Promise<TestAgent> {
    const swtpm = await startSwtpm();
    const folder = await mkdtemp(join(tmpdir(), 'unlockd-agent-'));
    const agent = new TestAgent(swtpm, folder, options);
    await agent.restart();
    return agent;
  }

  /** As a new daemon on the same folder and TPM would start. */
  async restart(): Promise<void> {
    const clock = this.#options.clock ?? systemClock;
    const files = new DurableFiles(this.#options.fs ?? nodeFileSystem);
    const trace = this.#options.trace ?? noTrace;
    const between = this.#options.between ?? ((tpm: TpmHal) => tpm);
    const settings: ServiceSettings = {
      stateFolder: this.folder,
      rootHandle: 0x81000001,
      softLimit: { tries: 5, forgetAfter: seconds(600) },
      attemptRetries: 3,
      ceremonyWithin: seconds(60),
      unlockWithin: seconds(30),
      insertWithin: milliseconds(300),
      touchWithin: milliseconds(1500),
      forgetAfter: null,
      managedAuthority: () => null,
      version: '0.0.0-test',
      configuration: [],
      ...this.#options.settings,
    };
    const store = new StateStore(this.folder, files, clock);
    this.parts = {
      clock,
      entropy: systemEntropy,
      tpm: new TpmAccess({
        hal: between(linuxTpm(this.swtpm.config)),
        clock,
        entropy: systemEntropy,
        trace,
        commandWithin: seconds(30),
      }),
      hid: this.hid,
      bluetooth: this.#options.bluetooth ?? null,
      biometric: this.#options.biometric ?? null,
      phones: new PhoneBook(store),
      simulated: this.#options.simulated ?? false,
      store,
      files,
      sensors: this.sensors,
      unlocked: new UnlockedContainers(clock, () => undefined),
      slept: () => {
        const { slept } = this;
        this.slept = false;
        return slept;
      },
      policySet: () => {
        this.policiesSet++;
      },
      tries: new Map(),
      unsettled: new Map(),
      audit: async (event, uid, detail) => {
        this.audit.push({ event, uid, detail });
      },
      trace,
      settings,
      userName: (uid) => `user-${uid}`,
    };
    this.useParts();
    this.problems = await startUp(this.parts, new AbortController().signal);
  }

  /** A service of the parts as they are now. */
  useParts(): void {
    const none = async function* () {};
    this.service = new Service(this.parts, none, (error) => this.faults.push(error));
  }

  /** Runs a ceremony to its end. A slot without an answer cancels it. */
  async run(uid: number, request: CeremonyRequest, answers: Answers = {}): Promise<Outcome> {
    const who = peer(uid);
    const { id } = await this.service.begin(who, request);
    const ceremony = this.service.ceremony(who, id);
    const events: CeremonyEvent[] = [];
    const out = new Map<string, Buffer>();
    const used = new Map<string, number>();
    for await (const event of ceremony.events({ signal: new AbortController().signal })) {
      events.push(event);
      if (event.type === 'secret') {
        using secret = ceremony.take(event.slot);
        out.set(event.slot, Buffer.from(secret.expose()));
      }
      if (event.type === 'prompt') {
        const answer = this.#answer(event, answers, used, out);
        if (answer === undefined) ceremony.cancel();
        else ceremony.supply(event.slot, Secret.take(utf8(answer)));
      }
    }
    if (this.faults.length > 0) throw this.faults[0];
    const last = events.at(-1);
    return {
      events,
      out,
      done: last?.type === 'done' ? last.result : null,
      failed: last?.type === 'failed' ? last : null,
    };
  }

  #answer(
    event: Extract<CeremonyEvent, { type: 'prompt' }>,
    answers: Answers,
    used: Map<string, number>,
    out: ReadonlyMap<string, Buffer>,
  ): string | undefined {
    const slot: SecretSlotIn = event.slot;
    const given = answers[slot];
    if (given === undefined && slot === 'recovery-groups') {
      const sheet = (out.get('recovery-sheet') ?? out.get('owner-sheet'))?.toString('ascii').split('-') ?? [];
      return (event.groups ?? []).map((group) => sheet[group - 1]).join(' ');
    }
    if (given === undefined || typeof given === 'string') return given;
    const at = used.get(slot) ?? 0;
    used.set(slot, at + 1);
    return given[at];
  }

  /** Set-up, and a user enrolled with this PIN and the key. Returns the recovery sheet. */
  async setUpAndEnrol(uid: number, pin = '246813'): Promise<string> {
    if (!(await this.parts.store.readMachine())?.complete) {
      const setup = await this.run(0, { kind: 'setup' });
      if (setup.failed) throw new Error(`${setup.failed.refusal.code}: ${setup.failed.refusal.message}`);
    }
    const enrolled = await this.run(uid, { kind: 'enrol' }, { 'new-pin': pin });
    if (enrolled.failed) throw new Error(`${enrolled.failed.refusal.code}: ${enrolled.failed.refusal.message}`);
    return enrolled.out.get('recovery-sheet')?.toString('ascii') ?? '';
  }

  /** Makes the TPM forget its wrong tries, so that the rounds of a test do not end in a lockout. */
  async resetLockout(ownerSheet: string): Promise<void> {
    const machine = await this.parts.store.readMachine();
    if (machine === null) throw new Error('not set up');
    using typed = Secret.take(utf8(ownerSheet));
    using sheet = parseSheet(typed);
    using lockoutAuth = openLockoutAuth(sheet, machine);
    if (lockoutAuth === null) throw new Error('not the owner’s sheet');
    await this.parts.tpm.withRoot(new AbortController().signal, machine, (root) =>
      dictionaryAttackLockReset(root.tpm, sessionAuth(root.session, lockoutAuth)),
    );
  }

  async close(): Promise<void> {
    await this.service.stop();
    await this.sensors.stop();
    await this.swtpm.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export const UNLOCK = { kind: 'unlock', purpose: 'test', forSeconds: null } as const satisfies CeremonyRequest;
