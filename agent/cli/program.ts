/**
 * The command line as commander sees it: commands, options, help, examples. Actions only collect what was given into a
 * `Choice`; running it is another file's job, so that help, completion and the reference page need nothing else.
 */
import { Command, Option } from 'commander';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { SecretSlotIn } from '../api/ports.ts';
import { UNLOCK_CONTEXTS, type UnlockContext } from '../api/purpose.ts';
import { addKeyCommands, type KeyChoice } from './commands/key/options.ts';
import { addKeySet, type KeySetChoice } from './commands/key-set-options.ts';
import { addPhones, type PhoneChoice } from './commands/phone-options.ts';
import { addPolicyForms, type PolicyFormsChoice } from './commands/policy/forms-options.ts';
import { addPolicyStudy, type PolicyStudyChoice } from './commands/policy/study-options.ts';
import { addReport, type ReportChoice } from './commands/report/options.ts';
import { addWalkthrough, type WalkthroughChoice } from './commands/walkthrough/options.ts';
import type { CommonOptions } from './context.ts';
import { FD_OPTIONS, type FdOf } from './secret-sources.ts';
import { parseAddress, parseCount, parseDuration, parseFd, parsePurpose, parseUid } from './values.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface WithFds {
  readonly fds: FdOf;
}

export type Choice = { readonly common: CommonOptions } & (
  | ({ readonly name: 'setup'; readonly sheetFd: number | undefined } & WithFds)
  | ({
      readonly name: 'enrol' | 'recover';
      readonly sheetFd: number | undefined;
      readonly phone: string | null;
    } & WithFds)
  | ({ readonly name: 'pin change' | 'lockout reset' } & WithFds)
  | { readonly name: 'unenrol'; readonly user: string | null; readonly yes: boolean }
  | ({
      readonly name: 'unlock';
      readonly purpose: string | null;
      readonly forSeconds: number | null;
      readonly context: UnlockContext;
      readonly outFd: number | null;
      readonly reuse: boolean;
      readonly earlier: number | null;
    } & WithFds)
  | { readonly name: 'users' | 'lock' | 'status' | 'doctor' }
  | KeyChoice
  | KeySetChoice
  | PhoneChoice
  | PolicyFormsChoice
  | PolicyStudyChoice
  | ReportChoice
  | WalkthroughChoice
  | ({ readonly name: 'policy apply'; readonly file: string } & WithFds)
  | { readonly name: 'policy request'; readonly output: string | null }
  | { readonly name: 'signals'; readonly watch: boolean }
  | { readonly name: 'events'; readonly last: number; readonly follow: boolean; readonly windows: boolean }
  | { readonly name: 'events record'; readonly file: string; readonly forSeconds: number | null }
  | { readonly name: 'completion'; readonly shell: Shell }
);

const SLOT_WORDS: Readonly<Record<SecretSlotIn, string>> = {
  pin: 'the PIN',
  'new-pin': 'the new PIN',
  'key-pin': 'the PIN of the security key',
  recovery: 'the recovery sheet, all groups',
  'recovery-groups': 'the groups that are asked back',
  'owner-recovery': 'the machine owner’s recovery sheet',
};

const camel = (slot: string): string => slot.replace(/-(.)/g, (_all, letter: string) => letter.toUpperCase());

function addFds(command: Command, slots: readonly SecretSlotIn[]): Command {
  for (const slot of slots) {
    command.addOption(
      new Option(`${FD_OPTIONS[slot]} <n>`, `read ${SLOT_WORDS[slot]} from descriptor n, one line`).argParser(parseFd),
    );
  }
  return command;
}

function fdsOf(options: Readonly<Record<string, unknown>>): FdOf {
  const out: Partial<Record<SecretSlotIn, number>> = {};
  for (const slot of Object.keys(FD_OPTIONS) as SecretSlotIn[]) {
    const fd = options[camel(`${slot}-fd`)];
    if (typeof fd === 'number') out[slot] = fd;
  }
  return out;
}

const common = (command: Command): Command =>
  command
    .addOption(new Option('--json', 'print one JSON object on stdout and nothing else'))
    .addOption(new Option('--socket <path>', 'the socket of the daemon'))
    .addOption(new Option('--daemon-uid <uid>', 'trust a daemon of this uid too').argParser(parseUid));

const phoneOption = (command: Command): Command =>
  command.addOption(new Option('--phone <address>', 'enrol this paired phone with it').argParser(parseAddress));

const sheetOption = (command: Command): Command =>
  command.addOption(new Option('--sheet-fd <n>', 'write the recovery sheet to descriptor n').argParser(parseFd));

/** The part of commander's option values that is ours; absent options are absent. */
interface Values extends CommonOptions {
  readonly [key: string]: unknown;
  readonly sheetFd?: number;
}

