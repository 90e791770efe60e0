/**
 * Verdicts: ours against Cedar's and casbin's on the same changes of the same signals, in turns. Ours takes in the change,
 * judges the rules that it could make true and makes a decision; the others get the whole state, made ready beforehand.
 * Before anything is timed, every verdict of the trace is compared.
 */
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { IncrementalEvaluator } from '../../../agent/policy/incremental.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import type { FactorSignal, SignalKind } from '../../../drivers/signal.ts';
import { comparedLane, type Lane } from '../lane.ts';
import { casbinEngine, cedarEngine, type Engine } from './engines.ts';
import { fleetPolicy, fleetTrace, OPTIONS, placesOf, type Step } from './fleet.ts';

/** The other may take ten times as long, or the lane is over. */
const LIMIT = 0.1;
const WARM_UP = 3;

interface Size {
  readonly name: string;
  readonly rules: number;
  readonly steps: number;
  readonly rounds: number;
  /** How often ours goes through the trace in one round, so that a round is long enough to time. */
  readonly repeats: number;
}

const SIZES: readonly Size[] = [
  { name: 'policy/default', rules: 0, steps: 1000, rounds: 30, repeats: 20 },
  { name: 'policy/100', rules: 100, steps: 400, rounds: 20, repeats: 20 },
  { name: 'policy/10000', rules: 10_000, steps: 40, rounds: 7, repeats: 200 },
];

export const POLICY_LANES: readonly string[] = SIZES.flatMap(({ name }) => [`${name}/cedar`, `${name}/casbin`]);

/** Microseconds for each of `verdicts`. */
function timed(verdicts: number, run: () => void): number {
  const begun = systemClock.now();
  run();
  return ((systemClock.now() - begun) / verdicts) * 1000;
}

type Ready = readonly (() => boolean)[];

function checkVerdicts(trace: readonly Step[], engine: string, ours: readonly boolean[], ready: Ready): void {
  const at = ready.findIndex((call, i) => call() !== ours[i]);
  if (at >= 0) throw new Error(`${engine} decides step ${at} otherwise: ${JSON.stringify(trace[at]?.state)}`);
}

async function measure(
  { name, rules, steps, rounds, repeats }: Size,
  only: (name: string) => boolean,
): Promise<Lane[]> {
  const places = placesOf(rules);
  const policy = fleetPolicy(places);
  const trace = fleetTrace(places, steps);
  const engines: [string, Engine][] = [];
  if (only(`${name}/cedar`)) engines.push([`${name}/cedar`, cedarEngine(places)]);
  if (only(`${name}/casbin`)) engines.push([`${name}/casbin`, await casbinEngine(places)]);
  const evaluator = new IncrementalEvaluator(policy, OPTIONS);
  const signals = new Map<SignalKind, FactorSignal>();
  const incremental = ({ kind, signal, state }: Step): boolean => {
    evaluator.set(kind, signal);
    return evaluator.decide(monotonicMs(state.now)).verdict === 'granted';
  };
  const pure = ({ kind, signal, state }: Step): boolean => {
    signals.set(kind, signal);
    return evaluate(policy, signals, monotonicMs(state.now), OPTIONS).verdict === 'granted';
  };
  const verdicts = trace.map(incremental);
  checkVerdicts(
    trace,
    'evaluate()',
    verdicts,
    trace.map((step) => () => pure(step)),
  );
  const granted = verdicts.filter(Boolean).length;
  if (granted < steps / 10 || granted > (steps * 9) / 10)
    throw new Error(`${name}: ${granted} of ${steps} are granted`);
  const ready = engines.map(([, engine]) => trace.map(({ state }) => engine.ready(state)));
  for (const [i, [lane]] of engines.entries()) checkVerdicts(trace, lane, verdicts, ready[i] ?? []);
  const [ours, pureTimes]: number[][] = [[], []];
  const others = engines.map((): number[] => []);
  for (let round = -WARM_UP; round < rounds; round++) {
    const own = timed(steps * repeats, () => {
      for (let i = 0; i < repeats; i++) for (const step of trace) incremental(step);
    });
    const whole = timed(steps * repeats, () => {
      for (let i = 0; i < repeats; i++) for (const step of trace) pure(step);
    });
    const theirs = ready.map((calls) => timed(steps, () => calls.forEach((call) => void call())));
    if (round < 0) continue;
    ours?.push(own);
    pureTimes?.push(whole);
    for (const [i, time] of theirs.entries()) others[i]?.push(time);
  }
  return engines.map(([lane, { what }], i) =>
    comparedLane({
      name: lane,
      unit: 'us',
      ours: ours ?? [],
      other: { what, samples: others[i] ?? [] },
      limit: LIMIT,
      apart: { 'evaluate() on the whole snapshot': pureTimes ?? [] },
    }),
  );
}

/** @param only the lanes that are wanted */
export async function policyLanes(only: (name: string) => boolean): Promise<readonly Lane[]> {
  const lanes: Lane[] = [];
  for (const size of SIZES) {
    if (only(`${size.name}/cedar`) || only(`${size.name}/casbin`)) lanes.push(...(await measure(size, only)));
  }
  return lanes;
}
