/**
 * `unlockctl` as a function: arguments and the world in, an exit code out. Only `status` is recognised without the
 * command line parser, because it is asked so often that the parser's loading time would be most of it.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { statusCommand } from './commands/status.ts';
import type { CtlDeps } from './deps.ts';
import { EXIT } from './exit-codes.ts';
import { createOutput } from './output.ts';
import type { Choice } from './program.ts';

/** The options of a plain `status`; null: it is something else, or the parser has something to say about it. */
function plainStatus(args: readonly string[]): { json: boolean; socket: string | null } | null {
  if (args[0] !== 'status') return null;
  let json = false;
  let socket: string | null = null;
  for (let at = 1; at < args.length; at++) {
    const next = args[at + 1];
    if (args[at] === '--json') json = true;
    else if (args[at] === '--socket' && next !== undefined && !next.startsWith('-')) {
      socket = next;
      at++;
    } else return null;
  }
  return { json, socket };
}

async function parseAndRun(deps: CtlDeps, args: readonly string[], command: readonly string[] | null): Promise<number> {
  const json = args.includes('--json');
  const output = createOutput(deps, json);
  const { CommanderError } = await import('commander');
  const { allCommands, buildProgram, commandOf, helpLine } = await import('./program.ts');
  const choices: Choice[] = [];
  const program = buildProgram(deps.version, (choice) => choices.push(choice));
  for (const each of allCommands(program)) {
    each.configureOutput({
      writeOut: (text) => deps.stdout.write(text),
      // With --json the message stands in the one object instead.
      writeErr: (text) => (json ? undefined : deps.stderr.write(text)),
    });
  }
  try {
    program.parse([...args], { from: 'user' });
    const [chosen] = choices;
    if (chosen === undefined) throw new UnlockdError('ERR_CLI_USAGE', 'name a command');
    if (chosen.name === 'completion') {
      const { completionScript } = await import('./completion.ts');
      const script = completionScript(program, chosen.shell);
      output.result({ shell: chosen.shell, script }, () => [script.trimEnd()]);
      return EXIT.ok;
    }
    const { dispatch } = await import('./dispatch.ts');
    return await dispatch(deps, chosen, command);
  } catch (error) {
    const help = helpLine(commandOf(program, args));
    if (!(error instanceof CommanderError)) return output.failure(error, help);
    if (error.exitCode === 0) return EXIT.ok;
    if (json) output.failure(new UnlockdError('ERR_CLI_USAGE', error.message, { cause: error }), help);
    return EXIT.usage;
  }
}

/**
 * Runs one command line. Never rejects.
 * @param argv the arguments after the program's name
 * @returns the exit code: see docs/reference/exit-codes.md
 */
export async function runCtl(argv: readonly string[], deps: CtlDeps): Promise<number> {
  const status = plainStatus(argv);
  if (status !== null) return statusCommand(deps, status);
  // What stands after -- belongs to another program: the parser must not see its options.
  const dashes = argv.indexOf('--');
  const args = dashes < 0 ? argv : argv.slice(0, dashes);
  const command = dashes < 0 ? null : argv.slice(dashes + 1);
  try {
    return await parseAndRun(deps, args, command);
  } catch (error) {
    return createOutput(deps, args.includes('--json')).failure(error);
  }
}
