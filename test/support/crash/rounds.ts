/**
 * The rounds of the crash suite: an operation is begun, the daemon is killed at a random moment of it and started again,
 * and everything that has to hold afterwards is looked at, at the API, in the files and in the TPM.
 */
import type { CeremonyRequest } from '../../../agent/api/ports.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { type Answers, type Ended, perform } from './ceremony.ts';
import {
  containerFiles,
  containerOnDisk,
  epochInTpm,
  ownerIndexes,
  readAndResetLockout,
  thiefOpens,
} from './checker.ts';
import { CrashWorld, type Programs } from './world.ts';

export type Operation = 'enrol' | 'pin-change' | 'policy-change';
export const OPERATIONS: readonly Operation[] = ['enrol', 'pin-change', 'policy-change'];

export interface Round {
  readonly operation: Operation;
  /** Milliseconds after the operation was begun. */
  readonly killedAt: number;
  /** Where the kill fell: nothing was written yet; something was, and no answer was given; the answer was given. */
  readonly when: 'before' | 'during' | 'after';
  readonly state: 'old' | 'new';
  readonly violations: readonly string[];
}

/** Numbers in [0, 1) that a seed makes (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs of each operation that are measured before the first kill. */
const MEASURED = 3;
/** The last moment of the draw lies a little behind the end of the operation. */
const BEYOND = 1.1;
const UID = process.getuid?.() ?? 0;
const PURPOSE = 'crash';

/** A network branch comes and goes: the PolicyOR is another one each time, and the first time a signer is made. */
const DOCUMENTS = [['securityKey'], ['securityKey', 'network']].map((second) =>
  JSON.stringify({
    version: 2,
    contexts: { unlock: { require: { all: ['pin', { any: second }] } } },
    rules: [{ name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] }],
  }),
);

/** What one round does and looks at. */
interface Script {
  /** What the killed person does. */
  readonly run: () => Promise<Ended>;
  /** Everything that has to hold after the restart. Returns which state is in force. */
  readonly check: (violations: string[], answered: boolean) => Promise<'old' | 'new'>;
}

export class CrashRounds implements AsyncDisposable {
  readonly #world: CrashWorld;
  readonly #random: () => number;
  readonly #durations = new Map<Operation, number>();
  #ownerSheet = '';
  #pin = '';
  #purposeKey = '';
  #documents = 0;
  /** Wrong PINs since the last reset: what LOCKOUT_COUNTER has to be. */
  #wrong = 0;

  private constructor(world: CrashWorld, seed: number) {
    this.#world = world;
    this.#random = seededRandom(seed);
  }

