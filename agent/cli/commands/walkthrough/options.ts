/** The options of the `walkthrough` commands. Only what the parser needs; what they do is loaded when it is done. */
import { type Command, Option } from 'commander';
import { LANE_NAMES, type LaneName } from '../../../walkthrough/lane.ts';
import type { CommonOptions } from '../../context.ts';
import { addHardware, type HardwareChoice, type HardwareValues, hardwareChoice } from './hardware-choice.ts';

export interface RunChoice {
  readonly name: 'walkthrough run';
  readonly files: readonly string[];
  readonly lane: LaneName;
  readonly quiet: boolean;
  /** What is not on the lane counts as failed. */
  readonly strict: boolean;
  /** Files to be written; null: none. */
  readonly junit: string | null;
  readonly report: string | null;
  /** Where what goes over the seams is kept, or played from; null: neither. */
  readonly record: string | null;
  readonly replay: string | null;
  readonly hardware: HardwareChoice;
}

export type WalkthroughChoice =
  | RunChoice
  | { readonly name: 'walkthrough check'; readonly files: readonly string[] }
  | { readonly name: 'walkthrough list' }
  | { readonly name: 'walkthrough new'; readonly output: string | null };

interface Registering {
  readonly add: (parent: Command, name: string, description: string) => Command;
  readonly examples: (command: Command, ...lines: readonly string[]) => Command;
  readonly choose: (choice: WalkthroughChoice & { readonly common: CommonOptions }) => void;
}

interface RunOptions extends CommonOptions, HardwareValues {
  readonly lane: LaneName;
  readonly quiet?: true;
  readonly strict?: true;
  readonly junit?: string;
  readonly report?: string;
  readonly record?: string;
  readonly replay?: string;
}

function addRun(walkthrough: Command, { add, examples, choose }: Registering): void {
  const run = add(walkthrough, 'run', 'run walkthroughs, each on a machine of its own')
    .argument('<files...>', 'YAML or JSON; - for standard input; or the name of one that comes with it')
    .addOption(
      new Option('--lane <name>', 'what they run on: mocks, emulators, the virtual lab, this machine')
        .choices(LANE_NAMES)
        .default('mock'),
    )
    .option('--quiet', 'print nothing but what did not pass, and the count')
    .option('--strict', 'end with 1 also when a step is not on the lane')
    .option('--junit <file>', 'write the outcome as JUnit XML')
    .option('--report <file>', 'write the evidence as one HTML file; of several walkthroughs a file each')
    .option('--record <file>', 'keep what TPM and keys said, and beside it the seed of the run (mock lane)')
    .option('--replay <file>', 'run it on what was recorded, strictly; no TPM and no key is needed');
  addHardware(run);
  run.action((files: readonly string[], o: RunOptions) =>
    choose({
      name: 'walkthrough run',
      common: o,
      files,
      lane: o.lane,
      quiet: o.quiet === true,
      strict: o.strict === true,
      junit: o.junit ?? null,
      report: o.report ?? null,
      record: o.record ?? null,
      replay: o.replay ?? null,
      hardware: hardwareChoice(o),
    }),
  );
  examples(
    run,
    'unlockctl walkthrough run first-unlock',
    'sudo unlockctl walkthrough run mine.yaml --lane emulator --report mine.html',
    'sudo unlockctl walkthrough run first-unlock --lane hardware',
    'unlockctl walkthrough run mine.yaml --record mine.tape',
    'unlockctl walkthrough run mine.yaml --replay mine.tape',
    'unlockctl walkthrough run *.yaml --quiet --junit walkthroughs.xml',
  );
}

/** Adds the commands to the program. */
export function addWalkthrough(program: Command, { add, examples, choose }: Registering): void {
  const walkthrough = program.command('walkthrough').description('scripted walkthroughs of the hardware');
  const check = add(walkthrough, 'check', 'whether walkthroughs are valid, without running them').argument(
    '<files...>',
    'YAML or JSON; - for standard input',
  );
  check.action((files: readonly string[], o: CommonOptions) => choose({ name: 'walkthrough check', common: o, files }));
  examples(check, 'unlockctl walkthrough check first.yaml');

  addRun(walkthrough, { add, examples, choose });

  const list = add(walkthrough, 'list', 'the walkthroughs that come with it');
  list.action((o: CommonOptions) => choose({ name: 'walkthrough list', common: o }));
  examples(list, 'unlockctl walkthrough list');

  const create = add(walkthrough, 'new', 'print a commented starting file').option(
    '-o, --output <file>',
    'write it to a file that is not there yet',
  );
  create.action((o: CommonOptions & { output?: string }) =>
    choose({ name: 'walkthrough new', common: o, output: o.output ?? null }),
  );
  examples(create, 'unlockctl walkthrough new -o mine.yaml');
}
