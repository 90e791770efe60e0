/** users, lock, policy request, events: one request each and its words. */
import type { AuditEvent } from '../../api/ports.ts';
import { reasonWords } from '../../policy/signal-words.ts';
import type { Context } from '../context.ts';
import { readBytes, writeBytes } from '../file-io.ts';
import { userWords } from '../output.ts';
import { type WindowsEvent, windowsEventOf, windowsEventWords } from '../windows-events.ts';
import { STATES } from './status.ts';

/** @param path `-`: standard input @throws {ERR_CLI_FILE} */
export function readDocument(path: string): string {
  return new TextDecoder().decode(readBytes(path));
}

/** Of somebody else's container: what to do about it is theirs. */
const stateWordsOf = (state: string): string => (STATES[state] ?? state).replace(/: .*/, '');

export async function usersCommand(context: Context): Promise<void> {
  const users = await context.client.users({ signal: context.deps.interrupted });
  context.output.result({ users }, () =>
    users.length === 0
      ? ['Nobody is enrolled.']
      : users.map(
          ({ uid, user, state, strength, policyPending }) =>
            `${userWords(user, uid)}: ${stateWordsOf(state)}${strength === null ? '' : `, ${strength}`}${policyPending ? ', older policy' : ''}`,
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

type ListedEvent = AuditEvent & { readonly windows: WindowsEvent | null };

/** `reason="no device"`: why a rule failed is read by people; the log itself and `--json` have the ids. */
const factWords = (event: string, [key, value]: [string, unknown]): string =>
  event === 'rule-failed' && key === 'reason' && typeof value === 'string'
    ? ` ${key}=${JSON.stringify(reasonWords(value))}`
    : ` ${key}=${value}`;

/** The line of one event; null: it has no place in a list of Windows' events. */
function eventLine({ at, event, uid, detail, windows }: ListedEvent, asWindows: boolean): string | null {
  // Which rule failed is what Windows' log lacks: it stands beside its events.
  if (asWindows && windows === null && event !== 'rule-failed') return null;
  const facts = Object.entries(detail).map((entry) => factWords(event, entry));
  const who = uid === null ? '' : ` uid=${uid}`;
  if (asWindows && windows !== null) return `${at} ${windowsEventWords(windows)}${who} (${event})`;
  return `${at} ${event}${who}${facts.join('')}`;
}

/**
 * With `--json`: one object with all events; with `--follow` as well, one line of JSON for each as it comes. Each has its
 * alias among the events of Windows.
 */
export async function eventsCommand(
  context: Context,
  options: { last: number; follow: boolean; windows: boolean },
): Promise<void> {
  const { client, output, deps } = context;
  const { last, follow } = options;
  const events: ListedEvent[] = [];
  const log = client.audit({ last, follow, signal: deps.interrupted });
  for await (const event of untilInterrupted(log, follow, deps.interrupted)) {
    const listed = { ...event, windows: windowsEventOf(event) };
    const line = eventLine(listed, options.windows);
    if (line === null) continue;
    if (output.json && follow) deps.stdout.write(`${JSON.stringify(listed)}\n`);
    else if (output.json) events.push(listed);
    else output.result({}, () => [line]);
  }
  if (output.json && !follow) output.result({ events }, () => []);
}
