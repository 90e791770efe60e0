/**
 * Elements as a situation that `evaluate()` can be asked about: signals, a time, whoever unlocks. Each is smallest: of what
 * it does not have to have, it has as little as can be.
 */
import { type MonotonicMs, milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorSignal, SignalKind } from '../../../drivers/signal.ts';
import type { BranchOptions } from '../branches.ts';
import { evaluate, type Snapshot } from '../evaluate.ts';
import type { UnlockPolicy } from '../model.ts';
import type { LocalTime } from '../time-window.ts';
import { type Element, type Elements, STUDIED_USER } from './elements.ts';
import type { Individuals } from './pattern.ts';
import { suffixesExclude, suffixFor, suffixImplies } from './suffix.ts';
import { localTimeAt, weekPieces } from './week.ts';

export interface SituationExample {
  readonly signals: readonly FactorSignal[];
  readonly now: MonotonicMs;
  readonly localTime: LocalTime | null;
  readonly user: number;
}

export interface SmallestSituations {
  readonly situations: readonly SituationExample[];
  /** True: there are more than were made. */
  readonly cut: boolean;
}

/** Long enough for every age that a policy may name, which is at most a day. */
const NOW = monotonicMs(10 * 86_400_000);
const ALWAYS = milliseconds(20 * 86_400_000);
/** Situations made of one set of elements. */
const MAX_SITUATIONS = 512;

const KINDS = ['bluetooth', 'wifi', 'ipConfig'] as const;
type Kind = (typeof KINDS)[number];
type Chosen = { readonly [K in Kind]: readonly Individuals[K][] };

const NOTHING: Chosen = { bluetooth: [], wifi: [], ipConfig: [] };

const hex = (value: number): string => (value & 0xff).toString(16).padStart(2, '0');

class Builder {
  readonly #all: readonly Element[];
  readonly #elements: Elements;
  readonly #so: ReadonlySet<number>;

  constructor(elements: Elements, so: ReadonlySet<number>) {
    this.#elements = elements;
    this.#all = elements.all;
    this.#so = so;
  }

  #of<I extends Element['is']>(is: I, so: boolean): readonly Extract<Element, { is: I }>[] {
    return this.#all.filter(
      (element, at): element is Extract<Element, { is: I }> => element.is === is && this.#so.has(at) === so,
    );
  }

  /** Every choice of concrete ones for the patterns. */
  #choices(): { readonly choices: readonly Chosen[]; readonly cut: boolean } {
    let choices: readonly Chosen[] = [NOTHING];
    let cut = false;
    for (const { kind, index } of this.#of('pattern', true)) {
      const space = this.#elements.spaces[kind];
      const options = space.optionsOf(index);
      cut ||= space.isCut(index) || choices.length * options.length > MAX_SITUATIONS;
      choices = choices
        .flatMap((chosen) =>
          options.map(({ individual }): Chosen => ({ ...chosen, [kind]: [...chosen[kind], individual] })),
        )
        .slice(0, MAX_SITUATIONS);
    }
    return { choices, cut };
  }

  /** A suffix that matches no more than it has to; undefined: none was found, or there is none. */
  #suffix(): { readonly suffix: string | null | undefined; readonly cut: boolean } {
    const wanted = this.#of('suffix', true).map(({ suffix }) => suffix);
    const others = this.#of('suffix', false).map(({ suffix }) => suffix);
    const unwanted = others.filter((other) => !wanted.some((each) => suffixImplies(each, other)));
    const least = suffixFor(wanted, unwanted);
    if (least !== undefined) return { suffix: least, cut: false };
    // Two ends of a name exclude each other for certain; of parts of a text one may have been overlooked.
    const cut = !wanted.some((one) => wanted.some((other) => suffixesExclude(one, other)));
    return { suffix: suffixFor(wanted, []), cut };
  }

  /** One time for each smallest set of windows that are open with those that have to be. */
  #times(): readonly (LocalTime | null)[] {
    const needed = this.#of('window', true).map(({ window }) => window);
    const others = this.#of('window', false).map(({ window }) => window);
    if (needed.length === 0) return [null];
    const pieces = weekPieces([...needed, ...others]).filter(({ open }) => needed.every((_, i) => open.has(i)));
    const least = pieces.filter(
      ({ open }, i) =>
        !pieces.some(
          (other, j) => [...other.open].every((each) => open.has(each)) && (other.open.size < open.size || j < i),
        ),
    );
    return least.map(({ from }) => localTimeAt(from));
  }

  #base(kind: SignalKind) {
    const old = this.#of('fresh', false).find((element) => element.kind === kind);
    // Between the two limits, not on one: of numbers with a fraction the difference may be a little more.
    const { smaller, larger } = old?.limits ?? { smaller: 0, larger: 0 };
    const observedAt = monotonicMs(NOW - ((smaller + (larger ?? 3 * smaller)) / 2) * 1000);
    return { source: 'example', observedAt, validFor: ALWAYS, simulated: false };
  }

  #signals({ bluetooth, wifi, ipConfig }: Chosen, suffix: string | null): readonly FactorSignal[] {
    const signals: FactorSignal[] = this.#of('gesture', true).map(({ gesture }) => ({
      ...this.#base(gesture),
      kind: gesture,
      state: 'satisfied',
      strength: 'bound',
      evidence: {},
    }));
    if (bluetooth.length > 0) {
      const devices = bluetooth.map((device, i) => ({ ...device, address: `02:00:00:00:00:${hex(i + 1)}` }));
      signals.push({ ...this.#base('bluetooth'), kind: 'bluetooth', state: 'observed', observation: { devices } });
    }
    if (wifi.length > 0) {
      const associations = wifi.map((each, i) => ({ ...each, interface: `wlan${i}` }));
      signals.push({ ...this.#base('wifi'), kind: 'wifi', state: 'observed', observation: { associations } });
    }
    if (ipConfig.length > 0 || suffix !== null) {
      const interfaces = ipConfig.map((face, i) => ({ ...face, name: `${face.kind}${i}` }));
      const observation = { primaryDnsSuffix: suffix, interfaces };
      signals.push({ ...this.#base('ipConfig'), kind: 'ipConfig', state: 'observed', observation });
    }
    return signals;
  }

  build(): SmallestSituations {
    const { choices, cut } = this.#choices();
    const { suffix, cut: suffixCut } = this.#suffix();
    if (suffix === undefined) return { situations: [], cut: suffixCut };
    const times = this.#times();
    const situations = choices.flatMap((chosen) => {
      const signals = this.#signals(chosen, suffix);
      return times.map((localTime): SituationExample => ({ signals, now: NOW, localTime, user: STUDIED_USER }));
    });
    return { situations, cut: cut || suffixCut };
  }
}

/**
 * The smallest situations in which the elements `so` are so: whatever else is so in one of these is so in all that have more.
 * None: they cannot be so together, unless `cut`.
 */
export const smallestSituations = (elements: Elements, so: ReadonlySet<number>): SmallestSituations =>
  new Builder(elements, so).build();

/** What `evaluate()` says of the situation. */
export function verdictIn(
  policy: UnlockPolicy,
  { signals, now, localTime, user }: SituationExample,
  { pinIsBound }: BranchOptions,
): 'granted' | 'denied' {
  const snapshot: Snapshot = new Map(signals.map((signal) => [signal.kind, signal]));
  return evaluate(policy, snapshot, now, { machineSimulated: false, pinIsBound, user, localTime }).verdict;
}
