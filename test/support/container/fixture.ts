/**
 * A machine for tests: a fresh swtpm, set up, with the parts of the container room wired as the agent wires them.
 * Whatever a test does to it, dispose ends the TPM in order and removes the folders.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalAuthority } from '../../../agent/container/authority/local-authority.ts';
import { changeContainer, type Draft, type Unsealer } from '../../../agent/container/change.ts';
import { DurableFiles, nodeFileSystem } from '../../../agent/container/durable-files.ts';
import { newContainerId, prepareContainer } from '../../../agent/container/enrolment.ts';
import { groupAuthValue, newGroupSecret } from '../../../agent/container/key-group.ts';
import { createFactor, nameOfBlob } from '../../../agent/container/objects.ts';
import { type FactorProof, satisfyPolicy } from '../../../agent/container/pass.ts';
import { changePlanOf, planOf } from '../../../agent/container/plan.ts';
import { EMPTY_RECORDS } from '../../../agent/container/records.ts';
import { newRecoverySecret } from '../../../agent/container/recovery-sheet.ts';
import { openRoot, type RootSession } from '../../../agent/container/root.ts';
import { setUpMachine } from '../../../agent/container/setup.ts';
import type { ContainerState, MachineState } from '../../../agent/container/state.ts';
import { StateStore } from '../../../agent/container/store.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { noTrace, type TraceSink } from '../../../drivers/base/trace.ts';
import type { TpmTransport } from '../../../drivers/hal/tpm.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import { load, type ObjectBlob, sessionAuth, Tpm, unseal } from '../../../drivers/tpm2/index.ts';
import { type Swtpm, startSwtpm } from '../../../hal-mocks/tpm2/swtpm.ts';

export const ROOT_HANDLE = 0x81000001;

export interface TestFactors {
  /** Used as authValue directly: key derivation is not what these tests are about. */
  readonly pin: string;
  readonly group: Secret;
}

export interface TestContainer {
  readonly state: ContainerState;
  readonly sheet: Secret;
  readonly group: Secret;
}

const never = new AbortController().signal;

class Crash extends Error {}

export type Between = (transport: TpmTransport) => TpmTransport;

export interface TestMachineOptions {
  /** False: a TPM as it left the factory. */
  readonly setUp?: boolean;
  readonly trace?: TraceSink;
  readonly between?: Between;
  readonly rootHandle?: number;
}

export interface ChangeHooks {
  readonly write?: (state: ContainerState) => Promise<void>;
}

export class TestMachine implements AsyncDisposable {
  readonly swtpm: Swtpm;
  readonly folder: string;
  readonly files = new DurableFiles(nodeFileSystem);
  readonly store: StateStore;
  readonly ownerSheet = newRecoverySecret(systemEntropy);
  machine!: MachineState;
  rootHandle = ROOT_HANDLE;
  /** What stands between the product and the TPM; may be exchanged between two operations. */
  between: Between = (transport) => transport;
  #trace: TraceSink = noTrace;

  private constructor(swtpm: Swtpm, folder: string) {
    this.swtpm = swtpm;
    this.folder = folder;
    this.store = new StateStore(folder, this.files, systemClock);
  }

  static async start(options: TestMachineOptions = {}): Promise<TestMachine> {
    const swtpm = await startSwtpm();
    const folder = await mkdtemp(join(tmpdir(), 'unlockd-test-'));
    const machine = new TestMachine(swtpm, folder);
    if (options.trace) machine.#trace = options.trace;
    if (options.between) machine.between = options.between;
    if (options.rootHandle !== undefined) machine.rootHandle = options.rootHandle;
    await machine.store.open();
    if (options.setUp !== false) await machine.setUp();
    return machine;
  }

