import type { Secret } from '../../drivers/base/secret.ts';
import { createFactor } from '../container/objects.ts';
import { PIN_LOG_N, pinAuthValue } from '../container/pin-value.ts';
import type { Records } from '../container/records.ts';
import type { RootSession } from '../container/root.ts';
import { deriveKey } from '../container/secret-box.ts';
import type { PinState } from '../container/state.ts';
import { normalisePin } from '../enrolment/pin/characters.ts';
import { requireNotInHistory } from '../enrolment/pin/history.ts';
import { requireGoodPin, rulesWords } from '../enrolment/pin/rules.ts';
import type { PinRules } from '../policy/model.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import type { ServiceParts } from './parts.ts';

const AGAIN = { attempts: 5, codes: /^ERR_PIN_/ };

/** A PIN as the TPM will know it. */
export interface NewPin extends Disposable {
  /** Normalised; kept for the comparison with the history, which is known only later. */
  readonly clear: Secret;
  readonly salt: Uint8Array;
  readonly logN: number;
  readonly authValue: Secret;
}

/**
 * Asks until a PIN fits the rules, five times at most.
 * @throws {ERR_PIN_…} the refusal of the last one
 */
export const askNewPin = (parts: ServiceParts, run: CeremonyRun, rules: PinRules): Promise<NewPin> =>
  run.askUntil('new-pin', { text: `New PIN (${rulesWords(rules)})` }, AGAIN, (typed) => newPin(parts, typed, rules));

async function newPin(parts: ServiceParts, typed: Secret, rules: PinRules): Promise<NewPin> {
  const clear = normalisePin(typed);
  try {
    requireGoodPin(clear, rules);
    const salt = parts.entropy.bytes(16);
    const authValue = await pinAuthValue(clear, salt, PIN_LOG_N);
    const dispose = () => {
      clear.dispose();
      authValue.dispose();
    };
    return { clear, salt, logN: PIN_LOG_N, authValue, [Symbol.dispose]: dispose };
  } catch (error) {
    clear.dispose();
    throw error;
  }
}

/** A PIN that is known by what the TPM is given for it. */
export interface KnownPin {
  readonly salt: Uint8Array;
  readonly logN: number;
  readonly authValue: Secret;
}

/**
 * What the history keeps of a PIN: derived from its authValue one way, so that whoever reads the records (they are
 * under the container key, which an unlocked daemon holds) has nothing that the TPM would take. The caller owns it.
 */
const historyValue = (authValue: Secret, salt: Uint8Array): Secret => deriveKey(authValue, 'pin history v1', salt);

function entryOf({ salt, logN, authValue }: KnownPin): Records['pinHistory'][number] {
  using value = historyValue(authValue, salt);
  return { salt, logN, value: new Uint8Array(value.expose()) };
}

/**
 * @param current the PIN that is in force, as it was proved just now; null where nobody knows it
 * @throws {ERR_PIN_REUSED}
 */
export async function requireUnused(
  pin: NewPin,
  history: Records['pinHistory'],
  rules: PinRules,
  current: KnownPin | null,
): Promise<void> {
  const known = current === null ? history : [entryOf(current), ...history];
  const costs = new Map(known.map(({ salt, logN }) => [salt, logN]));
  const entries = known.map(({ salt, value }) => ({ salt, hash: value }));
  try {
    await requireNotInHistory(pin.clear, entries, rules, async (candidate, salt) => {
      using authValue = await pinAuthValue(candidate, salt, costs.get(salt) ?? PIN_LOG_N);
      return historyValue(authValue, salt);
    });
  } finally {
    if (current !== null) known[0]?.value.fill(0);
  }
}

/** Makes the TPM object. */
export async function createPin(parts: ServiceParts, root: RootSession, pin: NewPin): Promise<PinState> {
  const blob = await createFactor(root, 'pin', pin.authValue, parts.entropy);
  return { blob, salt: pin.salt, logN: pin.logN, setAt: parts.clock.wall() };
}

/**
 * The history after `replaced` was replaced. The PIN in force is never in it: who has the container key could otherwise
 * search for it without the TPM.
 */
export const historyWith = (
  replaced: KnownPin,
  history: Records['pinHistory'],
  rules: PinRules,
): Records['pinHistory'] => [entryOf(replaced), ...history].slice(0, Math.max(0, rules.history - 1));
