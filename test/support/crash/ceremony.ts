/** A person at the API: begins a ceremony, answers what it asks for, takes what it hands out, and tells how it ended. */
import type { ApiClient } from '../../../agent/api/client.ts';
import type { CeremonyEvent, CeremonyRequest } from '../../../agent/api/ports.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { Secret } from '../../../drivers/base/secret.ts';

/** What is typed at each prompt of a slot, one after the other. */
export type Answers = Readonly<Record<string, readonly string[]>>;

export interface Ended {
  readonly done: Readonly<Record<string, unknown>> | null;
  /** Code of the refusal that ended it. */
  readonly failed: string | null;
  /** Codes of refusals on the way. */
  readonly refused: readonly string[];
  /** What was handed out: sheets as text, keys in hexadecimal. */
  readonly out: ReadonlyMap<string, string>;
}

type Prompt = Extract<CeremonyEvent, { type: 'prompt' }>;

function answerTo(event: Prompt, answers: Answers, used: Map<string, number>, sheet: string): string | undefined {
  if (event.slot === 'recovery-groups') {
    const groups = sheet.split('-');
    return (event.groups ?? []).map((group) => groups[group - 1]).join(' ');
  }
  const at = used.get(event.slot) ?? 0;
  used.set(event.slot, at + 1);
  return answers[event.slot]?.[at];
}

/** @throws {ERR_CLI_CONNECTION_LOST | ERR_DAEMON_NOT_RUNNING} when the daemon dies meanwhile */
export async function perform(client: ApiClient, request: CeremonyRequest, answers: Answers = {}): Promise<Ended> {
  const id = await client.begin(request);
  const out = new Map<string, string>();
  const used = new Map<string, number>();
  const refused: string[] = [];
  let sheet = '';
  for await (const event of client.events(id)) {
    if (event.type === 'refused') refused.push(event.refusal.code);
    if (event.type === 'secret') {
      using secret = await client.take(id, event.slot);
      const isKey = event.slot === 'purpose-key';
      const text = Buffer.from(secret.expose()).toString(isKey ? 'hex' : 'ascii');
      out.set(event.slot, text);
      if (!isKey) sheet = text;
    }
    if (event.type === 'prompt') {
      const answer = answerTo(event, answers, used, sheet);
      if (answer === undefined) await client.cancel(id);
      else await client.supply(id, event.slot, Secret.take(utf8(answer)));
    }
    if (event.type === 'done') return { done: event.result, failed: null, refused, out };
    if (event.type === 'failed') return { done: null, failed: event.refusal.code, refused, out };
  }
  throw new Error('the stream of events ended without an end');
}
