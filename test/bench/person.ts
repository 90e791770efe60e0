/**
 * The person of the benchmark: runs a ceremony through the API's client and answers what it asks, as fast as a program
 * can. It counts the requests, because a benchmark subtracts nothing that it has not counted.
 */
import type { ApiClient } from '../../agent/api/client.ts';
import type { CeremonyRequest, SecretSlotIn } from '../../agent/api/ports.ts';
import { utf8 } from '../../drivers/base/bytes.ts';
import { Secret } from '../../drivers/base/secret.ts';

export interface Finished {
  readonly result: Readonly<Record<string, unknown>>;
  /** API requests that were made. */
  readonly requests: number;
}

export type Answers = Partial<Readonly<Record<SecretSlotIn, string>>>;

/** The groups of a sheet that are asked back. */
const groupsOf = (sheet: string, groups: readonly number[]): string => {
  const all = sheet.split('-');
  return groups.map((group) => all[group - 1] ?? '').join(' ');
};

/** @throws {Error} when the ceremony fails or asks for what there is no answer to */
export async function runCeremony(
  client: ApiClient,
  request: CeremonyRequest,
  answers: Answers = {},
): Promise<Finished> {
  const { id, events } = await client.start(request);
  let requests = 1;
  let sheet = '';
  for await (const event of events) {
    if (event.type === 'secret') {
      requests++;
      using secret = await client.take(id, event.slot);
      if (event.slot !== 'purpose-key') sheet = Buffer.from(secret.expose()).toString('ascii');
    } else if (event.type === 'prompt') {
      const answer = event.slot === 'recovery-groups' ? groupsOf(sheet, event.groups ?? []) : answers[event.slot];
      if (answer === undefined) throw new Error(`${request.kind} asks for ${event.slot}: ${event.text}`);
      requests++;
      await client.supply(id, event.slot, Secret.take(utf8(answer)));
    } else if (event.type === 'failed') {
      throw new Error(`${request.kind}: ${event.refusal.code}: ${event.refusal.message}`);
    } else if (event.type === 'done') {
      return { result: event.result, requests };
    }
  }
  throw new Error(`${request.kind} did not end`);
}

export const PIN = '246813';
export const UNLOCK = { kind: 'unlock', purpose: null, forSeconds: null } as const satisfies CeremonyRequest;

/** Set-up, and this user enrolled with a PIN and the key. */
export async function enrolSelf(client: ApiClient): Promise<void> {
  await runCeremony(client, { kind: 'setup' });
  await runCeremony(client, { kind: 'enrol' }, { 'new-pin': PIN });
}
