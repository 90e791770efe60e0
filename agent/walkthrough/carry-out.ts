/**
 * Carries the steps of one run out on a lane: what is done to the machine by the operator and the lane, what is asked of
 * the daemon by a person. What the lane cannot do is told, and is neither a result nor an error.
 */
import { milliseconds, seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { PhysicalStep } from '../../drivers/hal/operator.ts';
import type { CeremonyRequest } from '../api/ports.ts';
import { differencesAfterwards, looksAfterwards, newestEvent } from './afterwards.ts';
import { addressOf, answered, NO_ROOT, questionOf } from './asks.ts';
import type { Lane } from './lane.ts';
import { type Asked, type Behaviour, NotHere, Person } from './person.ts';
import { physicalStepOf } from './physical.ts';
import type { Pins } from './pins.ts';
import { withRoots } from './roots.ts';
import { ASKS_DAEMON, type CeremonyStep, isCeremony, type Step, type Walkthrough } from './schema.ts';

/** Between two looks at what has to come of a step that is done to the machine. */
const LOOK_EVERY = milliseconds(250);
const NO_SURROUNDINGS = 'this lane has nothing but security keys';
const KILLED: string = 'ERR_CLI_CONNECTION_LOST';

const isSaid = (said: string | null | undefined): said is string => typeof said === 'string';

export class CarryOut implements Disposable {
  readonly #lane: Lane;
  readonly #clock: Clock;
  readonly #person: Person;
  /** Null: nobody may act as root. */
  readonly #owner: Person | null;
  readonly #given: Walkthrough['given'];
  readonly #plugged: Set<string>;
  /** The daemon's ids of keys, by their names. */
  readonly #ids = new Map<string, string>();

  constructor(lane: Lane, clock: Clock, pins: Pins, { given }: Walkthrough) {
    this.#lane = lane;
    this.#clock = clock;
    this.#person = new Person(lane, pins);
    const { owner: subject, operator } = lane;
    const daemon: Lane['daemon'] = (what, options) => lane.daemon(what, options);
    this.#owner = subject === undefined ? null : new Person({ subject, operator, daemon }, pins);
    this.#given = given;
    const plugged = Object.entries(given.keys).filter(([, where]) => where === 'plugged');
    this.#plugged = new Set(plugged.map(([key]) => key));
  }

  /** @returns what came of what was asked; null: nothing was asked; a string: why this lane cannot do it */
  async carryOut(step: Step, signal: AbortSignal): Promise<Asked | string | null> {
    try {
      return ASKS_DAEMON.has(step.action) ? await this.#ask(step, signal) : await this.#do(step, signal);
    } catch (error) {
      if (error instanceof NotHere) return error.message;
      throw error;
    }
  }

  /** Where the audit log ends before a step of which it has to tell; null: it is empty, or is not looked at. */
  async logEnd({ expect }: Step, signal: AbortSignal): Promise<number | null> {
    return expect.log === undefined ? null : await newestEvent(this.#lane.subject, { signal });
  }

  /**
   * What differs from what is expected afterwards. After a step that was done to the machine it is looked at until nothing
   * does; what was asked has come to its end already.
   * @param last told what differed at each look
   */
  async afterwards(
    step: Step,
    logEnd: number | null,
    last: (differences: readonly string[]) => void,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    if (!looksAfterwards(step.expect)) return [];
    for (;;) {
      const found = await differencesAfterwards(step.expect, this.#lane.subject, logEnd, { signal });
      last(found);
      if (found.length === 0 || ASKS_DAEMON.has(step.action)) return found;
      await this.#clock.sleep(LOOK_EVERY, { signal });
    }
  }

  /** Enrols with just this key plugged in and the phone near, as it is given before the first step. */
  async enrolGiven(
    { pin, key, phone }: NonNullable<Walkthrough['given']['enrolled']>,
    signal: AbortSignal,
  ): Promise<Asked> {
    const { operator } = this.#lane;
    const others = [...this.#plugged].filter((each) => each !== key);
    for (const other of others) await operator.remove(other, { signal });
    const isInserted = key !== undefined && !this.#plugged.has(key);
    if (isInserted) await operator.insert(key, { signal });
    const place = phone === undefined ? 'near' : (this.#given.phones[phone] ?? 'near');
    if (phone !== undefined && place !== 'near') await this.#perform({ do: 'phone', phone, is: 'near' }, signal);
    const request: CeremonyRequest =
      phone === undefined ? { kind: 'enrol' } : { kind: 'enrol', phone: addressOf(this.#lane, phone) };
    const asked = await this.#person.ask(request, behaviour({ 'new-pin': [pin] }), signal);
    if (key !== undefined) await this.#learnId(key, signal);
    if (phone !== undefined && place !== 'near') await this.#perform({ do: 'phone', phone, is: place }, signal);
    if (isInserted) await operator.remove(key, { signal });
    for (const other of others) await operator.insert(other, { signal });
    return asked;
  }

  async #do(step: Step, signal: AbortSignal): Promise<string | null> {
    const { operator } = this.#lane;
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
      case 'restart': {
        const { restart } = this.#lane;
        return restart === undefined
          ? `there is no ${step.value} here`
          : await restart.call(this.#lane, step.value, { signal });
      }
      case 'wait':
        await this.#clock.sleep(seconds(step.value), { signal });
        return null;
      default: {
        const physical = physicalStepOf(step);
        if (physical !== null) await this.#perform(physical, signal);
        return null;
      }
    }
  }

  /** @throws {NotHere} */
  async #perform(step: PhysicalStep, signal: AbortSignal): Promise<void> {
    const { operator } = this.#lane;
    const why = operator.perform === undefined ? NO_SURROUNDINGS : await operator.perform(step, { signal });
    if (isSaid(why)) throw new NotHere(why);
  }

  async #ask(step: Step, signal: AbortSignal): Promise<Asked> {
    const lane = this.#lane;
    const expects = step.expect.code ?? null;
    switch (step.action) {
      case 'lock':
        return await answered(() => lane.subject.lock({ signal }), expects);
      case 'removePhone': {
        const address = addressOf(lane, step.value);
        return await answered(() => lane.subject.removePhone(address, null, { signal }), expects);
      }
      case 'setPolicy': {
        const { owner } = lane;
        if (owner === undefined) throw new NotHere(NO_ROOT);
        const policy = withRoots(step.value, this.#given, (root) => lane.rootThumbprint?.(root) ?? null);
        return await answered(() => owner.setPolicy(JSON.stringify(policy), { signal }), expects);
      }
      case 'setUp':
        if (this.#owner === null) throw new NotHere(NO_ROOT);
        return await this.#owner.ask({ kind: 'setup' }, { ...behaviour({}), expects }, signal);
      default:
        if (!isCeremony(step)) throw new TypeError(`${step.action} is asked of nobody`);
        return await this.#ceremony(step, signal);
    }
  }

  async #ceremony(step: CeremonyStep, signal: AbortSignal): Promise<Asked> {
    const { request, types } = questionOf(step, this.#lane, (key) => this.#ids.get(key) ?? null);
    const [pulls = null] = this.#plugged;
    const { touch, finger, killAt = null } = step.value;
    const expects = killAt === null ? (step.expect.code ?? null) : KILLED;
    const asked = await this.#person.ask(request, { types, touch, finger, pulls, killAt, expects }, signal);
    if (touch === 'pull' && pulls !== null && asked.events.includes('touch')) this.#plugged.delete(pulls);
    if (asked.verdict === 'granted') {
      if ((step.action === 'enrol' || step.action === 'recover') && pulls !== null) await this.#learnId(pulls, signal);
      if (step.action === 'addKey') this.#ids.set(step.value.key, String(asked.result.id));
    }
    return asked;
  }

  /** Which id the one key has that was just enrolled. */
  async #learnId(key: string, signal: AbortSignal): Promise<void> {
    const [only, ...others] = (await this.#lane.subject.status({ signal })).own.securityKeys ?? [];
    if (only !== undefined && others.length === 0) this.#ids.set(key, only.id);
  }

  [Symbol.dispose](): void {
    this.#person[Symbol.dispose]();
    this.#owner?.[Symbol.dispose]();
  }
}

/** Of a person who does all that is asked. */
const behaviour = (types: Behaviour['types']): Behaviour => ({
  types,
  touch: 'always',
  finger: 'own',
  pulls: null,
  killAt: null,
  expects: null,
});
