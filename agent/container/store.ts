/**
 * Where the state files are, and what is done with one that cannot be understood: it is kept aside under a name that
 * says so, and its place stays refused until somebody puts a good file there or gives the container up.
 */
import { join } from 'node:path';
import type { Clock } from '../../drivers/base/clock.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { DurableFiles } from './durable-files.ts';
import { decodeState, encodeState, MAX_STATE_BYTES, type StateKind } from './envelope.ts';
import { type MachinePolicy, POLICY_STATE } from './machine-policy.ts';
import { type PendingRequest, REQUEST_STATE } from './pending-request.ts';
import { NO_PHONES, PHONES_STATE, type PhoneRegister } from './phones.ts';
import { corrupt } from './shape.ts';
import {
  CONTAINER_STATE,
  type ContainerState,
  type EnrolmentIntent,
  INTENT_STATE,
  MACHINE_STATE,
  type MachineState,
} from './state.ts';

/** A container, or what is kept of a damaged one. */
const CONTAINER_FILE = /^(\d{1,10})\.state(\.corrupt-\d+)?$/;
const INTENT_FILES = { intent: /^(\d{1,10})\.intent$/, retired: /^(\d{1,10})\.retired$/ } as const;

/** `intent`: a counter about to be defined. `retired`: the one of a container that is about to be replaced. */
export type IntentKind = keyof typeof INTENT_FILES;

export class StateStore {
  readonly #files: DurableFiles;
  readonly #clock: Clock;
  readonly #folder: string;

  constructor(folder: string, files: DurableFiles, clock: Clock) {
    this.#folder = folder;
    this.#files = files;
    this.#clock = clock;
  }

  get #containers(): string {
    return join(this.#folder, 'containers');
  }

  #containerPath(uid: number, ending: string): string {
    return join(this.#containers, `${uid}.${ending}`);
  }

  /** Makes the folders and removes what an interrupted write left. To be called once, before anything else. */
  async open(): Promise<void> {
    await this.#files.makeFolder(this.#folder);
    await this.#files.makeFolder(this.#containers);
    await this.#files.removeTemporaries(this.#folder);
    await this.#files.removeTemporaries(this.#containers);
  }

  /** @throws {ERR_STATE_CORRUPT} naming where the file is kept now {ERR_STATE_NEWER | ERR_STATE_READ_FAILED} */
  async #read<T>(
    kind: StateKind<T>,
    folder: string,
    name: string,
    belongs: (value: T) => boolean = () => true,
  ): Promise<T | null> {
    const path = join(folder, name);
    const content = await this.#files.read(path, MAX_STATE_BYTES);
    if (content === null) {
      const aside = (await this.#files.list(folder)).find((other) => other.startsWith(`${name}.corrupt-`));
      if (aside === undefined) return null;
      throw new UnlockdError('ERR_STATE_CORRUPT', `${name} was damaged; it is kept as ${join(folder, aside)}`, {
        detail: { path, keptAs: join(folder, aside) },
      });
    }
    try {
      const value = decodeState(kind, content);
      if (!belongs(value)) throw corrupt(kind.kind, 'the file of another user');
      return value;
    } catch (error) {
      if (!isUnlockdError(error, 'ERR_STATE_CORRUPT')) throw error;
      const keptAs = await this.#files.keepAside(path, `corrupt-${this.#clock.wall()}`);
      throw new UnlockdError('ERR_STATE_CORRUPT', `${path} is damaged (${error.message}); it is kept as ${keptAs}`, {
        detail: { path, keptAs, ...error.detail },
        cause: error,
      });
    }
  }

  /** @returns null: not set up */
  readMachine(): Promise<MachineState | null> {
    return this.#read(MACHINE_STATE, this.#folder, 'machine.state');
  }

  async writeMachine(state: MachineState): Promise<void> {
    await this.#files.replace(join(this.#folder, 'machine.state'), encodeState(MACHINE_STATE, state));
  }

  /** @returns null: none was ever set */
  readPolicy(): Promise<MachinePolicy | null> {
    return this.#read(POLICY_STATE, this.#folder, 'policy.state');
  }

  async writePolicy(policy: MachinePolicy): Promise<void> {
    await this.#files.replace(join(this.#folder, 'policy.state'), encodeState(POLICY_STATE, policy));
  }

  /** Which phones are enrolled, and for whom. */
  async readPhones(): Promise<PhoneRegister> {
    return (await this.#read(PHONES_STATE, this.#folder, 'phones.state')) ?? NO_PHONES;
  }

  async writePhones(register: PhoneRegister): Promise<void> {
    await this.#files.replace(join(this.#folder, 'phones.state'), encodeState(PHONES_STATE, register));
  }

  /** @returns null: not enrolled */
  readContainer(uid: number): Promise<ContainerState | null> {
    return this.#read(CONTAINER_STATE, this.#containers, `${uid}.state`, (state) => state.uid === uid);
  }

  async writeContainer(state: ContainerState): Promise<void> {
    if ('context' in state) throw new TypeError('a view of one context in the place of the container');
    await this.#files.replace(this.#containerPath(state.uid, 'state'), encodeState(CONTAINER_STATE, state));
  }

  /** Makes the state file, as it is, last through a power cut. @throws {ERR_STATE_NOT_DURABLE} */
  async syncContainer(uid: number): Promise<void> {
    await this.#files.sync(this.#containerPath(uid, 'state'));
  }

  async removeContainer(uid: number): Promise<void> {
    for (const name of await this.#files.list(this.#containers)) {
      const own = name.startsWith(`${uid}.state`) || name.startsWith(`${uid}.request`) || name === `${uid}.tries`;
      if (own) await this.#files.remove(join(this.#containers, name));
    }
  }

  /** @returns null: the signer was never asked */
  readRequest(uid: number): Promise<PendingRequest | null> {
    return this.#read(REQUEST_STATE, this.#containers, `${uid}.request`);
  }

  async writeRequest(uid: number, request: PendingRequest): Promise<void> {
    await this.#files.replace(this.#containerPath(uid, 'request'), encodeState(REQUEST_STATE, request));
  }

  readIntent(uid: number, kind: IntentKind): Promise<EnrolmentIntent | null> {
    return this.#read(INTENT_STATE, this.#containers, `${uid}.${kind}`);
  }

  async writeIntent(uid: number, kind: IntentKind, intent: EnrolmentIntent): Promise<void> {
    await this.#files.replace(this.#containerPath(uid, kind), encodeState(INTENT_STATE, intent));
  }

  async removeIntent(uid: number, kind: IntentKind): Promise<void> {
    await this.#files.remove(this.#containerPath(uid, kind));
  }

  /** Uids that have a container, damaged ones included. */
  async enrolled(): Promise<readonly number[]> {
    return await this.#uids(CONTAINER_FILE);
  }

  async intents(kind: IntentKind): Promise<readonly number[]> {
    return await this.#uids(INTENT_FILES[kind]);
  }

  async #uids(pattern: RegExp): Promise<readonly number[]> {
    const names = await this.#files.list(this.#containers);
    const uids = new Set(names.flatMap((name) => pattern.exec(name)?.[1] ?? []).map(Number));
    return [...uids].sort((a, b) => a - b);
  }
}
