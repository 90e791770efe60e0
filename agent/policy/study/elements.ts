/**
 * The elements that verdicts of some policies depend on, each one yes or no: what a person did, how old a signal is where
 * the policies differ in it, time windows, DNS suffixes, and for every distinct condition whether one interface, network or
 * device is as it asks. The order is that of the rules, which keeps diagrams small.
 */
import { GESTURE_KINDS, type GestureKind, type SignalKind, type SurroundingKind } from '../../../drivers/signal.ts';
import type { UnlockPolicy } from '../model.ts';
import type { TimeWindow } from '../time-window.ts';
import { windowWords } from '../time-window.ts';
import { factorWords } from '../words.ts';
import { ipSpace } from './ip-pattern.ts';
import type { PatternSpace } from './pattern.ts';
import { bluetoothSpace, wifiSpace } from './radio-pattern.ts';
import { type SuffixElement, suffixKey, suffixWords } from './suffix.ts';

export type Element =
  | { readonly is: 'gesture'; readonly gesture: GestureKind }
  /** The signal is not older than the smaller one of the limits. */
  | { readonly is: 'fresh'; readonly kind: SignalKind; readonly limits: FreshnessLimits }
  | { readonly is: 'window'; readonly window: TimeWindow }
  | { readonly is: 'suffix'; readonly suffix: SuffixElement }
  | { readonly is: 'pattern'; readonly kind: SurroundingKind; readonly index: number };

/** Two ages in seconds between which the policies disagree; `larger` null: no limit but the signal's own. */
export interface FreshnessLimits {
  readonly smaller: number;
  readonly larger: number | null;
}

export interface Spaces {
  readonly ipConfig: PatternSpace<'ipConfig'>;
  readonly wifi: PatternSpace<'wifi'>;
  readonly bluetooth: PatternSpace<'bluetooth'>;
}

/** Whoever unlocks in every situation that is made up; a number, as the policy is the same for all. */
export const STUDIED_USER = 1000;

export class Elements {
  readonly spaces: Spaces = { ipConfig: ipSpace(), wifi: wifiSpace(), bluetooth: bluetoothSpace(STUDIED_USER) };
  readonly #elements: Element[] = [];
  readonly #index = new Map<string, number>();

  get all(): readonly Element[] {
    return this.#elements;
  }

  #add(key: string, element: Element): number {
    const known = this.#index.get(key);
    if (known !== undefined) return known;
    this.#index.set(key, this.#elements.length);
    return this.#elements.push(element) - 1;
  }

  gesture(gesture: GestureKind): number {
    return this.#add(`gesture ${gesture}`, { is: 'gesture', gesture });
  }

  fresh(kind: SignalKind, limits: FreshnessLimits): number {
    return this.#add(`fresh ${kind}`, { is: 'fresh', kind, limits });
  }

  window(window: TimeWindow): number {
    return this.#add(`window ${windowWords(window)}`, { is: 'window', window });
  }

  suffix(suffix: SuffixElement): number {
    return this.#add(`suffix ${suffixKey(suffix)}`, { is: 'suffix', suffix });
  }

  pattern(kind: SurroundingKind, index: number): number {
    return this.#add(`${kind} ${index}`, { is: 'pattern', kind, index });
  }

  words(element: Element): string {
    switch (element.is) {
      case 'gesture':
        return factorWords(element.gesture);
      case 'fresh':
        return `${element.kind} not older than ${element.limits.smaller} s`;
      case 'window':
        return windowWords(element.window);
      case 'suffix':
        return suffixWords(element.suffix);
      case 'pattern':
        return this.spaces[element.kind].patterns[element.index]?.words ?? '';
    }
  }
}

/** Where two policies let a signal of some kind grow differently old. */
export function freshnessDifferences(a: UnlockPolicy, b: UnlockPolicy): ReadonlyMap<SignalKind, FreshnessLimits> {
  const out = new Map<SignalKind, FreshnessLimits>();
  const kinds: readonly SignalKind[] = [...GESTURE_KINDS, 'bluetooth', 'ipConfig', 'wifi'];
  for (const kind of kinds) {
    const [one, other] = [a.freshnessSeconds[kind] ?? null, b.freshnessSeconds[kind] ?? null];
    if (one === other) continue;
    const named = [one, other].filter((limit) => limit !== null);
    out.set(kind, { smaller: Math.min(...named), larger: named.length === 2 ? Math.max(...named) : null });
  }
  return out;
}
