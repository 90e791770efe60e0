/**
 * Kills at exact points: an enrolment, a PIN change or a policy change ends at one call of the disk or one TPM command,
 * from the first thing it writes to the last. After a start-up alone, it is the old state or the new one, and it opens.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCounter } from '../../../agent/container/counter.ts';
import { counterOf } from '../../../agent/container/plan.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { requireMachine } from '../../../agent/service/context.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { getHandles } from '../../../drivers/tpm2/index.ts';
import { type Outcome, peer, TestAgent, UNLOCK } from '../service/test-agent.ts';
import { FatalPoint, type Side } from './fatal-point.ts';
import type { Operation } from './rounds.ts';

export interface ExactRound {
  readonly operation: Operation;
  readonly label: string;
  /** False: this run had fewer calls than the one that was counted, and nothing was cut off. */
  readonly met: boolean;
  readonly side: Side;
  readonly state: 'old' | 'new';
  readonly violations: readonly string[];
}

const UID = 1000;
const never = new AbortController().signal;
/** What the windows between burn, commit and bump are made of: always among the points of a short run. */
const DECISIVE = /^(rename|sync) .*(\.state|containers)|^TPM2_NV_Increment$/;

export class ExactKills implements AsyncDisposable {
  readonly #fatal: FatalPoint;
  readonly #agent: TestAgent;
  #owner = '';
  #pin = '24681357';
  #count = 0;

  private constructor(fatal: FatalPoint, agent: TestAgent) {
    this.#fatal = fatal;
    this.#agent = agent;
  }

  static async start(): Promise<ExactKills> {
    const fatal = new FatalPoint();
    const settings = { softLimit: { tries: 31, forgetAfter: milliseconds(1) } };
    const agent = await TestAgent.start({ fs: fatal, between: fatal.between, settings });
    const kills = new ExactKills(fatal, agent);
    const setup = await agent.run(0, { kind: 'setup' });
    kills.#owner = setup.out.get('owner-sheet')?.toString('ascii') ?? '';
    return kills;
  }

  /** Numbers of the points from the first write of the operation on. @param every one of so many, and all decisive ones */
  async pointsOf(operation: Operation, every = 1): Promise<readonly number[]> {
    const { run } = await this.#begin(operation);
    this.#fatal.arm(null);
    const { failed } = await run();
    await this.#quiet();
    const { labels } = this.#fatal.revive();
    if (failed !== null) throw new Error(`${operation}: ${failed.refusal.code}`);
    if (operation === 'pin-change') this.#pin = this.#nextPin(0);
    const first = labels.findIndex((label) => label.startsWith('open') && !label.includes('.tries'));
    const points = [...labels.keys()].slice(first);
    return points.filter((point) => DECISIVE.test(labels[point] ?? '') || (point - first) % every === 0);
  }