  async setUp(): Promise<void> {
    await this.withTpm(async (tpm) => {
      const { machine } = await setUpMachine({
        tpm,
        clock: systemClock,
        entropy: systemEntropy,
        rootHandle: this.rootHandle,
        managedAuthority: null,
        sheet: this.ownerSheet,
        earlier: await this.store.readMachine(),
        write: (state) => this.store.writeMachine(state),
      });
      this.machine = machine;
    });
  }

  /** One connection to the TPM; swtpm serves one at a time. Fails the test when a handle is left loaded. */
  async withTpm<T>(use: (tpm: Tpm) => Promise<T>): Promise<T> {
    const transport = this.between(await linuxTpm(this.swtpm.config).open({ signal: never }));
    await using tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy, trace: this.#trace });
    let result: T;
    try {
      result = await use(tpm);
    } catch (error) {
      if (tpm.loadedHandles === 0) throw error;
      throw new Error(`${tpm.loadedHandles} handles were left loaded after an error`, { cause: error });
    }
    if (tpm.loadedHandles !== 0) throw new Error(`${tpm.loadedHandles} handles were left loaded`);
    return result;
  }

  withRoot<T>(use: (root: RootSession) => Promise<T>): Promise<T> {
    return this.withTpm(async (tpm) => {
      await using root = await openRoot(tpm, { handle: this.rootHandle, name: this.machine.rootName });
      return await use(root);
    });
  }

  /** What a thief's program does: a pass with whatever it has, and Unseal, without a verdict or a grant. */
  unsealer(root: RootSession, branch: readonly FactorKind[] = ['pin', 'securityKey']): Unsealer {
    return async (plan, proofs, sealed) => {
      await using policy = await satisfyPolicy(root, plan, branch, proofs, nameOfBlob(sealed));
      const { tpm, srk, session } = root;
      await using object = await load(tpm, srk, sealed, { auth: sessionAuth(session) });
      return await unseal(tpm, object, sessionAuth(policy), [{ session, flags: { encrypt: true } }]);
    };
  }

  proofs(state: ContainerState, factors: Partial<TestFactors>): Map<FactorKind, FactorProof> {
    const proofs = new Map<FactorKind, FactorProof>();
    if (factors.pin !== undefined && state.factors.pin) {
      const authValue = Secret.take(utf8(factors.pin));
      proofs.set('pin', { check: 'secret', blob: state.factors.pin.blob, authValue });
    }
    if (factors.group !== undefined && state.factors.securityKey) {
      const authValue = groupAuthValue(factors.group, state.containerId);
      proofs.set('securityKey', { check: 'secret', blob: state.factors.securityKey.blob, authValue });
    }
    return proofs;
  }

  pinState(blob: ObjectBlob): NonNullable<ContainerState['factors']['pin']> {
    return { blob, salt: systemEntropy.bytes(16), logN: 14, setAt: 0 };
  }

  async enrol(uid: number, pin = '246813'): Promise<TestContainer> {
    const sheet = newRecoverySecret(systemEntropy);
    const group = newGroupSecret(systemEntropy);
    const containerId = newContainerId(systemEntropy);
    const state = await this.withRoot(async (root) => {
      using keyAuth = groupAuthValue(group, containerId);
      using pinAuth = Secret.take(utf8(pin));
      const factors: ContainerState['factors'] = {
        pin: this.pinState(await createFactor(root, 'pin', pinAuth, systemEntropy)),
        securityKey: {
          blob: await createFactor(root, 'securityKey', keyAuth, systemEntropy),
          generation: 1,
          credentials: [],
        },
      };
      const draft = { factors, containerId } as unknown as ContainerState;
      const prepared = await prepareContainer(
        {
          root,
          clock: systemClock,
          entropy: systemEntropy,
          machine: this.machine,
          uid,
          containerId,
          factors,
          proofs: this.proofs(draft, { pin, group }),
          policy: { version: 1, document: '{}', branches: [['pin', 'securityKey']] },
          records: EMPTY_RECORDS,
          sheet,
          writeIntent: (intent) => this.store.writeIntent(uid, 'intent', intent),
        },
        this.unsealer(root),
      );
      await this.store.writeContainer(prepared.state);
      await prepared.finish(root);
      await this.store.removeIntent(uid, 'intent');
      return prepared.state;
    });
    return { state, sheet, group };
  }