  /** Starts the world, sets it up and measures the operations. */
  static async start(programs: Programs, seed: number): Promise<CrashRounds> {
    const world = await CrashWorld.start(programs);
    try {
      const rounds = new CrashRounds(world, seed);
      await world.startDaemon();
      const { out, failed } = await perform(world.client, { kind: 'setup' });
      if (failed !== null) throw new Error(`setup: ${failed}`);
      rounds.#ownerSheet = out.get('owner-sheet') ?? '';
      return rounds;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** Median milliseconds of an operation that nobody kills. */
  durationOf(operation: Operation): number {
    return this.#durations.get(operation) ?? 0;
  }

  #newPin(): string {
    for (;;) {
      const digits = Array.from({ length: 8 }, () => Math.floor(this.#random() * 10));
      const steps = new Set(digits.slice(1).map((digit, i) => (digit - (digits[i] ?? 0) + 10) % 10));
      if (steps.size > 1) return digits.join('');
    }
  }

  async #perform(request: CeremonyRequest, answers: Answers = {}): Promise<Ended> {
    const ended = await perform(this.#world.client, request, answers);
    if (ended.failed !== null) throw new Error(`${request.kind}: ${ended.failed} (${ended.refused.join(' ')})`);
    return ended;
  }

  #unlock(pins: readonly string[]): Promise<Ended> {
    return perform(this.#world.client, { kind: 'unlock', purpose: PURPOSE, forSeconds: null }, { pin: pins });
  }

  /** Whether the container opens with this PIN and the key, and gives the same purpose key as ever. */
  async #opens(pin: string, violations: string[]): Promise<boolean> {
    const ended = await this.#unlock([pin]);
    if (ended.done !== null) {
      if (ended.out.get('purpose-key') !== this.#purposeKey) violations.push('it opens to another container key');
      return true;
    }
    if (!ended.refused.includes('ERR_PIN_WRONG')) {
      violations.push(`refused, and not for its PIN: ${ended.failed} ${ended.refused.join(' ')}`);
    }
    this.#wrong++;
    return false;
  }

  async #enrolled(): Promise<void> {
    if ((await containerOnDisk(this.#world, UID)) !== null) return;
    this.#pin = this.#newPin();
    await this.#perform({ kind: 'enrol' }, { 'new-pin': [this.#pin] });
    await this.#rememberPurposeKey();
  }

  async #rememberPurposeKey(): Promise<void> {
    const { out, failed } = await this.#unlock([this.#pin]);
    if (failed !== null) throw new Error(`unlock: ${failed}`);
    this.#purposeKey = out.get('purpose-key') ?? '';
  }

  async #notEnrolled(): Promise<void> {
    if ((await containerOnDisk(this.#world, UID)) === null) return;
    await this.#perform({ kind: 'unenrol', uid: null });
  }

  async #onDisk(): Promise<ContainerState> {
    const state = await containerOnDisk(this.#world, UID);
    if (state === null) throw new Error('the container has gone');
    return state;
  }

  /** After start-up alone: no counter is left over, no intent and no half-written file, and no bump is open. */
  async #startUpIsDone(containers: number, violations: string[]): Promise<void> {
    const indexes = await ownerIndexes(this.#world);
    if (indexes.length !== containers) violations.push(`${indexes.length} NV indexes for ${containers} containers`);
    const left = (await containerFiles(this.#world)).filter((name) => !/^\d+\.(state|tries)$/.test(name));
    if (left.length > 0) violations.push(`left over: ${left.join(' ')}`);
    const state = await containerOnDisk(this.#world, UID);
    if (state === null || state.policy === null) return;
    const epoch = await epochInTpm(this.#world, state);
    if (epoch !== state.policy.n) violations.push(`the file is of epoch ${state.policy.n}, the TPM at ${epoch}`);
  }

  /** Old copies of the files, with the factors they were made for. */
  async #oldFilesOpenNothing(old: ContainerState, pin: string, violations: string[]): Promise<void> {
    const outcome = await thiefOpens(this.#world, old, pin);
    if (outcome !== 'PolicyNV 0x126') violations.push(`the old files with the old PIN: ${outcome}`);
  }

  async #newestFilesOpen(violations: string[]): Promise<void> {
    const outcome = await thiefOpens(this.#world, await this.#onDisk(), this.#pin);
    if (outcome !== 'done') violations.push(`the files in force with their PIN: ${outcome}`);
  }

  async #enrolScript(): Promise<Script> {
    await this.#notEnrolled();
    const pin = this.#newPin();
    const answers = { 'new-pin': [pin] };
    const check = async (violations: string[], answered: boolean): Promise<'old' | 'new'> => {
      const enrolled = (await containerOnDisk(this.#world, UID)) !== null;
      await this.#startUpIsDone(enrolled ? 1 : 0, violations);
      if (answered && !enrolled) violations.push('enrolled, and nothing is there');
      this.#pin = pin;
      if (!enrolled) await this.#perform({ kind: 'enrol' }, answers);
      await this.#rememberPurposeKey();
      await this.#startUpIsDone(1, violations);
      await this.#newestFilesOpen(violations);
      return enrolled ? 'new' : 'old';
    };
    return { run: () => perform(this.#world.client, { kind: 'enrol' }, answers), check };
  }

  async #pinScript(): Promise<Script> {
    await this.#enrolled();
    const old = await this.#onDisk();
    const [before, after] = [this.#pin, this.#newPin()];
    const check = async (violations: string[], answered: boolean): Promise<'old' | 'new'> => {
      await this.#startUpIsDone(1, violations);
      const opensNew = await this.#opens(after, violations);
      const opensOld = await this.#opens(before, violations);
      if (opensNew === opensOld) violations.push(opensNew ? 'both PINs open' : 'neither PIN opens');
      if (answered && !opensNew) violations.push('the change was answered and is not there');
      this.#pin = opensNew ? after : before;
      if (opensNew) await this.#oldFilesOpenNothing(old, before, violations);
      else await this.#newestFilesOpen(violations);
      return opensNew ? 'new' : 'old';
    };
    const answers = { pin: [before], 'new-pin': [after] };
    return { run: () => perform(this.#world.client, { kind: 'pin-change' }, answers), check };
  }

  async #policyScript(): Promise<Script> {
    await this.#enrolled();
    const old = await this.#onDisk();
    this.#documents++;
    const document = DOCUMENTS[this.#documents % DOCUMENTS.length] ?? '';
    await this.#world.client.setPolicy(document);
    const version = (old.policy?.version ?? 0) + 1;
    const check = async (violations: string[], answered: boolean): Promise<'old' | 'new'> => {
      await this.#startUpIsDone(1, violations);
      const found = (await this.#onDisk()).policy?.version ?? 0;
      const isNew = found > (old.policy?.version ?? 0);
      if (answered && !isNew) violations.push('the unlock was answered and the policy is not in force');
      if (isNew) await this.#oldFilesOpenNothing(old, this.#pin, violations);
      if (!(await this.#opens(this.#pin, violations))) violations.push('the PIN does not open');
      const after = await this.#onDisk();
      if ((after.policy?.version ?? 0) < version) violations.push('the next unlock did not put the policy in force');
      if (after.policy?.document !== document) violations.push('another policy is in force');
      const branches = document.includes('"network"') ? 2 : 1;
      if (after.policy?.branches.length !== branches) violations.push('other branches are in force');
      await this.#startUpIsDone(1, violations);
      if (!isNew) await this.#oldFilesOpenNothing(old, this.#pin, violations);
      await this.#newestFilesOpen(violations);
      return isNew ? 'new' : 'old';
    };
    return { run: () => this.#unlock([this.#pin]), check };
  }

  #script(operation: Operation): Promise<Script> {
    if (operation === 'enrol') return this.#enrolScript();
    return operation === 'pin-change' ? this.#pinScript() : this.#policyScript();
  }

  /** How long the operation takes when nobody kills it; the checks of a round have to hold as well. */
  async measure(operation: Operation): Promise<void> {
    const spans: number[] = [];
    for (let run = 0; run < MEASURED; run++) {
      const script = await this.#script(operation);
      const begun = systemClock.now();
      const { failed } = await script.run();
      spans.push(systemClock.now() - begun);
      const violations: string[] = failed === null ? [] : [failed];
      await script.check(violations, true);
      await this.#settleLockout(violations);
      if (violations.length > 0) throw new Error(`${operation} without a kill: ${violations.join('; ')}`);
    }
    spans.sort((a, b) => a - b);
    this.#durations.set(operation, spans[Math.floor(MEASURED / 2)] ?? 0);
  }

  /** LOCKOUT_COUNTER is what the wrong PINs of the round make it, so a lockout is never taken for a lost PIN. */
  async #settleLockout(violations: string[]): Promise<void> {
    const counter = await readAndResetLockout(this.#world, this.#ownerSheet);
    if (counter !== this.#wrong) violations.push(`LOCKOUT_COUNTER is ${counter} after ${this.#wrong} wrong PINs`);
    this.#wrong = 0;
  }

  /** What is on disk, to tell whether the operation had begun to write. */
  async #fingerprint(): Promise<string> {
    const state = await containerOnDisk(this.#world, UID);
    const intents = (await containerFiles(this.#world)).filter((name) => !/\.(state|tries)$/.test(name));
    return JSON.stringify([state?.highestSigned, state?.policy?.n, state?.policy?.version, intents]);
  }

  /** One kill. A violation is reported, not thrown; what cannot go on is thrown. */
  async round(operation: Operation): Promise<Round> {
    const script = await this.#script(operation);
    const before = await this.#fingerprint();
    const killedAt = this.#random() * this.durationOf(operation) * BEYOND;
    let answered = false;
    const operationEnds = script.run().then(
      (ended) => {
        answered = ended.failed === null;
        return ended.failed;
      },
      () => null,
    );
    await systemClock.sleep(milliseconds(killedAt), {});
    const wasAnswered = answered;
    await this.#world.killDaemon();
    const failure = await operationEnds;
    const changed = (await this.#fingerprint()) !== before;
    await this.#world.startDaemon();
    const violations: string[] = failure === null ? [] : [`it failed before it was killed: ${failure}`];
    const state = await script.check(violations, wasAnswered);
    await this.#settleLockout(violations);
    return { operation, killedAt, when: wasAnswered ? 'after' : changed ? 'during' : 'before', state, violations };
  }

  /** The end of what the daemon logged. */
  get log(): string {
    return this.#world.log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#world.close();
  }
}
