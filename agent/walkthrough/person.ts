/**
 * The person of a walkthrough in one ceremony: types the PINs in their order, touches the key or does not, keeps the
 * recovery sheet and reads its groups back. What came of it is kept as words; secrets are not.
 */
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { DaemonRefusal } from '../api/daemon-refusal.ts';
import type { CeremonyEvent, CeremonyRequest, ReasonLine, SecretSlotIn } from '../api/ports.ts';
import type { Lane, Subject } from './lane.ts';
import type { Pins } from './pins.ts';

/** What ended a ceremony, and what was seen on the way. */
export interface Asked {
  readonly verdict: 'granted' | 'refused';
  /** Null: granted. */
  readonly code: string | null;
  readonly message: string;
  readonly reasons: readonly ReasonLine[];
  /** As expectations name them: `prompt pin`, `refused ERR_PIN_WRONG`. */
  readonly events: readonly string[];
  readonly result: Readonly<Record<string, unknown>>;
}

export interface Behaviour {
  /** Names of the PINs for each slot, one for each time that it is asked for. */
  readonly types: Partial<Readonly<Record<SecretSlotIn, readonly string[]>>>;
  readonly touch: 'always' | 'never' | 'pull';
  /** The key that is pulled. */
  readonly pulls: string | null;
  readonly finger: 'own' | 'other' | 'none';
  /** The event at which the daemon is killed; null: it is not. */
  readonly killAt: string | null;
  /** An error that is an answer here, because it is expected; null: none is. */
  readonly expects: string | null;
}

/** The lane cannot do what the person would do in this ceremony. */
export class NotHere extends Error {}

export const eventWords = (event: CeremonyEvent): string => {
  switch (event.type) {
    case 'prompt':
    case 'secret':
      return `${event.type} ${event.slot}`;
    case 'refused':
    case 'failed':
      return `${event.type} ${event.refusal.code}`;
    case 'biometric':
      return `biometric ${event.modality}`;
    case 'waiting':
      return `waiting ${event.factor}`;
    default:
      return event.type;
  }
};

const isKilledAt = (killAt: string | null, event: CeremonyEvent): boolean =>
  killAt === eventWords(event) || killAt === event.type;

const GROUPS = '-';

/** Of a lane what a person in a ceremony needs. */
type Around = Pick<Lane, 'operator' | 'daemon'> & {
  readonly subject: Pick<Subject, 'start' | 'supply' | 'take' | 'cancel'>;
};

export class Person implements Disposable {
  readonly #lane: Around;
  readonly #pins: Pins;
  #sheet: Secret | null = null;

  constructor(lane: Around, pins: Pins) {
    this.#lane = lane;
    this.#pins = pins;
  }

  /** @throws {NotHere}, what the daemon cannot be asked for, and the signal's reason */
  async ask(request: CeremonyRequest, how: Behaviour, signal: AbortSignal): Promise<Asked> {
    const { subject } = this.#lane;
    const seen: string[] = [];
    const typed = new Map<SecretSlotIn, number>();
    const refused = (code: string, message: string, reasons: readonly ReasonLine[]): Asked => {
      return { verdict: 'refused', code, message, reasons, events: seen, result: {} };
    };
    let id: string | null = null;
    let killed = false;
    try {
      const started = await subject.start(request, { signal });
      id = started.id;
      for await (const event of started.events) {
        seen.push(eventWords(event));
        if (event.type === 'done') {
          return { verdict: 'granted', code: null, message: 'done', reasons: [], events: seen, result: event.result };
        }
        if (event.type === 'failed') return refused(event.refusal.code, event.refusal.message, event.reasons);
        // Of a daemon that was killed some events are still on their way: nobody answers them.
        if (!killed && isKilledAt(how.killAt, event)) {
          const why = await this.#lane.daemon('kill', { signal });
          if (why !== null) throw new NotHere(why);
          killed = true;
        }
        if (!killed) await this.#on(id, event, how, typed, signal);
      }
      throw new UnlockdError('ERR_CLI_CONNECTION_LOST', 'the ceremony ended without a result');
    } catch (error) {
      if (error instanceof DaemonRefusal) return refused(error.refusal.code, error.refusal.message, error.reasons);
      if (isUnlockdError(error) && error.code === how.expects) return refused(error.code, error.message, []);
      throw error;
    } finally {
      // Of a ceremony that has ended this is harmless.
      if (id !== null) await subject.cancel(id).catch(() => undefined);
    }
  }

  async #on(
    id: string,
    event: CeremonyEvent,
    how: Behaviour,
    typed: Map<SecretSlotIn, number>,
    signal: AbortSignal,
  ): Promise<void> {
    const { subject, operator } = this.#lane;
    switch (event.type) {
      case 'touch':
        if (how.touch === 'always') await operator.touch({ signal });
        if (how.touch === 'pull' && how.pulls !== null) await operator.remove(how.pulls, { signal });
        return;
      case 'biometric': {
        if (how.finger === 'none') return;
        const step = { do: 'finger', finger: how.finger } as const;
        const why =
          operator.perform === undefined ? 'there is no reader here' : await operator.perform(step, { signal });
        if (why !== null) throw new NotHere(why);
        return;
      }
      case 'secret': {
        const secret = await subject.take(id, event.slot, { signal });
        if (event.slot === 'purpose-key') return secret.dispose();
        this.#sheet?.dispose();
        this.#sheet = secret;
        return;
      }
      case 'prompt': {
        const answer = this.#answer(event.slot, event.groups ?? [], how, typed);
        if (answer === null) await subject.cancel(id, { signal });
        else await subject.supply(id, event.slot, answer, { signal });
        return;
      }
      default:
        return;
    }
  }

  /** Null: the person knows no further answer and gives up. */
  #answer(
    slot: SecretSlotIn,
    groups: readonly number[],
    how: Behaviour,
    typed: Map<SecretSlotIn, number>,
  ): Secret | null {
    if (slot === 'recovery') return this.#sheet?.clone() ?? null;
    if (slot === 'recovery-groups') {
      const all = new TextDecoder().decode(this.#sheet?.expose() ?? new Uint8Array()).split(GROUPS);
      return Secret.take(new TextEncoder().encode(groups.map((group) => all[group - 1] ?? '').join(' ')));
    }
    const at = typed.get(slot) ?? 0;
    typed.set(slot, at + 1);
    const name = how.types[slot]?.[at];
    return name === undefined ? null : this.#pins.typed(name);
  }

  [Symbol.dispose](): void {
    this.#sheet?.dispose();
  }
}
