/** users, lock, policy request, events: one request each and its words. */
import type { Context } from '../context.ts';
import { readBytes, writeBytes } from '../file-io.ts';
import { userWords } from '../output.ts';

/** @param path `-`: standard input @throws {ERR_CLI_FILE} */
export function readDocument(path: string): string {
  return new TextDecoder().decode(readBytes(path));
}

export async function usersCommand(context: Context): Promise<void> {
  const users = await context.client.users({ signal: context.deps.interrupted });
  context.output.result({ users }, () =>
    users.length === 0
      ? ['Nobody is enrolled.']
      : users.map(
          ({ uid, user, state, strength, policyPending }) =>
            `${userWords(user, uid)}: ${state}${strength === null ? '' : `, ${strength}`}${policyPending ? ', older policy' : ''}`,
        ),
  );
}

export async function lockCommand(context: Context): Promise<void> {
  const { wasUnlocked } = await context.client.lock({ signal: context.deps.interrupted });
  context.output.result({ wasUnlocked }, () => [wasUnlocked ? 'Locked.' : 'It was locked already.']);
}

/** @param path where the request goes; null: stdout */
export async function policyRequestCommand(context: Context, path: string | null): Promise<void> {
  const request = await context.client.policyRequest({ signal: context.deps.interrupted });
  const text = `${JSON.stringify(request, null, 2)}\n`;
  if (path === null) {
    context.output.result({ request }, () => [text.trimEnd()]);
    return;
  }
  writeBytes(path, text);
  context.output.result({ file: path }, () => [`The signing request is in ${path}.`]);
}

/** Whoever follows the log ends it by Ctrl-C: that is no failure. */
async function* untilInterrupted<T>(log: AsyncIterable<T>, follow: boolean, signal: AbortSignal): AsyncIterable<T> {
  try {
    yield* log;
  } catch (error) {
    if (!follow || !signal.aborted) throw error;
  }
}

/** With `--json`: one object with all events; with `--follow` as well, one line of JSON for each as it comes. */
export async function eventsCommand(context: Context, options: { last: number; follow: boolean }): Promise<void> {
  const { client, output, deps } = context;
  const events: unknown[] = [];
  const log = client.audit({ ...options, signal: deps.interrupted });
  for await (const event of untilInterrupted(log, options.follow, deps.interrupted)) {
    if (output.json && options.follow) {
      deps.stdout.write(`${JSON.stringify(event)}\n`);
    } else if (output.json) {
      events.push(event);
    } else {
      const detail = Object.entries(event.detail).map(([key, value]) => ` ${key}=${value}`);
      const who = event.uid === null ? '' : ` uid=${event.uid}`;
      output.result({}, () => [`${event.at} ${event.event}${who}${detail.join('')}`]);
    }
  }
  if (output.json && !options.follow) output.result({ events }, () => []);
}