  open(state: ContainerState, factors: Partial<TestFactors>): Promise<Secret> {
    return this.withRoot((root) => this.unsealer(root)(planOf(state), this.proofs(state, factors), state.sealedKey));
  }

  /** A PIN change by the product's own protocol. A `write` that throws is a crash there. */
  async changePin(
    state: ContainerState,
    old: TestFactors,
    pin: string,
    hooks: ChangeHooks = {},
  ): Promise<ContainerState> {
    return await this.withRoot((root) => this.changePinUnder(root, state, old, pin, hooks));
  }

  /** The same on a connection that is open already. */
  async changePinUnder(
    root: RootSession,
    state: ContainerState,
    old: TestFactors,
    pin: string,
    hooks: ChangeHooks = {},
  ): Promise<ContainerState> {
    const unsealWith = this.unsealer(root);
    const present = this.proofs(state, old);
    const plan = planOf(state);
    using containerKey = await unsealWith(plan, present, state.sealedKey);
    const { key, sealedAuth } = state.authority;
    if (key === null || sealedAuth === null) throw new Error('not a single box');
    using authorityAuth = await unsealWith(changePlanOf(state), present, sealedAuth);
    const authority = new LocalAuthority(root, key, nameOfBlob(key), authorityAuth);
    const draft = async (): Promise<Draft> => {
      using authValue = Secret.take(utf8(pin));
      const blob = await createFactor(root, 'pin', authValue, systemEntropy);
      const factors = { ...state.factors, pin: this.pinState(blob) };
      return {
        factors,
        policy: { version: 1, document: '{}', branches: [['pin', 'securityKey']] },
        records: state.records,
        proofs: this.proofs({ ...state, factors }, { pin, group: old.group }),
      };
    };
    return await changeContainer({
      root,
      state,
      write: hooks.write ?? ((next) => this.store.writeContainer(next)),
      unseal: unsealWith,
      approve: (statement) => authority.approve(statement),
      approvePolicy: (statement) => authority.approvePolicy(statement),
      draft,
      containerKey,
    });
  }

  /** A PIN change whose program dies right after the commit: the state that is on disk then. */
  async crashBeforeBump(state: ContainerState, old: TestFactors, pin: string): Promise<ContainerState> {
    const written: ContainerState[] = [];
    const write = async (next: ContainerState): Promise<void> => {
      written.push(next);
      await this.store.writeContainer(next);
      if (written.length === 2) throw new Crash();
    };
    return await this.#crashed(this.changePin(state, old, pin, { write }), written);
  }

  /** A PIN change whose program dies after the new policy was signed and before the commit: what is on disk then. */
  async crashBeforeCommit(
    state: ContainerState,
    old: TestFactors,
    pin: string,
  ): Promise<{ readonly onDisk: ContainerState; readonly orphan: ContainerState }> {
    const written: ContainerState[] = [];
    const write = async (next: ContainerState): Promise<void> => {
      written.push(next);
      if (written.length === 2) throw new Crash();
      await this.store.writeContainer(next);
    };
    const orphan = await this.#crashed(this.changePin(state, old, pin, { write }), written);
    const [onDisk] = written;
    if (onDisk === undefined) throw new Error('the number was not burned');
    return { onDisk, orphan };
  }

  async #crashed(change: Promise<ContainerState>, written: readonly ContainerState[]): Promise<ContainerState> {
    const outcome = await change.catch((error: unknown) => error);
    const last = written[1];
    if (!(outcome instanceof Crash) || last === undefined) throw new Error('it did not crash', { cause: outcome });
    return last;
  }

  async close(): Promise<void> {
    await this.swtpm.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
