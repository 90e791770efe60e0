/** setup, enrol, unenrol, pin change, recover and policy apply: the commands that are one ceremony and its words. */
import type { CeremonyRequest, SecretSlotIn } from '../../api/ports.ts';
import { runCeremony } from '../ceremony-run.ts';
import type { Context } from '../context.ts';
import { type FdOf, secretSources } from '../secret-sources.ts';
import { sheetPlace } from '../sheet.ts';

export interface CeremonyCommand {
  readonly request: CeremonyRequest;
  readonly fds: FdOf;
  readonly sheetFd?: number | undefined;
  /** Slots that will be asked for in any case: their source is looked for before anything begins. */
  readonly needs: readonly SecretSlotIn[];
  /** Whether a recovery sheet will be shown. */
  readonly sheet: boolean;
  /** The last sentence. */
  readonly words: (result: Readonly<Record<string, unknown>>) => readonly string[];
}

/** Runs the ceremony and prints its result. */
export async function ceremonyCommand(context: Context, command: CeremonyCommand): Promise<void> {
  const { deps, client, output } = context;
  const place = sheetPlace(context, command.sheetFd);
  const sources = secretSources(deps, context.terminal(), command.fds);
  sources.require(command.needs);
  if (command.sheet) place.require();
  const result = await runCeremony(
    {
      client,
      output,
      sources,
      receive: (_slot, secret, text) => place.show(secret, text),
      interrupted: deps.interrupted,
    },
    command.request,
  );
  output.result(result, () => command.words(result));
}
