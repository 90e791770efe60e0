/** Sets up the machine of a lane, as root does it once on a new one. The owner's sheet is read back and thrown away. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { DaemonRefusal } from '../api/daemon-refusal.ts';
import type { Refusal } from '../api/ports.ts';
import type { Owner } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';

const notGiven = (what: string, { message, code }: Pick<Refusal, 'message' | 'code'>, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_WALKTHROUGH_NOT_GIVEN', `${what}: ${message} (${code})`, { detail: { code }, cause });

async function ceremony(owner: Owner, signal: AbortSignal, show: ((sheet: Secret) => void) | null): Promise<void> {
  const { id, events } = await owner.start({ kind: 'setup' }, { signal });
  using sheet = new Sheet();
  for await (const event of events) {
    if (event.type === 'secret') {
      const paper = await owner.take(id, event.slot, { signal });
      sheet.keep(paper);
      show?.(paper);
    } else if (event.type === 'prompt') {
      await owner.supply(id, event.slot, sheet.groups(event.groups ?? []), { signal });
    } else if (event.type === 'failed') throw new DaemonRefusal(event.refusal, event.reasons);
    else if (event.type === 'done') return;
  }
}

/** The sheet on paper, in the hand of the owner. */
class Sheet implements Disposable {
  #paper: Secret | null = null;

  keep(paper: Secret): void {
    this.#paper?.dispose();
    this.#paper = paper;
  }

  groups(asked: readonly number[]): Secret {
    const all = new TextDecoder().decode(this.#paper?.expose() ?? new Uint8Array()).split('-');
    return Secret.take(new TextEncoder().encode(asked.map((group) => all[group - 1] ?? '').join(' ')));
  }

  [Symbol.dispose](): void {
    this.#paper?.dispose();
  }
}

/**
 * The set-up, then the policy that is given.
 * @param show where the owner's sheet is shown; null: nowhere, which is for TPMs that protect nothing
 * @throws {ERR_WALKTHROUGH_NOT_GIVEN} what the daemon refuses of it; and the signal's reason
 */
export async function setUpMachine(
  owner: Owner,
  given: Walkthrough['given'],
  signal: AbortSignal,
  show: ((sheet: Secret) => void) | null = null,
): Promise<void> {
  let what = 'the machine could not be set up';
  try {
    await ceremony(owner, signal, show);
    what = 'the policy that is given was refused';
    if (given.policy !== undefined) await owner.setPolicy(JSON.stringify(given.policy), { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DaemonRefusal)) throw error;
    throw notGiven(what, error.refusal, error);
  }
}
