/**
 * The options of the commands that look at policies without changing anything: lint, explain, simulate, risk, diff. Only what
 * the parser needs; what they do is loaded when it is done.
 */
import type { Command } from 'commander';
import { Option } from 'commander';
import { CONTEXT_NAMES, type ContextName } from '../../../policy/model.ts';
import type { CommonOptions } from '../../context.ts';
import { parseSeconds } from '../../values.ts';

/** Whose facts: of a file, of the users of this machine, or of people who are made up (null). */
export type UsersChoice = { readonly file: string } | 'enrolled' | null;

export type PolicyStudyChoice =
  | {
      readonly name: 'policy lint';
      readonly file: string | null;
      readonly users: UsersChoice;
      readonly pinIsBound: boolean;
    }
  | {
      readonly name: 'policy explain';
      readonly file: string | null;
      readonly trace: string | null;
      readonly atSeconds: number | null;
      readonly context: ContextName;
      readonly pinIsBound: boolean;
    }
  | {
      readonly name: 'policy simulate';
      readonly file: string | null;
      readonly trace: string;
      readonly context: ContextName;
      readonly untilSeconds: number | null;
      readonly output: string | null;
      readonly pinIsBound: boolean;
    }
  | {
      readonly name: 'policy risk';
      readonly file: string | null;
      readonly users: UsersChoice;
      readonly pinIsBound: boolean;
    }
  | {
      readonly name: 'policy diff';
      readonly a: string;
      readonly b: string | null;
      readonly exitCode: boolean;
      readonly pinIsBound: boolean;
    };

/** What the program's own file knows how to do. */
export interface Registering {
  readonly add: (parent: Command, name: string, description: string) => Command;
  readonly examples: (command: Command, ...lines: readonly string[]) => Command;
  readonly choose: (choice: PolicyStudyChoice & { readonly common: CommonOptions }) => void;
}

interface Values extends CommonOptions {
  readonly withoutLockout?: true;
  readonly users?: string;
  readonly enrolled?: true;
  readonly context: ContextName;
  readonly trace: string;
  readonly at?: number;
  readonly until?: number;
  readonly output?: string;
  readonly exitCode?: true;
}

const FILE = ['[file]', 'a policy in any form; - for standard input; left out: the policy of this machine'] as const;
const USERS = ['--users <file>', 'what users have enrolled, as JSON; left out: people are made up'] as const;
const ENROLLED = () =>
  new Option('--enrolled', 'hold it against what the users of this machine have enrolled, as root').conflicts('users');
const PIN = ['--without-lockout', 'as on a machine whose TPM does not limit tries at the PIN'] as const;
const contextOption = () =>
  new Option('--context <name>', 'which part of the policy').choices(CONTEXT_NAMES).default('unlock');

/** Adds the commands to `policy`. */
export function addPolicyStudy(policy: Command, { add, examples, choose }: Registering): void {
  const pinIsBound = (o: Values) => o.withoutLockout !== true;
  const usersOf = (o: Values): UsersChoice =>
    o.enrolled === true ? 'enrolled' : o.users === undefined ? null : { file: o.users };

  const lint = add(policy, 'lint', 'errors and risks of a policy; fails when there are errors')
    .argument(...FILE)
    .option(...USERS)
    .addOption(ENROLLED())
    .option(...PIN);
  lint.action((file: string | undefined, o: Values) =>
    choose({ name: 'policy lint', common: o, file: file ?? null, users: usersOf(o), pinIsBound: pinIsBound(o) }),
  );
  examples(lint, 'unlockctl policy lint policy.toml', 'unlockctl policy lint policy.toml --users users.json --json');

  const explain = add(policy, 'explain', 'the verdict with all its reasons: of this machine now, or of a trace')
    .argument(...FILE)
    .option('--trace <file>', 'signals as `events --record` writes them; - for standard input')
    .addOption(
      new Option('--at <seconds>', 'of the trace, since its beginning; left out: its end').argParser(parseSeconds),
    )
    .addOption(contextOption())
    .option(...PIN);
  explain.action((file: string | undefined, o: Values) =>
    choose({
      name: 'policy explain',
      common: o,
      file: file ?? null,
      trace: o.trace ?? null,
      atSeconds: o.at ?? null,
      context: o.context,
      pinIsBound: pinIsBound(o),
    }),
  );
  examples(explain, 'unlockctl policy explain', 'unlockctl policy explain policy.toml --trace monday.jsonl --at 12.5');

  const simulate = add(policy, 'simulate', 'a policy against a trace of signals: its verdicts over time')
    .argument(...FILE)
    .requiredOption('--trace <file>', 'signals as `events --record` writes them; - for standard input')
    .addOption(contextOption())
    .addOption(new Option('--until <seconds>', 'up to when, since the beginning of the trace').argParser(parseSeconds))
    .option('-o, --output <file>', 'write a page of HTML with a picture to it')
    .option(...PIN);
  simulate.action((file: string | undefined, o: Values) =>
    choose({
      name: 'policy simulate',
      common: o,
      file: file ?? null,
      trace: o.trace,
      context: o.context,
      untilSeconds: o.until ?? null,
      output: o.output ?? null,
      pinIsBound: pinIsBound(o),
    }),
  );
  examples(simulate, 'unlockctl policy simulate policy.toml --trace monday.jsonl -o monday.html');

  const risk = add(policy, 'risk', 'who needs the recovery sheet when a server, a network, a phone or a key goes')
    .argument(...FILE)
    .option(...USERS)
    .addOption(ENROLLED())
    .option(...PIN);
  risk.action((file: string | undefined, o: Values) =>
    choose({ name: 'policy risk', common: o, file: file ?? null, users: usersOf(o), pinIsBound: pinIsBound(o) }),
  );
  examples(
    risk,
    'unlockctl policy risk policy.toml --users users.json',
    'sudo unlockctl policy risk policy.toml --enrolled',
  );

  const diff = add(policy, 'diff', 'which situations change their verdict between two policies')
    .argument('<a>', 'a policy in any form; - for standard input')
    .argument('[b]', 'another one; left out: a is compared with the policy of this machine, which comes first')
    .option('--exit-code', 'fail when there is a difference, or when not everything could be compared')
    .option(...PIN);
  diff.action((a: string, b: string | undefined, o: Values) =>
    choose({
      name: 'policy diff',
      common: o,
      a,
      b: b ?? null,
      exitCode: o.exitCode === true,
      pinIsBound: pinIsBound(o),
    }),
  );
  examples(diff, 'unlockctl policy diff old.toml new.toml', 'unlockctl policy diff new.toml --json');
}
