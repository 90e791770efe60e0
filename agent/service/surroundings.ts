/**
 * What lies around the machine, as a decision takes it: the freshest signal of every kind, also of those that nothing
 * here senses, which is a finding of its own; and what is told to a person who has to wait for a change of it.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import { type FactorKind, type FactorSignal, type SignalKind, SURROUNDING_KINDS } from '../../drivers/signal.ts';
import type { Decision, FactorReason } from '../policy/decision.ts';
import { explainFactor } from '../policy/explain.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import type { ServiceParts } from './parts.ts';

const NO_DRIVER_COUNTS_FOR = milliseconds(3_600_000);

/** Stale signals are among them: what they are worth is for the policy to say. */
export function surroundings({ sensors, clock }: ServiceParts): ReadonlyMap<SignalKind, FactorSignal> {
  const known = sensors.ledger.all();
  const absent = SURROUNDING_KINDS.filter((kind) => !known.has(kind) && !sensors.has(kind));
  const observedAt = clock.now();
  return new Map([
    ...known,
    ...absent.map((kind): [SignalKind, FactorSignal] => [
      kind,
      {
        kind,
        source: 'unlockd',
        observedAt,
        validFor: NO_DRIVER_COUNTS_FOR,
        simulated: false,
        state: 'unavailable',
        reason: 'no-driver',
      },
    ]),
  ]);
}

export type Surrounding = Extract<FactorKind, 'phone' | 'network'>;

export const isSurrounding = (factor: FactorKind): factor is Surrounding => factor === 'phone' || factor === 'network';

const THING: Readonly<Record<Surrounding, string>> = { phone: 'phone', network: 'network' };

/** `Waiting for the network office`. */
function waitingText(factor: Surrounding, leaves: readonly FactorReason[]): string {
  const rules = [...new Set(leaves.flatMap(({ children }) => children.map(({ rule }) => rule)))];
  const [only] = rules;
  if (rules.length === 1 && only !== undefined) return `Waiting for the ${THING[factor]} ${only}`;
  const some = rules.slice(0, 3).join(', ');
  return `Waiting for a ${THING[factor]}: ${some}${rules.length > 3 ? `, or ${rules.length - 3} more` : ''}`;
}

/** Tells the person what is waited for and why it is not there yet, and again whenever that changes. */
export class Waiting {
  readonly #run: CeremonyRun;
  readonly #decision: () => Decision | null;
  #factor: Surrounding | null = null;
  #told = '';

  constructor(run: CeremonyRun, decision: () => Decision | null) {
    this.#run = run;
    this.#decision = decision;
  }

  begin(factor: Surrounding): void {
    this.#factor = factor;
    this.#told = '';
    this.tell();
  }

  end(): void {
    this.#factor = null;
  }

  /** Something may have changed. */
  tell(): void {
    const factor = this.#factor;
    const decision = this.#decision();
    if (factor === null || decision === null) return;
    const { leaves, lines } = explainFactor(decision, factor);
    // Only what a person would call a change: that time passes is none.
    const words = lines.map(({ ok, text }) => `${ok} ${text.replaceAll(/\([^()]* old\)/g, '')}`).join('\n');
    if (words === this.#told) return;
    this.#told = words;
    this.#run.emit({ type: 'waiting', factor, text: waitingText(factor, leaves), reasons: lines });
  }
}
