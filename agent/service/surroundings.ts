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

/** `the network office`. */
function thingWords(factor: Surrounding, leaves: readonly FactorReason[]): string {
  const rules = [...new Set(leaves.flatMap(({ children }) => children.map(({ rule }) => rule)))];
  const [only] = rules;
  if (rules.length === 1 && only !== undefined) return `the ${THING[factor]} ${only}`;
  const some = rules.slice(0, 3).join(', ');
  return `a ${THING[factor]}: ${some}${rules.length > 3 ? `, or ${rules.length - 3} more` : ''}`;
}

/** No driver and no key of the TPM come while somebody waits; whatever else is missing may. */
const mayCome = ({ children }: FactorReason): boolean =>
  children.some((rule) =>
    rule.children.every(({ finding }) => finding.is !== 'unavailable' || !NEVER_COMES.includes(finding.reason)),
  );
const NEVER_COMES: readonly string[] = ['no-driver', 'unsupported'];

/** What would do: the one that is asked for, and each other one that alone is missing for a way that is open now. */
export function thatWouldDo(decision: Decision, asked: Surrounding): readonly Surrounding[] {
  const alone = decision.reasons.children.flatMap(({ refusedAsAsserted, windows, children }) => {
    const open = children.filter(({ ok }) => !ok);
    const [leaf] = open;
    if (refusedAsAsserted || windows.some(({ ok }) => !ok) || open.length !== 1 || leaf === undefined) return [];
    return isSurrounding(leaf.factor) && mayCome(leaf) ? [leaf.factor] : [];
  });
  return [...new Set([asked, ...alone])];
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
    const decision = this.#decision();
    for (const each of decision === null ? [factor] : thatWouldDo(decision, factor)) this.look(each);
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
    const would = thatWouldDo(decision, factor).map((each) => ({ each, ...explainFactor(decision, each) }));
    const lines = would.flatMap((one) => one.lines);
    // Only what a person would call a change: that time passes is none.
    const words = lines.map(({ ok, text }) => `${ok} ${text.replaceAll(/\([^()]* old\)/g, '')}`).join('\n');
    if (words === this.#told) return;
    this.#told = words;
    const things = would.map(({ each, leaves }) => thingWords(each, leaves)).join(', or ');
    this.#run.emit({ type: 'waiting', factor, text: `Waiting for ${things}`, reasons: lines });
  }
}
