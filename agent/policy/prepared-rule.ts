/** Rules made ready for being held against observations. */
import type { FactorKind, SurroundingKind } from '../../drivers/signal.ts';
import type { Match } from './match/element.ts';
import type { SignalCondition } from './rules.ts';
import type { Views } from './surroundings.ts';

export interface PreparedCondition {
  readonly type: SurroundingKind;
  readonly condition: SignalCondition;
  /** False also where nothing well-formed was observed. */
  readonly holds: (views: Views) => boolean;
  /** Null: nothing well-formed was observed. */
  readonly match: (views: Views) => Match | null;
}

export interface PreparedRule {
  readonly name: string;
  readonly factor: Extract<FactorKind, 'phone' | 'network'>;
  readonly conditions: readonly PreparedCondition[];
}
