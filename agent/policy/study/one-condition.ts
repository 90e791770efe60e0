/** One condition of a rule as a question to `evaluate()`: does it hold of this observation, fresh and by itself? */
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import type { Observations } from '../../../drivers/observation.ts';
import type { FactorSignal, SurroundingSignal } from '../../../drivers/signal.ts';
import { evaluate } from '../evaluate.ts';
import { DEFAULT_POLICY, type Matching } from '../model.ts';
import type { SignalCondition } from '../rules.ts';

const NOW = monotonicMs(0);
const base = { source: 'example', observedAt: NOW, validFor: milliseconds(1), simulated: false };
const PIN: FactorSignal = { ...base, kind: 'pin', state: 'satisfied', strength: 'bound', evidence: {} };

/** @param user whoever unlocks */
export function conditionHolds<C extends SignalCondition>(
  condition: C,
  matching: Matching,
  user: number,
): (observation: Observations[C['type']]) => boolean {
  const policy = Object.freeze({
    ...DEFAULT_POLICY,
    require: { all: ['pin', 'rule:it'] as const },
    rules: [{ name: 'it', all: [condition] }],
    matching,
  });
  return (observation) => {
    const signal = { ...base, kind: condition.type, state: 'observed', observation } as SurroundingSignal;
    const snapshot = new Map<FactorSignal['kind'], FactorSignal>([
      ['pin', PIN],
      [signal.kind, signal],
    ]);
    const options = { machineSimulated: false, pinIsBound: true, user };
    return evaluate(policy, snapshot, NOW, options).verdict === 'granted';
  };
}
