/**
 * Drives one ceremony from begin to end: shows its events as they come, answers its prompts, takes what it hands out.
 * Whatever ends it early (Ctrl-C, a missing secret, a sheet that cannot be shown) cancels it in the daemon too, so that
 * nothing is committed and no security key goes on blinking.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { ApiClient, StartedCeremony } from '../api/client.ts';
import { DaemonRefusal } from '../api/daemon-refusal.ts';
import type { CeremonyEvent, CeremonyRequest, Refusal, SecretSlotOut } from '../api/ports.ts';
import { type Output, refusalWords } from './output.ts';
import type { SecretSources } from './secret-sources.ts';

export interface CeremonyRun {
  readonly client: ApiClient;
  readonly output: Output;
  readonly sources: SecretSources;
  /** Gets each secret that is handed out, and disposes it. */
  readonly receive: (slot: SecretSlotOut, secret: Secret, text: string) => void;
  readonly interrupted: AbortSignal;
}

type Prompt = Extract<CeremonyEvent, { type: 'prompt' }>;

const VOID_SHEET = 'The recovery sheet that was just shown is void: nothing was changed. Throw it away.';

const sameRefusal = (a: Refusal, b: Refusal | null): boolean =>
  b !== null && a.code === b.code && refusalWords(a) === refusalWords(b);

const inWords = (event: CeremonyEvent): string | null => {
  switch (event.type) {
    case 'insert':
      return event.text;
    case 'touch':
      return event.device === '' ? event.text : `${event.text} (${event.device})`;
    case 'biometric':
      return event.again === null ? event.text : `${event.text} again: ${event.again}`;
    case 'waiting': {
      const why = event.reasons.filter(({ ok }) => !ok).map(({ depth, text }) => `${'  '.repeat(depth + 1)}${text}`);
      return [event.text, ...why].join('\n');
    }
    case 'progress':
      return `… ${event.step}`;
    default:
      return null;
  }
};

/** One ceremony under way. */
class Run {
  readonly #run: CeremonyRun;
  readonly #id: string;
  readonly #events: StartedCeremony['events'];
  /** Aborts the event stream and an open prompt, with the reason why. */
  readonly #stop: AbortController;
  #lastRefusal: Refusal | null = null;
  /** A refusal that was not shown yet: what ends the ceremony may say the same once more. */
  #held: Refusal | null = null;
  /** Shown, and the groups not asked back yet: nothing depends on the sheet. */
  #sheetIsVoid = false;
  #prompting: Promise<void> = Promise.resolve();

  constructor(run: CeremonyRun, started: StartedCeremony, stop: AbortController) {
    this.#run = run;
    this.#id = started.id;
    this.#events = started.events;
    this.#stop = stop;
  }

  async toEnd(): Promise<Readonly<Record<string, unknown>>> {
    const { interrupted } = this.#run;
    const onInterrupt = () => this.#stop.abort(new UnlockdError('ERR_CLI_INTERRUPTED', 'interrupted'));
    if (interrupted.aborted) onInterrupt();
    interrupted.addEventListener('abort', onInterrupt, { once: true });
    try {
      for await (const event of this.#events) {
        const result = await this.#on(event);
        if (result !== null) return result;
      }
      throw new UnlockdError('ERR_CLI_CONNECTION_LOST', 'the ceremony ended without a result');
    } catch (thrown) {
      const error: unknown = this.#stop.signal.aborted ? this.#stop.signal.reason : thrown;
      if (!(error instanceof DaemonRefusal && sameRefusal(error.refusal, this.#held))) this.#showHeld();
      const unconfirmed = error instanceof DaemonRefusal && error.refusal.code === 'ERR_RECOVERY_NOT_CONFIRMED';
      if (this.#sheetIsVoid || unconfirmed) this.#run.output.note(VOID_SHEET, { type: 'progress', step: VOID_SHEET });
      throw error;
    } finally {
      interrupted.removeEventListener('abort', onInterrupt);
      // An open prompt gives the terminal back before anything else is printed.
      this.#stop.abort(new UnlockdError('ERR_CLI_INTERRUPTED', 'the ceremony ended'));
      await this.#prompting;
    }
  }

  async #on(event: CeremonyEvent): Promise<Readonly<Record<string, unknown>> | null> {
    const { client, output, receive, sources } = this.#run;
    const onDescriptor = event.type === 'prompt' && !sources.isAskedOnTerminal(event.slot);
    // A descriptor without a further line ends the ceremony with what was refused before.
    if (event.type !== 'failed' && !onDescriptor) this.#showHeld();
    // Which groups are asked is different each time; all else a script knows.
    const words = onDescriptor && event.groups !== undefined ? event.text : inWords(event);
    if (output.json && event.type !== 'done' && event.type !== 'failed') output.note('', { ...event });
    else if (words !== null) output.note(words, {});
    this.#sheetIsVoid = event.type === 'prompt' && event.slot === 'recovery-groups';
    switch (event.type) {
      case 'prompt':
        this.#prompting = this.#answer(event);
        return null;
      case 'refused':
        this.#lastRefusal = event.refusal;
        this.#held = event.refusal;
        return null;
      case 'secret': {
        const secret = await client.take(this.#id, event.slot, { signal: this.#stop.signal });
        try {
          receive(event.slot, secret, event.text);
        } finally {
          secret.dispose();
        }
        return null;
      }
      case 'done':
        return event.result;
      case 'failed':
        throw new DaemonRefusal(event.refusal, event.reasons);
      default:
        return null;
    }
  }

  #showHeld(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null && !this.#run.output.json) this.#run.output.note(refusalWords(held), {});
  }

  /** Beside the event stream, so that a ceremony that ends meanwhile ends the prompt. Never rejects. */
  async #answer(prompt: Prompt): Promise<void> {
    const { client, sources } = this.#run;
    const { signal } = this.#stop;
    try {
      const secret = await sources.ask(prompt, { signal });
      if (secret === null) throw this.#noFurtherLine(prompt);
      this.#showHeld();
      this.#sheetIsVoid = false;
      await client.supply(this.#id, prompt.slot, secret, { signal });
    } catch (error) {
      // When the daemon ended the ceremony at the same moment, its own event says why.
      if (error instanceof DaemonRefusal && error.refusal.code === 'ERR_API_SLOT_NOT_WANTED') return;
      this.#stop.abort(error);
    }
  }

  /** The descriptor is used up: what was refused before is the reason, where something was. */
  #noFurtherLine(prompt: Prompt): Error {
    if (this.#lastRefusal !== null) return new DaemonRefusal(this.#lastRefusal);
    return new UnlockdError('ERR_CLI_NO_SECRET_SOURCE', `the descriptor has no line for ${prompt.slot}`, {
      detail: { slot: prompt.slot },
    });
  }
}

/**
 * @returns the result of the event `done`
 * @throws {DaemonRefusal} what the ceremony failed with; and every error of the client and the sources
 */
export async function runCeremony(
  run: CeremonyRun,
  request: CeremonyRequest,
): Promise<Readonly<Record<string, unknown>>> {
  run.interrupted.throwIfAborted();
  const stop = new AbortController();
  const started = await run.client.start(request, { signal: stop.signal });
  const { id } = started;
  try {
    return await new Run(run, started, stop).toEnd();
  } catch (error) {
    // Cancelling an ended ceremony is harmless, and its failure adds nothing to what is reported.
    await run.client.cancel(id).catch(() => undefined);
    throw error;
  }
}
