/**
 * What no schema says of a walkthrough: that its steps can follow each other. The world is followed as far as it is
 * certain without running anything: which keys are there and plugged in, which PINs have a name, whether the daemon runs.
 */
import { ERROR_CODES } from '../../drivers/base/errors.ts';
import { ASKS_DAEMON, pinsOf, type Step, type Walkthrough, WRONG_PIN } from './schema.ts';

/** What is wrong, and at which element (`steps[3].unlock.pin`). */
export interface StoryFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type KeyState = 'plugged' | 'unplugged' | 'lost';

class World {
  readonly keys: Map<string, KeyState>;
  readonly pins = new Set<string>([WRONG_PIN]);
  readonly #lostIn = new Map<string, number>();
  runs = true;

  constructor({ given }: Walkthrough) {
    this.keys = new Map(Object.entries(given.keys));
    if (given.enrolled !== undefined) this.pins.add(given.enrolled.pin);
  }

  plugged(): readonly string[] {
    return [...this.keys].filter(([, state]) => state === 'plugged').map(([key]) => key);
  }

  lose(key: string, step: number): void {
    this.keys.set(key, 'lost');
    this.#lostIn.set(key, step);
  }

  /** Why nothing can be done with a key of this name; null: it is there. */
  unusable(key: string): string | null {
    if (!this.keys.has(key)) return `there is no key ${key}: name it in given.keys`;
    const lost = this.#lostIn.get(key);
    return lost === undefined ? null : `${key} was lost in step ${lost + 1}`;
  }

  unknownPin(pin: string): string | null {
    if (this.pins.has(pin)) return null;
    return `no PIN is called ${pin} so far: those that are set have names, one that nobody has set is called ${WRONG_PIN}`;
  }
}

const newPinFault = (pin: string): string | null =>
  pin === WRONG_PIN ? `${WRONG_PIN} means a PIN that nobody has set: call the new one otherwise` : null;

/** Moves or uses a key. */
function keyFault(world: World, step: Step, index: number): string | null {
  switch (step.action) {
    case 'insert': {
      const fault = world.unusable(step.value);
      if (fault !== null) return fault;
      if (world.keys.get(step.value) === 'plugged') return `${step.value} is plugged in already`;
      world.keys.set(step.value, 'plugged');
      return null;
    }
    case 'remove': {
      const fault = world.unusable(step.value);
      if (fault !== null) return fault;
      if (world.keys.get(step.value) === 'unplugged') return `${step.value} is not plugged in`;
      world.keys.set(step.value, 'unplugged');
      return null;
    }
    case 'lose': {
      const fault = world.unusable(step.value);
      if (fault === null) world.lose(step.value, index);
      return fault;
    }
    default:
      return null;
  }
}

function* askFaults(world: World, step: Step, at: readonly (string | number)[]): Generator<StoryFault> {
  const fault = function* (message: string | null, ...more: readonly (string | number)[]): Generator<StoryFault> {
    if (message !== null) yield { path: [...at, ...more], message };
  };
  if (step.action === 'unlock' || step.action === 'addKey' || step.action === 'revokeKey') {
    for (const pin of pinsOf(step.value.pin)) yield* fault(world.unknownPin(pin), 'pin');
  }
  if (step.action === 'changePin') {
    for (const pin of pinsOf(step.value.from)) yield* fault(world.unknownPin(pin), 'from');
    yield* fault(newPinFault(step.value.to), 'to');
    world.pins.add(step.value.to);
  }
  if (step.action === 'enrol' || step.action === 'recover') {
    yield* fault(newPinFault(step.value.pin), 'pin');
    world.pins.add(step.value.pin);
  }
  if (step.action === 'addKey') {
    yield* fault(world.unusable(step.value.key), 'key');
    if (world.keys.get(step.value.key) === 'unplugged') yield* fault(`${step.value.key} is not plugged in`, 'key');
  }
  // A key that was lost is just the one to revoke.
  if (step.action === 'revokeKey' && !world.keys.has(step.value.key)) {
    yield* fault(world.unusable(step.value.key), 'key');
  }
  if (typeof step.value === 'object' && step.value.touch === 'pull') {
    const [key, ...others] = world.plugged();
    if (key === undefined || others.length > 0) {
      yield* fault('pull is for a step with exactly one key plugged in: which one is meant is not certain', 'touch');
    } else world.keys.set(key, 'unplugged');
  }
}

/** Turns of an expectation that contradict each other, or name what there is not. */
function* expectFaults(step: Step, at: readonly (string | number)[]): Generator<StoryFault> {
  const { code, events = [], reason, verdict } = step.expect;
  if (code !== undefined && !Object.hasOwn(ERROR_CODES, code)) {
    yield { path: [...at, 'code'], message: `there is no error code ${code}: docs/reference/errors.md lists them` };
  }
  for (const [i, event] of events.entries()) {
    const [, named = null] = / (ERR_\w+)$/.exec(event) ?? [];
    if (named !== null && !Object.hasOwn(ERROR_CODES, named)) {
      yield {
        path: [...at, 'events', i],
        message: `there is no error code ${named}: docs/reference/errors.md lists them`,
      };
    }
  }
  if (verdict !== 'refused' && (code !== undefined || reason !== undefined)) {
    const element = code === undefined ? 'reason' : 'code';
    yield { path: [...at, element], message: `what is granted has no ${element}: expect \`verdict: refused\` with it` };
  }
}

/** The first fault of the story; null: its steps can follow each other. */
export function storyFault(walkthrough: Walkthrough): StoryFault | null {
  for (const fault of faults(walkthrough)) return fault;
  return null;
}

function* faults(walkthrough: Walkthrough): Generator<StoryFault> {
  const world = new World(walkthrough);
  const { enrolled } = walkthrough.given;
  if (enrolled !== undefined) {
    const missing = world.unusable(enrolled.key);
    if (missing !== null) yield { path: ['given', 'enrolled', 'key'], message: missing };
    const wrong = newPinFault(enrolled.pin);
    if (wrong !== null) yield { path: ['given', 'enrolled', 'pin'], message: wrong };
  }
  for (const [index, step] of walkthrough.steps.entries()) {
    const at = ['steps', index, step.action];
    const message = keyFault(world, step, index);
    if (message !== null) yield { path: at, message };
    if (step.action === 'daemon') {
      if (step.value === 'start' && world.runs) yield { path: at, message: 'the daemon runs already' };
      if (step.value !== 'start' && !world.runs) yield { path: at, message: 'the daemon does not run: start it' };
      world.runs = step.value !== 'kill';
    }
    if (!ASKS_DAEMON.has(step.action)) continue;
    if (!world.runs && step.expect.code !== 'ERR_DAEMON_NOT_RUNNING') {
      yield {
        path: at,
        message: 'the daemon was killed and not started again: expect ERR_DAEMON_NOT_RUNNING, or start it',
      };
    }
    yield* askFaults(world, step, at);
    yield* expectFaults(step, ['steps', index, 'expect']);
  }
}
