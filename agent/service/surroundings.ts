/**
 * What lies around the machine, as a decision takes it: the freshest signal of every kind, also of those that nothing
 * here senses, which is a finding of its own; and what is told to a person who has to wait for a change of it.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import type { FactorKind, FactorSignal, SignalKind, SurroundingKind, UnavailableReason } from '../../drivers/signal.ts';
import type { ContainerState } from '../container/state.ts';
import { branchesOf } from '../policy/branches.ts';
import type { Decision, FactorReason } from '../policy/decision.ts';
import { explainFactor } from '../policy/explain.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import type { LookAround } from './look-around.ts';
import type { ServiceParts } from './parts.ts';

/** What no driver says counts for as long as anybody could wait. */
const COUNTS_FOR = milliseconds(3_600_000);

const KINDS: Readonly<Record<Surrounding, readonly SurroundingKind[]>> = {
  phone: ['bluetooth'],
  network: ['ipConfig', 'wifi'],
};

interface Hindrance {
  readonly reason: UnavailableReason;
  readonly detail?: string;
}

/** Factors that the TPM of this machine could not be told of for a container, and why. */
export type Hindrances = ReadonlyMap<Surrounding, Hindrance>;

/** @param policy that the container is sealed to */
export function hindrancesOf(
  { policy: sealed, signers }: ContainerState,
  policy: UnlockPolicy,
  pinIsBound: boolean,
  simulated: boolean,
): Hindrances {
  const out = new Map<Surrounding, Hindrance>();
  const sets = sealed?.branches ?? [];
  const branches = branchesOf(policy, { pinIsBound });
  for (const factor of ['phone', 'network'] as const) {
    const own = branches.filter(({ factors }) => factors.includes(factor));
    const isSealed = own.every(({ factors }) => sets.some((set) => set.every((needed) => factors.includes(needed))));
    const signer = signers.find(({ kind }) => kind === factor);
    if (!isSealed) out.set(factor, { reason: 'unsupported', detail: 'no key of this TPM asserts it yet' });
    else if (signer !== undefined && signer.simulated !== simulated) {
      const detail = `the key that asserts it is of a ${simulated ? 'real' : 'simulated'} machine`;
      out.set(factor, { reason: 'unsupported', detail });
    }
  }
  return out;
}

export const NO_HINDRANCES: Hindrances = new Map();

/**
 * The surroundings as the TPM would have them: a signal that no signer could assert is none. Stale ones are among them:
 * what they are worth is for the policy to say.
 */
export function surroundings(
  { sensors, clock }: Pick<ServiceParts, 'sensors' | 'clock'>,
  hindrances: Hindrances,
): ReadonlyMap<SignalKind, FactorSignal> {
  const out = new Map(sensors.ledger.all());
  const put = (kind: SurroundingKind, why: Hindrance): void => {
    const base = { source: 'unlockd', observedAt: clock.now(), validFor: COUNTS_FOR, simulated: false };
    out.set(kind, { ...base, kind, state: 'unavailable', ...why });
  };
  for (const factor of ['phone', 'network'] as const) {
    const why = hindrances.get(factor);
    for (const kind of KINDS[factor]) {
      if (!sensors.has(kind) && !out.has(kind)) put(kind, { reason: 'no-driver' });
      else if (why !== undefined) put(kind, why);
    }
  }
  return out;
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
  readonly #looking: LookAround;
  #factor: Surrounding | null = null;
  #told = '';

  /** @param looking goes on after the wait: what was found has to stay fresh until it is used */
  constructor(run: CeremonyRun, decision: () => Decision | null, looking: LookAround) {
    this.#run = run;
    this.#decision = decision;
    this.#looking = looking;
  }

  begin(factor: Surrounding): void {
    this.#factor = factor;
    this.#told = '';
    this.look(factor);
    this.tell();
  }

  /** Has it looked at from now on. */
  look(factor: Surrounding): void {
    this.#looking.begin(KINDS[factor]);
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