const examples = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`);

/**
 * @param choose gets what was chosen, once, when the arguments are valid
 */
export function buildProgram(version: string, choose: (choice: Choice) => void): Command {
  const program = new Command('unlockctl')
    .description('Unlock this machine’s containers with a PIN, a security key and other factors')
    .version(version, '--version', 'print the version')
    .helpCommand('help [command]', 'help about a command');

  const add = (parent: Command, name: string, description: string): Command =>
    common(parent.command(name).description(description).allowExcessArguments(false));

  const enrolFds: readonly SecretSlotIn[] = ['new-pin', 'key-pin', 'recovery-groups'];
  const setup = sheetOption(addFds(add(program, 'setup', 'set this machine up, once, as root'), ['recovery-groups']));
  setup.action((o: Values) => choose({ name: 'setup', common: o, fds: fdsOf(o), sheetFd: o.sheetFd }));
  examples(setup, 'sudo unlockctl setup');

  const enrol = phoneOption(
    sheetOption(addFds(add(program, 'enrol', 'enrol yourself: a new PIN and a security key'), enrolFds)),
  );
  enrol.action((o: Values & { phone?: string }) =>
    choose({ name: 'enrol', common: o, fds: fdsOf(o), sheetFd: o.sheetFd, phone: o.phone ?? null }),
  );
  examples(enrol, 'unlockctl enrol', 'unlockctl enrol --new-pin-fd 3 3<pin.txt');

  const unenrol = add(program, 'unenrol', 'destroy your container for ever, or as root that of another user')
    .option('--user <name>', 'whose container: a user name or a uid')
    .option('--yes', 'do not ask for the word that confirms it');
  unenrol.action((o: Values & { user?: string; yes?: true }) =>
    choose({ name: 'unenrol', common: o, user: o.user ?? null, yes: o.yes === true }),
  );
  examples(unenrol, 'unlockctl unenrol', 'sudo unlockctl unenrol --user 1001 --yes');

  const lockout = program.command('lockout').description('the dictionary-attack lockout of the TPM');
  const reset = addFds(add(lockout, 'reset', 'make the TPM forget wrong tries, as root with the owner’s sheet'), [
    'owner-recovery',
  ]);
  reset.action((o: Values) => choose({ name: 'lockout reset', common: o, fds: fdsOf(o) }));
  examples(reset, 'sudo unlockctl lockout reset');

  const users = add(program, 'users', 'list who is enrolled, as root');
  users.action((o: Values) => choose({ name: 'users', common: o }));
  examples(users, 'sudo unlockctl users --json');

  const unlock = addFds(add(program, 'unlock', 'present your factors and unlock your container'), ['pin', 'key-pin'])
    .usage('[options] [-- CMD [ARG...]]')
    .addOption(new Option('--purpose <name>', 'what the key is for; each purpose has its own').argParser(parsePurpose))
    .addOption(
      new Option('--context <name>', 'what it is unlocked for, where the policy names it')
        .choices(UNLOCK_CONTEXTS)
        .default('unlock'),
    )
    .addOption(new Option('--for <time>', 'forget after this time: 90s, 10m, 8h, 1d').argParser(parseDuration))
    .addOption(new Option('--out-fd <n>', 'write the raw purpose key to descriptor n').argParser(parseFd))
    .option('--reuse', 'take the key of a container that is unlocked, and never ask for factors')
    .addOption(
      new Option('--earlier <n>', 'the key as it was before the newest recovery (1), or before older ones').argParser(
        parseCount,
      ),
    );
  unlock.action(
    (
      o: Values & {
        purpose?: string;
        for?: number;
        context: UnlockContext;
        outFd?: number;
        reuse?: true;
        earlier?: number;
      },
    ) =>
      choose({
        name: 'unlock',
        common: o,
        fds: fdsOf(o),
        purpose: o.purpose ?? null,
        forSeconds: o.for ?? null,
        context: o.context,
        outFd: o.outFd ?? null,
        reuse: o.reuse === true,
        earlier: o.earlier ?? null,
      }),
  );
  examples(
    unlock,
    'unlockctl unlock --for 10m',
    "unlockctl unlock --purpose disk -- sh -c 'cryptsetup open --key-file /dev/fd/$UNLOCKD_KEY_FD /dev/sdb1 data'",
    'unlockctl unlock --purpose backup --out-fd 4 4>key-pipe',
    'unlockctl unlock --context wallet --purpose signing -- sign-with-fd',
  );

  const lock = add(program, 'lock', 'forget the keys of your container');
  lock.action((o: Values) => choose({ name: 'lock', common: o }));
  examples(lock, 'unlockctl lock');

  const status = add(program, 'status', 'the TPM and your container');
  status.action((o: Values) => choose({ name: 'status', common: o }));
  examples(status, 'unlockctl status', 'unlockctl status --json');

  const pin = program.command('pin').description('your PIN');
  const change = addFds(add(pin, 'change', 'change your PIN'), ['pin', 'new-pin', 'key-pin']);
  change.action((o: Values) => choose({ name: 'pin change', common: o, fds: fdsOf(o) }));
  examples(change, 'unlockctl pin change');

  const again = add(program, 'recover', 'get back in with your recovery sheet; it is replaced by a new one');
  const recover = phoneOption(sheetOption(addFds(again, ['recovery', ...enrolFds])));
  recover.action((o: Values & { phone?: string }) =>
    choose({ name: 'recover', common: o, fds: fdsOf(o), sheetFd: o.sheetFd, phone: o.phone ?? null }),
  );
  examples(recover, 'unlockctl recover');

  const addUnlock: typeof add = (parent, name, what) => addFds(add(parent, name, what), ['pin', 'key-pin']);
  const key = addKeyCommands(program, { addFds, fdsOf, examples, choose });
  addKeySet(key, { addUnlock, fdsOf, examples, choose });
  addPhones(program, { add, addUnlock, fdsOf, examples, choose });

  const policy = program.command('policy').description('the unlock policy of this machine');
  addPolicyForms(policy, { add, examples, choose });
  addPolicyStudy(policy, { add, examples, choose });
  const request = add(policy, 'request', 'the signing request of your container, for an outside signer').option(
    '-o, --output <file>',
    'write it to a file',
  );
  request.action((o: Values & { output?: string }) =>
    choose({ name: 'policy request', common: o, output: o.output ?? null }),
  );
  examples(request, 'unlockctl policy request -o request.json');
  const apply = addFds(
    add(policy, 'apply', 'apply what the signer sent back').argument('<file>', 'JSON; - for standard input'),
    ['pin', 'key-pin'],
  );
  apply.action((file: string, o: Values) => choose({ name: 'policy apply', common: o, fds: fdsOf(o), file }));
  examples(apply, 'unlockctl policy apply answer.json');

  addReport(program, { add, examples, choose });
  addWalkthrough(program, { add, examples, choose });

  const doctor = add(program, 'doctor', 'look for problems; works without the daemon');
  doctor.action((o: Values) => choose({ name: 'doctor', common: o }));
  examples(doctor, 'sudo unlockctl doctor');

  const signals = add(program, 'signals', 'what this machine senses around it: your phones, addresses, Wi-Fi').option(
    '--watch',
    'then print what changes',
  );
  signals.action((o: Values & { watch?: true }) => choose({ name: 'signals', common: o, watch: o.watch === true }));
  examples(signals, 'unlockctl signals', 'unlockctl signals --watch --json');

  const events = add(program, 'events', 'the audit log: your own events, for root all')
    .addOption(new Option('--last <n>', 'how many of the newest').argParser(parseCount).default(20))
    .option('--follow', 'then print what comes')
    .option('--windows', 'of unlocking only, under the ids and fields of Windows')
    .addOption(
      new Option('--record <file>', 'instead, write the signals that come to a trace, until Ctrl-C').conflicts([
        'follow',
        'windows',
      ]),
    )
    .addOption(new Option('--for <time>', 'how long to record: 90s, 10m, 8h').argParser(parseDuration));
  events.action((o: Values & { last: number; follow?: true; windows?: true; record?: string; for?: number }) => {
    if (o.record !== undefined) {
      return choose({ name: 'events record', common: o, file: o.record, forSeconds: o.for ?? null });
    }
    if (o.for !== undefined) throw new UnlockdError('ERR_CLI_USAGE', '--for says how long to --record');
    const { last, follow = false, windows = false } = o;
    choose({ name: 'events', common: o, last, follow, windows });
  });
  examples(
    events,
    'unlockctl events --last 50',
    'sudo unlockctl events --follow',
    'sudo unlockctl events --windows --last 100',
    'unlockctl events --record monday.jsonl --for 8h',
  );

  const completion = program
    .command('completion')
    .description('print a completion script for a shell')
    .addOption(new Option('--json', 'print one JSON object on stdout and nothing else'))
    .addArgument(program.createArgument('<shell>').choices(SHELLS));
  completion.action((shell: Shell, o: Values) => choose({ name: 'completion', common: o, shell }));
  examples(completion, 'unlockctl completion bash > /etc/bash_completion.d/unlockctl');

  for (const command of allCommands(program)) {
    command.exitOverride().showHelpAfterError(`(see \`${helpLine(command)}\`)`);
  }
  return program;
}

/** `unlockctl policy set --help`: where the help about a command is. */
export function helpLine(command: Command): string {
  const names: string[] = [];
  for (let each: Command | null = command; each !== null; each = each.parent) names.unshift(each.name());
  return `${names.join(' ')} --help`;
}

/** The command that a line of arguments is about, as far as it names one. */
export function commandOf(program: Command, args: readonly string[]): Command {
  let found = program;
  for (const arg of args) {
    if (arg.startsWith('-')) continue;
    const next = found.commands.find((each) => each.name() === arg);
    if (next === undefined) break;
    found = next;
  }
  return found;
}

/** The program and all its commands, depth first. */
export function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap((each) => allCommands(each))];
}
