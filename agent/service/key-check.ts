/** The security key as a factor of a container: its hmac-secret output unwraps the group secret, or it is another key. */
import { bytesEqual } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import {
  deriveFromSecurityKey,
  type InsertRequest,
  type KeyPinRequest,
  type SecurityKeyCeremony,
  type TouchRequest,
} from '../../drivers/fido2/security-key.ts';
import type { KeyTimings } from '../../drivers/fido2/stopwatch.ts';
import type { HidHal } from '../../drivers/hal/hid.ts';
import { groupAuthValue, unwrapGroupSecret, wrapKeyOf } from '../container/key-group.ts';
import type { ContainerState } from '../container/state.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import type { ServiceParts } from './parts.ts';

const TOUCH_TEXT: Readonly<Record<TouchRequest['why'], string>> = {
  select: 'Touch the security key that you want to use',
  'verify-user': 'Put your finger on the reader of the security key',
  enrol: 'Touch your security key to enrol it',
  confirm: 'Touch your security key now',
};

const INSERT_TEXT: Readonly<Record<InsertRequest['why'], string>> = {
  'no-key': 'Plug in your security key',
  'wrong-key': 'The security key that is plugged in is not enrolled here; plug in the right one',
};

/** Of a finger; those of a PIN stand in the event, and whoever asks for it says them. */
const leftWords = (triesLeft: number | null): string =>
  triesLeft === null ? '' : ` (${triesLeft} ${triesLeft === 1 ? 'try' : 'tries'} left)`;

const keyPinText = ({ why }: KeyPinRequest): string =>
  why === 'needed' ? 'PIN of the security key' : 'The PIN of the security key is wrong. Try again';

/** @throws {ERR_HAL_MODULE_MISSING} the host cannot reach security keys */
function requireHid(parts: ServiceParts): HidHal {
  if (parts.hid === null) throw new UnlockdError('ERR_HAL_MODULE_MISSING', 'this machine cannot reach security keys');
  return parts.hid;
}

/**
 * How a ceremony talks to the person while a key is asked.
 * @param hid where the keys are @param texts and `inserts`: what is said instead of the usual
 */
export function keyCeremony(
  parts: ServiceParts,
  run: CeremonyRun,
  signal: AbortSignal,
  hid: HidHal = requireHid(parts),
  texts: Partial<typeof TOUCH_TEXT> = {},
  inserts: Partial<typeof INSERT_TEXT> = {},
): SecurityKeyCeremony {
  return {
    hid,
    clock: parts.clock,
    entropy: parts.entropy,
    signal,
    trace: parts.trace,
    insertWithin: parts.settings.insertWithin,
    touchWithin: parts.settings.touchWithin,
    requestKeyPin: (request) => run.ask('key-pin', { text: keyPinText(request), triesLeft: request.triesLeft, signal }),
    onTouch: ({ why, device, triesLeft }) => {
      const text = `${texts[why] ?? TOUCH_TEXT[why]}${leftWords(triesLeft ?? null)}`;
      run.emit({ type: 'touch', text, device: device.product ?? device.path });
    },
    onInsert: ({ why }) => run.emit({ type: 'insert', text: inserts[why] ?? INSERT_TEXT[why] }),
  };
}

export interface KeyAnswer {
  /** The authValue of the container's security-key object; the caller owns it. */
  readonly authValue: Secret;
  readonly device: string;
  readonly uv: boolean;
  readonly timings: KeyTimings;
}

/**
 * @param turn resolves when the person may be asked; until then the key is only made ready
 * @throws {ERR_CTAP_NO_KEY | ERR_CTAP_WRONG_KEY | ERR_CTAP_TOUCH_TIMEOUT | …} as the FIDO2 room says
 * @throws {ERR_KEY_WRONG} the key answered, but its secret is not the one of enrolment
 */
export async function askSecurityKey(
  parts: ServiceParts,
  state: ContainerState,
  run: CeremonyRun,
  signal: AbortSignal,
  turn?: Promise<void>,
): Promise<KeyAnswer> {
  const enrolled = state.factors.securityKey;
  if (enrolled === null) throw new UnlockdError('ERR_STATE_CORRUPT', 'container.factors.securityKey: none is enrolled');
  const { credentials, generation } = enrolled;
  const ceremony = { ...keyCeremony(parts, run, signal), credentials };
  const derived = await deriveFromSecurityKey(turn === undefined ? ceremony : { ...ceremony, turn });
  using hmacSecret = derived.hmacSecret;
  const credential = credentials.find(({ credentialId }) => bytesEqual(credentialId, derived.credentialId));
  const context = { containerId: state.containerId, credentialId: derived.credentialId, generation };
  using wrapKey = wrapKeyOf(hmacSecret, derived.credentialId);
  using group = credential === undefined ? null : unwrapGroupSecret(wrapKey, credential.wrap, context);
  if (group === null) {
    throw new UnlockdError('ERR_KEY_WRONG', `${derived.device} answers with another secret than at enrolment`);
  }
  const { device, uv, timings } = derived;
  return { authValue: groupAuthValue(group, state.containerId), device, uv, timings };
}
