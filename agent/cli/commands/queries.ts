/** users, lock, policy show/set/request, events: one request each and its words. */
import { readFileSync, writeFileSync } from 'node:fs';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { PolicyView } from '../../api/ports.ts';
import type { Context } from '../context.ts';
import { jsonErrorAt } from '../json-error.ts';
import { userWords } from '../output.ts';

const fileError = (path: string, cause: unknown): UnlockdError => {
  const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
  return new UnlockdError('ERR_CLI_FILE', `${path}: ${errno ?? 'failed'}`, { detail: { path, errno }, cause });
};

/** @param path `-`: standard input @throws {ERR_CLI_FILE} */
export function readDocument(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    throw fileError(path, cause);
  }
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

const policyWords = (view: PolicyView): readonly string[] => [
  view.words,
  ...view.branches.map(({ words, strength }) => `  ${words} (${strength})`),
  view.authority === 'managed' ? 'signed by an outside signer' : 'signed by this machine',
  ...(view.pending.length === 0 ? [] : [`still under an older policy: ${view.pending.join(', ')}`]),
  ...view.warnings.map((warning) => `warning: ${warning}`),
];

export async function policyShowCommand(context: Context): Promise<void> {
  const view = await context.client.policy({ signal: context.deps.interrupted });
  context.output.result({ ...view }, () => policyWords(view));
}

export async function policySetCommand(context: Context, path: string): Promise<void> {
  const document = readDocument(path);
  requireJson(path, document);
  const view = await context.client.setPolicy(document, { signal: context.deps.interrupted });
  context.output.result({ ...view }, () => [
    'The policy is set. Each container that can follow does so at its next unlock.',
    ...policyWords(view),
  ]);
}

/** @throws {ERR_POLICY_INVALID} with the file, the line and the column */
function requireJson(path: string, text: string): void {
  const at = jsonErrorAt(text);
  if (at === null) return;
  const before = text.slice(0, at).split('\n');
  const [line, column] = [before.length, (before.at(-1)?.length ?? 0) + 1];
  const what = at >= text.trimEnd().length ? 'the document ends too early' : 'this is not JSON';
  const name = path === '-' ? 'standard input' : path;
  throw new UnlockdError('ERR_POLICY_INVALID', `${name}:${line}:${column}: ${what}`, {
    detail: { path, line, column },
  });
}

/** @param path where the request goes; null: stdout */
export async function policyRequestCommand(context: Context, path: string | null): Promise<void> {
  const request = await context.client.policyRequest({ signal: context.deps.interrupted });
  const text = `${JSON.stringify(request, null, 2)}\n`;
  if (path === null) {
    context.output.result({ request }, () => [text.trimEnd()]);
    return;
  }
  try {
    writeFileSync(path, text, { mode: 0o644 });
  } catch (cause) {
    throw fileError(path, cause);
  }
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
