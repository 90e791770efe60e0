/**
 * The person in front of a key: PINs from the terminal or a descriptor, with the tries that are left before one is spent;
 * what to touch and when to plug in. With `--json` the same as lines on standard error, like those of a ceremony.
 */
import { UnlockdError } from '../../../../drivers/base/errors.ts';
import type { Secret } from '../../../../drivers/base/secret.ts';
import type { HidDeviceInfo } from '../../../../drivers/hal/hid.ts';
import type { NewPinRequest } from '../../../keys/pin.ts';
import type { KeyCeremony, KeyPinRequest, TouchRequest } from '../../../keys/session.ts';
import type { Context } from '../../context.ts';
import { triesLeft } from '../../output.ts';
import { type SecretSources, secretSources } from '../../secret-sources.ts';
import type { KeyChoice } from './options.ts';
import { deviceWords } from './words.ts';

type Slot = 'key-pin' | 'new-pin';

/** What every command of `key` is given. */
export interface KeyWork {
  readonly context: Context;
  readonly ceremony: KeyCeremony;
  readonly sources: SecretSources;
  readonly requestNewPin: (request: NewPinRequest) => Promise<Secret>;
  /** Takes back a question that is still open, so that the terminal is as it was before anything else is printed. */
  readonly endPrompts: () => Promise<void>;
  /** Something to do now. */
  readonly say: (type: 'touch' | 'insert' | 'progress', text: string, device: HidDeviceInfo | null) => void;
}

function touchWords({ why, device, triesLeft: left }: TouchRequest): string {
  const name = deviceWords(device);
  switch (why) {
    case 'select':
      return 'Several security keys are plugged in: touch the one that you mean';
    case 'verify-user':
      return `Put your finger on the reader of ${name}${typeof left === 'number' ? ` (${triesLeft(left)})` : ''}`;
    default:
      return `Touch ${name} now`;
  }
}

/** @returns what a key's operation is given; the host of keys is loaded now */
export async function keyWork(context: Context, choice: KeyChoice): Promise<KeyWork> {
  const { deps, output } = context;
  const { hid, entropy } = await deps.keyHost();
  const sources = secretSources(deps, context.terminal(), choice.fds);
  const { interrupted: signal } = deps;
  let wrong: UnlockdError | null = null;
  let asksWhichOne = false;
  const over = new AbortController();
  let prompting: Promise<Secret | null> = Promise.resolve(null);

  const say: KeyWork['say'] = (type, text, device) => {
    const where = device === null ? {} : { device: device.path };
    output.note(text, type === 'progress' ? { type, step: text, ...where } : { type, text, ...where });
  };
  const ask = async (slot: Slot, text: string, left: number | null, device: HidDeviceInfo): Promise<Secret> => {
    // On a terminal the question itself says it.
    const told = output.json || (left !== null && !sources.isAskedOnTerminal(slot));
    const tries = left === null ? '' : ` (${triesLeft(left)})`;
    if (told) output.note(`${text}${tries}`, { type: 'prompt', slot, text, triesLeft: left, device: device.path });
    const either = AbortSignal.any([signal, over.signal]);
    prompting = sources.ask({ type: 'prompt', slot, text, triesLeft: left }, { signal: either });
    const secret = await prompting;
    if (secret !== null) return secret;
    // The descriptor is used up: what was refused before is the reason, where something was.
    throw (
      wrong ??
      new UnlockdError('ERR_CLI_NO_SECRET_SOURCE', `the descriptor has no line for ${slot}`, { detail: { slot } })
    );
  };
  const requestKeyPin = async ({ device, triesLeft: left, why }: KeyPinRequest): Promise<Secret> => {
    if (why === 'wrong') {
      const message = 'the PIN of the security key is wrong';
      wrong = new UnlockdError('ERR_CTAP_PIN_WRONG', message, left === null ? {} : { detail: { triesLeft: left } });
      const { code, cure, detail } = wrong;
      const tries = left === null ? '' : `, ${triesLeft(left)}`;
      output.note(`PIN wrong${tries}`, { type: 'refused', refusal: { code, message, cure, detail } });
    }
    const last = left === 1 ? '; if it is wrong, only a reset helps' : '';
    return await ask('key-pin', `PIN of ${deviceWords(device)}${last}`, left, device);
  };
  return {
    context,
    sources,
    say,
    endPrompts: async () => {
      over.abort(new UnlockdError('ERR_CLI_INTERRUPTED', 'the command ended'));
      await prompting.catch(() => null);
    },
    requestNewPin: ({ device, minLength }) =>
      ask('new-pin', `New PIN for ${deviceWords(device)}, at least ${minLength} characters`, null, device),
    ceremony: {
      hid,
      clock: deps.clock,
      entropy,
      signal,
      requestKeyPin,
      onTouch: (request) => {
        // Every key that waits says so; a person needs to read it once.
        if (request.why === 'select' && asksWhichOne && !output.json) return;
        asksWhichOne ||= request.why === 'select';
        say('touch', touchWords(request), request.device);
      },
      onInsert: () => say('insert', 'Plug your security key in', null),
    },
  };
}
