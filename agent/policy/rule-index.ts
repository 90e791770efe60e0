/**
 * Rules by what they cannot hold without, so that a change is looked at by the rules that it concerns and not by all
 * of them. Few rules are not worth a look-up.
 */

import type { SurroundingKind } from '../../drivers/signal.ts';
import { keysIn, keysOf, prefixLengthsIn } from './match/keys.ts';
import type { Matching } from './model.ts';
import type { PreparedRule } from './prepared-rule.ts';
import type { Views } from './surroundings.ts';

/** Up to this many are all looked at. */
const FEW = 4;

export class RuleIndex {
  readonly #anywhere: PreparedRule[] = [];
  readonly #byKey = new Map<string, PreparedRule[]>();
  readonly #prefixLengths: readonly number[];

  /** @param of only by what conditions of this kind ask for; left out: by whichever condition has keys */
  constructor(rules: readonly PreparedRule[], matching: Matching, of?: SurroundingKind) {
    for (const rule of rules) {
      const [keys = null] =
        rules.length <= FEW
          ? []
          : rule.conditions
              .filter(({ type }) => of === undefined || type === of)
              .map(({ condition }) => keysOf(condition, matching))
              .filter((found) => found !== null);
      if (keys === null) this.#anywhere.push(rule);
      else for (const key of new Set(keys)) this.#add(key, rule);
    }
    this.#prefixLengths = prefixLengthsIn(this.#byKey.keys());
  }

  #add(key: string, rule: PreparedRule): void {
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, [rule]);
    else known.push(rule);
  }

  /** Every rule that could hold here, some perhaps twice; the others do not. */
  candidates(views: Views): readonly PreparedRule[] {
    if (this.#byKey.size === 0) return this.#anywhere;
    const found = [...this.#anywhere];
    for (const key of keysIn(views, this.#prefixLengths)) {
      for (const rule of this.#byKey.get(key) ?? []) found.push(rule);
    }
    return found;
  }
}
