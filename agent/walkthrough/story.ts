/**
 * What no schema says of a walkthrough: that its steps can follow each other. The world is followed as far as it is
 * certain without running anything: which keys are there and plugged in, which PINs have a name, whether the daemon runs.
 */
import { ERROR_CODES } from '../../drivers/base/errors.ts';
import {
  ASKS_DAEMON,
  entryOf,
  isCeremony,
  NO_CABLE,
  pinsOf,
  type Step,
  type Walkthrough,
  WRONG_PIN,
} from './schema.ts';
import { World } from './world.ts';

/** What is wrong, and at which element (`steps[3].unlock.pin`). */
export interface StoryFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const newPinFault = (pin: string): string | null =>
  pin === WRONG_PIN ? `${WRONG_PIN} means a PIN that nobody has set: call the new one otherwise` : null;

/** What is done to the machine, or to what lies around it. */
function doneFault(world: World, step: Step, index: number): string | null {
  switch (step.action) {
    case 'insert':
      return world.insert(step.value);
    case 'remove':
      return world.remove(step.value);
    case 'lose':
      return world.lose(step.value, index);
    case 'daemon':
      return world.daemon(step.value);
    case 'phone':
      return world.move(...entryOf(step.value));
    case 'accessPoint':
      return world.switchAccessPoint(...entryOf(step.value));
    case 'join':
      return world.join(step.value);
    case 'leave':
      return world.leave(step.value);
    case 'cable':
      return world.cable(step.value);
    case 'renumber':
      return world.unknownNetwork(entryOf(step.value)[0]);
    case 'removePhone':
      return world.unknownPhone(step.value);
    case 'addFinger':
      return world.noReader();
    case 'wait':
      return step.value < step.withinSeconds ? null : 'the step is given up before: `within` is to be longer';
    default:
      return null;
  }
}

const isTyped = (
  step: Step,
): step is Extract<Step, { action: 'unlock' | 'addKey' | 'revokeKey' | 'addPhone' | 'addFinger' }> =>
  ['unlock', 'addKey', 'revokeKey', 'addPhone', 'addFinger'].includes(step.action);

function* askFaults(world: World, step: Step, at: readonly (string | number)[]): Generator<StoryFault> {
  const fault = function* (message: string | null, ...more: readonly (string | number)[]): Generator<StoryFault> {
    if (message !== null) yield { path: [...at, ...more], message };
  };
  if (isTyped(step)) {
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
  if (step.action === 'addPhone' || step.action === 'enrol') {
    const { phone } = step.value;
    if (phone !== undefined) yield* fault(world.unknownPhone(phone), 'phone');
  }
  if (step.action === 'addKey') {
    yield* fault(world.unusable(step.value.key), 'key');
    if (world.keys.get(step.value.key) === 'unplugged') yield* fault(`${step.value.key} is not plugged in`, 'key');
  }
  // A key that was lost is just the one to revoke.
  if (step.action === 'revokeKey' && !world.keys.has(step.value.key)) {
    yield* fault(world.unusable(step.value.key), 'key');
  }
  if (!isCeremony(step)) return;
  if (step.value.killAt !== undefined) {
    if (step.expect.verdict !== 'refused') {
      yield* fault('a ceremony whose daemon is killed ends without a result: expect `verdict: refused`', 'killAt');
    }
    world.runs = false;
  }
  if (step.value.touch === 'pull') {
    const [key, ...others] = world.plugged();
    if (key === undefined || others.length > 0) {
      yield* fault('pull is for a step with exactly one key plugged in: which one is meant is not certain', 'touch');
    } else world.keys.set(key, 'unplugged');
  }
}

function* givenFaults({ given }: Walkthrough, world: World): Generator<StoryFault> {
  const { enrolled, cable, joined, wifi } = given;
  const fault = function* (message: string | null, ...path: readonly string[]): Generator<StoryFault> {
    if (message !== null) yield { path: ['given', ...path], message };
  };
  if (enrolled !== undefined) {
    const { key, phone, pin } = enrolled;
    if (key !== undefined) yield* fault(world.unusable(key), 'enrolled', 'key');
    if (phone !== undefined) yield* fault(world.unknownPhone(phone), 'enrolled', 'phone');
    yield* fault(newPinFault(pin), 'enrolled', 'pin');
  }
  if (Object.hasOwn(given.networks, NO_CABLE)) {
    yield* fault(`${NO_CABLE} means that no cable is in: call the network otherwise`, 'networks', NO_CABLE);
  }
  if (cable !== undefined) yield* fault(world.unknownNetwork(cable), 'cable');
  if (joined !== undefined) {
    const known = wifi[joined];
    yield* fault(known === undefined ? `there is no Wi-Fi ${joined}: name it in given.wifi` : null, 'joined');
    yield* fault(known?.is === 'off' ? `${joined} is off` : null, 'joined');
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
  yield* givenFaults(walkthrough, world);
  for (const [index, step] of walkthrough.steps.entries()) {
    const at = ['steps', index, step.action];
    const message = doneFault(world, step, index);
    if (message !== null) yield { path: at, message };
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