  #nextPin(ahead: number): string {
    return `${(27_182_818 + (this.#count + ahead) * 7_654_321) % 100_000_000}`.padStart(8, '9');
  }

  #state(): Promise<ContainerState | null> {
    return this.#agent.parts.store.readContainer(UID);
  }

  /** What an operation still frees in the TPM after its answer is done when the next one has its turn. */
  #quiet(): Promise<void> {
    return this.#agent.parts.tpm.withTpm(never, async () => undefined);
  }

  /** Prepares an operation, and says how it is run. */
  async #begin(operation: Operation): Promise<{ readonly run: () => Promise<Outcome>; readonly after: string }> {
    const agent = this.#agent;
    this.#count++;
    const after = this.#nextPin(0);
    const isThere = (await this.#state()) !== null;
    if (operation === 'enrol') {
      if (isThere) await agent.run(UID, { kind: 'unenrol', uid: null });
      return { run: () => agent.run(UID, { kind: 'enrol' }, { 'new-pin': this.#pin }), after: this.#pin };
    }
    if (!isThere) await agent.setUpAndEnrol(UID, this.#pin);
    if (operation === 'pin-change') {
      const answers = { pin: this.#pin, 'new-pin': after };
      return { run: () => agent.run(UID, { kind: 'pin-change' }, answers), after };
    }
    const second = this.#count % 2 === 0 ? '["securityKey"]' : '["securityKey","network"]';
    await agent.service.setPolicy(peer(0), `{"version":1,"first":["pin"],"then":${second}}`);
    return { run: () => agent.run(UID, UNLOCK, { pin: this.#pin }), after: this.#pin };
  }

  async #opens(pin: string, violations: string[]): Promise<boolean> {
    const { done, failed, events } = await this.#agent.run(UID, UNLOCK, { pin });
    if (done !== null) return true;
    const wrong = events.some((event) => event.type === 'refused' && event.refusal.code === 'ERR_PIN_WRONG');
    if (!wrong) violations.push(`refused, and not for its PIN: ${failed?.refusal.code}`);
    return false;
  }

  /** After start-up alone: nothing is left over, and the counter is where the file is. */
  async #startUpIsDone(violations: string[]): Promise<void> {
    const { parts, problems, folder } = this.#agent;
    for (const { code } of problems) violations.push(`start-up: ${code}`);
    const names = await readdir(join(folder, 'containers'));
    const left = names.filter((name) => !/^\d+\.(state|tries)$/.test(name));
    if (left.length > 0) violations.push(`left over: ${left.join(' ')}`);
    const state = await this.#state();
    const counters = await parts.tpm.withTpm(never, async (tpm) => (await getHandles(tpm, 0x01800000, 64)).length);
    if (counters !== (state === null ? 0 : 1)) violations.push(`${counters} counters`);
    if (state === null) return;
    const machine = await requireMachine(parts);
    const value = await parts.tpm.withRoot(never, machine, (root) => readCounter(root, counterOf(state)));
    if (value !== state.policy?.n) violations.push(`the file is of epoch ${state.policy?.n}, the TPM at ${value}`);
  }

  async #oldFileOpensNothing(file: Buffer, pin: string, violations: string[]): Promise<void> {
    const path = join(this.#agent.folder, 'containers', `${UID}.state`);
    const good = await readFile(path);
    await writeFile(path, file);
    const { failed } = await this.#agent.run(UID, UNLOCK, { pin });
    await writeFile(path, good);
    if (failed?.refusal.code !== 'ERR_EPOCH_AHEAD') violations.push(`the old file: ${failed?.refusal.code ?? 'opens'}`);
  }

  /** One kill. A violation is reported, not thrown. */
  async round(operation: Operation, point: number, side: Side): Promise<ExactRound> {
    const agent = this.#agent;
    const { run, after } = await this.#begin(operation);
    const before = await this.#state();
    const file = before && (await readFile(join(agent.folder, 'containers', `${UID}.state`)));
    this.#fatal.arm({ point, side });
    const outcome = await run();
    await agent.service.stop();
    await this.#quiet();
    const { labels, met } = this.#fatal.revive();
    await agent.restart();
    const violations: string[] = [];
    await this.#startUpIsDone(violations);
    const now = await this.#state();
    const isNew = now !== null && (now.policy?.n ?? 0) > (before?.policy?.n ?? 0);
    if (outcome.done !== null && operation !== 'policy-change' && !isNew)
      violations.push('it was answered, and is not there');
    if (file !== null && isNew) await this.#oldFileOpensNothing(file, this.#pin, violations);
    if (now !== null) {
      if (!(await this.#opens(isNew ? after : this.#pin, violations))) violations.push('its factors do not open it');
      if (operation === 'pin-change' && (await this.#opens(isNew ? this.#pin : after, violations))) {
        violations.push('both PINs open');
      }
      if (isNew) this.#pin = after;
    }
    await agent.resetLockout(this.#owner);
    return { operation, label: labels[point] ?? `point ${point}`, met, side, state: isNew ? 'new' : 'old', violations };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#agent.close();
  }
}
