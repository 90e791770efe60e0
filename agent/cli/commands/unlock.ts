/**
 * `unlockctl unlock`: presents the factors, and optionally takes one purpose key, for a command (`-- CMD`) or onto a
 * descriptor (`--out-fd N`). A key always has a purpose that was named: an unnamed default would be shared by accident.
 */
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import type { CeremonyRequest } from '../../api/ports.ts';
import type { UnlockContext } from '../../api/purpose.ts';
import { runCeremony } from '../ceremony-run.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { runWithKey } from '../key-command.ts';
import { type FdOf, secretSources } from '../secret-sources.ts';

export interface UnlockOptions {
  readonly purpose: string | null;
  readonly forSeconds: number | null;
  /** What it is unlocked for. */
  readonly context: UnlockContext;
  readonly outFd: number | null;
  /** Take the key of a container that is unlocked already; ERR_CONTAINER_LOCKED where it is not. */
  readonly reuse: boolean;
  /** The key of the container before the newest recovery (1) or older ones; null: the one in use. */
  readonly earlier: number | null;
  /** Null: no `--` was given. */
  readonly command: readonly string[] | null;
  readonly fds: FdOf;
}

const STDOUT = 1;
const usage = (message: string): UnlockdError => new UnlockdError('ERR_CLI_USAGE', message);

/** @throws {ERR_CLI_USAGE} */
function checkOptions(context: Context, options: UnlockOptions): void {
  const { purpose, outFd, command } = options;
  const wantsKey = outFd !== null || command !== null;
  if (command !== null && command.length === 0) throw usage('a command is missing after --');
  if (command !== null && outFd !== null) throw usage('--out-fd and -- CMD exclude each other');
  if (wantsKey && purpose === null)
    throw usage('name what the key is for: --purpose P is needed with -- CMD and --out-fd');
  if (!wantsKey && purpose !== null) throw usage('--purpose needs a place for the key: -- CMD or --out-fd N');
  if (options.earlier !== null && (!wantsKey || options.reuse || options.forSeconds !== null)) {
    throw usage('--earlier goes with -- CMD or --out-fd N, and without --reuse and --for: it leaves nothing unlocked');
  }
  if (options.reuse && !wantsKey) throw usage('--reuse needs -- CMD or --out-fd N');
  if (context.output.json && command !== null)
    throw usage('--json and -- CMD exclude each other: stdout is the command’s');
  if (context.output.json && outFd === STDOUT) throw usage('--json and --out-fd 1 exclude each other');
  if (outFd !== null && context.deps.descriptors.isTerminal(outFd))
    throw usage('a raw key does not belong on a terminal');
}

const only = (context: UnlockContext) => (context === 'unlock' ? {} : { context });

const requestOf = ({ purpose, forSeconds, earlier, context }: UnlockOptions): CeremonyRequest =>
  earlier !== null && purpose !== null
    ? { kind: 'earlier-key', purpose, earlier, ...only(context) }
    : { kind: 'unlock', purpose, forSeconds, ...only(context) };

interface Unlocked {
  readonly key: Secret | null;
  readonly result: Readonly<Record<string, unknown>>;
}

async function unlocked(context: Context, options: UnlockOptions): Promise<Unlocked> {
  if (options.reuse && options.purpose !== null) {
    const { interrupted: signal } = context.deps;
    const key = await context.client.purposeKey(options.purpose, { signal, context: options.context });
    return { key, result: { reused: true } };
  }
  const { deps, client, output } = context;
  let key: Secret | null = null;
  try {
    const result = await runCeremony(
      {
        client,
        output,
        sources: secretSources(deps, context.terminal(), options.fds),
        receive: (_slot, secret) => {
          key?.dispose();
          key = secret.clone();
        },
        interrupted: deps.interrupted,
      },
      requestOf(options),
    );
    return { key, result };
  } catch (error) {
    (key as Secret | null)?.dispose();
    throw error;
  }
}

/** @returns the exit code: of CMD where one was run */
export async function unlockCommand(context: Context, options: UnlockOptions): Promise<number> {
  checkOptions(context, options);
  const { key, result } = await unlocked(context, options);
  try {
    if (options.purpose !== null && key === null) {
      throw new UnlockdError('ERR_CLI_ANSWER_INVALID', 'the daemon unlocked but handed no key out');
    }
    if (key !== null && options.outFd !== null) context.deps.descriptors.write(options.outFd, key.expose());
    if (key !== null && options.command !== null) {
      context.close();
      return await runWithKey(context.deps, options.command, key, (error) => context.output.failure(error));
    }
  } finally {
    key?.dispose();
  }
  // With a raw key on stdout, a sentence there would spoil it.
  if (options.outFd === STDOUT)
    context.output.note(options.earlier === null ? 'Unlocked.' : 'The earlier key was handed out.', {});
  else
    context.output.result(result, () => [options.earlier === null ? 'Unlocked.' : 'The earlier key was handed out.']);
  return EXIT.ok;
}
