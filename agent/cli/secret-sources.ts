/**
 * Where a secret comes from when a ceremony asks for it: the descriptor that the command line names for its slot, or
 * the person at the terminal. Never the arguments, never the environment. A source that is missing is found out before
 * anything begins.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { CeremonyEvent, SecretSlotIn } from '../api/ports.ts';
import { type CtlDeps, SECRET_LINE_BYTES, type Terminal } from './deps.ts';
import { printable, triesLeft } from './output.ts';

type Prompt = Extract<CeremonyEvent, { type: 'prompt' }>;

/** The option that names the descriptor of a slot. */
export const FD_OPTIONS: Readonly<Record<SecretSlotIn, string>> = {
  pin: '--pin-fd',
  'new-pin': '--new-pin-fd',
  'key-pin': '--key-pin-fd',
  recovery: '--recovery-fd',
  'recovery-groups': '--recovery-groups-fd',
  'owner-recovery': '--owner-recovery-fd',
};

export type FdOf = Partial<Record<SecretSlotIn, number>>;

/** How often a new PIN may be typed differently the second time. */
const TYPING_TRIES = 3;

export interface SecretSources {
  /** Whether the person sees the question where it is answered. */
  isAskedOnTerminal(slot: SecretSlotIn): boolean;
  /** @throws {ERR_CLI_NO_SECRET_SOURCE} when none of `slots` could be asked for */
  require(slots: readonly SecretSlotIn[]): void;
  /** Null: the descriptor has no further line. @throws {ERR_CLI_NO_SECRET_SOURCE} @throws {ERR_CLI_PIN_MISMATCH} */
  ask(prompt: Prompt, options: { signal: AbortSignal }): Promise<Secret | null>;
}

function question(prompt: Prompt): string {
  const tries = prompt.triesLeft === null ? '' : ` (${triesLeft(prompt.triesLeft)})`;
  return `${printable(prompt.text)}${tries}: `;
}

async function askNewPin(terminal: Terminal, prompt: Prompt, signal: AbortSignal): Promise<Secret> {
  for (let left = TYPING_TRIES; ; left--) {
    const first = await terminal.readHidden(question(prompt), { limit: SECRET_LINE_BYTES, signal });
    let same = false;
    try {
      using second = await terminal.readHidden('The same again: ', { limit: SECRET_LINE_BYTES, signal });
      same = first.equals(second);
      if (same) return first;
    } finally {
      if (!same) first.dispose();
    }
    if (left <= 1) throw new UnlockdError('ERR_CLI_PIN_MISMATCH', 'the two PINs differ');
    terminal.write('The two differ; once more from the beginning.\n');
  }
}

/**
 * @param terminal the person's terminal; null when there is none
 */
export function secretSources(deps: CtlDeps, terminal: Terminal | null, fds: FdOf): SecretSources {
  const missing = (slot: SecretSlotIn): UnlockdError =>
    new UnlockdError('ERR_CLI_NO_SECRET_SOURCE', `there is no terminal to ask on; give ${FD_OPTIONS[slot]} N`, {
      detail: { slot, option: FD_OPTIONS[slot] },
    });
  return {
    isAskedOnTerminal: (slot) => fds[slot] === undefined,
    require: (slots) => {
      for (const slot of slots) if (fds[slot] === undefined && terminal === null) throw missing(slot);
    },
    ask: async (prompt, { signal }) => {
      const { slot } = prompt;
      const fd = fds[slot];
      if (fd !== undefined) return deps.descriptors.readLine(fd, { limit: SECRET_LINE_BYTES, signal });
      if (terminal === null) throw missing(slot);
      if (slot === 'new-pin') return askNewPin(terminal, prompt, signal);
      return terminal.readHidden(question(prompt), { limit: SECRET_LINE_BYTES, signal });
    },
  };
}
