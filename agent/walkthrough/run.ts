/**
 * Runs a walkthrough on a lane: step by step, each with a deadline, each held against what is expected of it. A step that
 * the lane cannot do is told apart from one that passed. After a step that failed the others are run all the same: what
 * they do then is evidence too.
 */
import { seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { startDeadline } from '../../drivers/base/deadline.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { CeremonyRequest, Status } from '../api/ports.ts';
import type { Lane } from './lane.ts';
import { type Asked, type Behaviour, Person } from './person.ts';
import { Pins } from './pins.ts';
import { pinsOf, type Step, type Walkthrough } from './schema.ts';
import { differences } from './verdict.ts';

export interface StepResult {
  readonly step: Step;
  /** `not here`: the lane cannot do it. */
  readonly outcome: 'passed' | 'failed' | 'not here';
  /** What differs from what was expected, or why the lane cannot; nothing where it passed. */
  readonly why: readonly string[];
  /** Null: no ceremony, or none came about. */
  readonly asked: Asked | null;
}

export interface RunOptions {
  readonly lane: Lane;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly signal: AbortSignal;
  /** Told after each step. */
  readonly onStep?: (result: StepResult, index: number) => void;
}

const ENROL_WITHIN = seconds(120);

class Run {
  readonly #lane: Lane;
  readonly #person: Person;
  readonly #plugged: Set<string>;
  /** The daemon's ids of keys, by their names. */
  readonly #ids = new Map<string, string>();

  constructor(lane: Lane, person: Person, walkthrough: Walkthrough) {
    this.#lane = lane;
    this.#person = person;
    const plugged = Object.entries(walkthrough.given.keys).filter(([, where]) => where === 'plugged');
    this.#plugged = new Set(plugged.map(([key]) => key));
  }

  async status(signal: AbortSignal): Promise<Status['own']> {
    return (await this.#lane.subject.status({ signal })).own;
  }

  /** @returns what came of the ceremony; null: none; a string: why this lane cannot do it */
  async carryOut(step: Step, signal: AbortSignal): Promise<Asked | string | null> {
    const { operator, subject } = this.#lane;
    switch (step.action) {
      case 'insert':
        await operator.insert(step.value, { signal });
        this.#plugged.add(step.value);
        return null;
      case 'remove':
      case 'lose':
        if (this.#plugged.delete(step.value)) await operator.remove(step.value, { signal });
        return null;
      case 'daemon':
        return await this.#lane.daemon(step.value, { signal });
      case 'lock':
        await subject.lock({ signal });
        return null;
      default:
        return await this.#ask(step, signal);
    }
  }

  /** Enrols with just this key plugged in, as it is given before the first step. */
  async enrolGiven(pin: string, key: string, signal: AbortSignal): Promise<Asked> {
    const { operator } = this.#lane;
    const others = [...this.#plugged].filter((each) => each !== key);
    for (const other of others) await operator.remove(other, { signal });
    if (!this.#plugged.has(key)) await operator.insert(key, { signal });
    const asked = await this.#person.ask(
      { kind: 'enrol' },
      { types: { 'new-pin': [pin] }, touch: 'always', pulls: null },
      signal,
    );
    await this.#learnId(key, signal);
    if (!this.#plugged.has(key)) await operator.remove(key, { signal });
    for (const other of others) await operator.insert(other, { signal });
    return asked;
  }

  async #ask(step: Extract<Step, { value: object }>, signal: AbortSignal): Promise<Asked> {
    const [pulls = null] = this.#plugged;
    const how = (types: Behaviour['types']): Behaviour => ({ types, touch: step.value.touch, pulls });
    const ask = async (request: CeremonyRequest, types: Behaviour['types']): Promise<Asked> => {
      const asked = await this.#person.ask(request, how(types), signal);
      if (step.value.touch === 'pull' && pulls !== null && asked.events.includes('touch')) this.#plugged.delete(pulls);
      return asked;
    };
    switch (step.action) {
      case 'unlock':
        return await ask({ kind: 'unlock', purpose: null, forSeconds: null }, { pin: pinsOf(step.value.pin) });
      case 'changePin':
        return await ask({ kind: 'pin-change' }, { pin: pinsOf(step.value.from), 'new-pin': [step.value.to] });
      case 'enrol':
      case 'recover': {
        const asked = await ask({ kind: step.action }, { 'new-pin': [step.value.pin] });
        if (asked.verdict === 'granted' && pulls !== null) await this.#learnId(pulls, signal);
        return asked;
      }
      case 'addKey': {
        const { key, pin } = step.value;
        const asked = await ask({ kind: 'key-add', name: key }, { pin: pinsOf(pin) });
        if (asked.verdict === 'granted') this.#ids.set(key, String(asked.result.id));
        return asked;
      }
      case 'revokeKey': {
        const { key, pin } = step.value;
        const id = this.#ids.get(key);
        if (id === undefined)
          throw new UnlockdError('ERR_WALKTHROUGH_NOT_GIVEN', `${key} was not enrolled in this run`);
        return await ask({ kind: 'key-revoke', id }, { pin: pinsOf(pin) });
      }
    }
  }

  /** Which id the one key has that was just enrolled. */
  async #learnId(key: string, signal: AbortSignal): Promise<void> {
    const [only, ...others] = (await this.status(signal)).securityKeys ?? [];
    if (only !== undefined && others.length === 0) this.#ids.set(key, only.id);
  }
}

const words = (error: unknown): string =>
  isUnlockdError(error) ? `${error.message} (${error.code})` : error instanceof Error ? error.message : String(error);

/** Which deadline a step has, and what it comes to. Never throws but for the caller's own signal. */
async function runStep(run: Run, step: Step, { clock, signal }: RunOptions): Promise<StepResult> {
  const span = seconds(step.withinSeconds);
  using deadline = startDeadline(clock, span, { what: step.action, signal });
  try {
    const asked = await deadline.race(run.carryOut(step, deadline.signal));
    if (typeof asked === 'string') return { step, outcome: 'not here', why: [asked], asked: null };
    const { state, keys } = step.expect;
    const afterwards =
      state === undefined && keys === undefined ? null : await deadline.race(run.status(deadline.signal));
    const why = differences(step.expect, asked, afterwards);
    return { step, outcome: why.length === 0 ? 'passed' : 'failed', why, asked };
  } catch (error) {
    signal.throwIfAborted();
    return { step, outcome: 'failed', why: [words(error)], asked: null };
  }
}

/**
 * Runs all steps. The lane has the keys and the policy that are given, its machine is set up, and nobody is enrolled.
 * @throws {ERR_WALKTHROUGH_NOT_GIVEN} when the person who is given cannot be enrolled; and the signal's reason
 */
export async function runWalkthrough(walkthrough: Walkthrough, options: RunOptions): Promise<readonly StepResult[]> {
  const { lane, clock, entropy, signal, onStep } = options;
  using pins = new Pins(entropy);
  using person = new Person(lane, pins);
  const run = new Run(lane, person, walkthrough);
  const { enrolled } = walkthrough.given;
  if (enrolled !== undefined) {
    using deadline = startDeadline(clock, ENROL_WITHIN, { what: 'enrolling', signal });
    const { code, message } = await deadline.race(run.enrolGiven(enrolled.pin, enrolled.key, deadline.signal));
    if (code !== null)
      throw new UnlockdError('ERR_WALKTHROUGH_NOT_GIVEN', `nobody could be enrolled: ${message} (${code})`);
  }
  const results: StepResult[] = [];
  for (const [index, step] of walkthrough.steps.entries()) {
    const result = await runStep(run, step, options);
    results.push(result);
    onStep?.(result, index);
  }
  return results;
}
