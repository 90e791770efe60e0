/** The options of the `walkthrough` commands. Only what the parser needs; what they do is loaded when it is done. */
import type { Command } from 'commander';
import type { CommonOptions } from '../../context.ts';

export type WalkthroughChoice =
  | { readonly name: 'walkthrough check'; readonly files: readonly string[] }
  | { readonly name: 'walkthrough list' }
  | { readonly name: 'walkthrough new'; readonly output: string | null };

interface Registering {
  readonly add: (parent: Command, name: string, description: string) => Command;
  readonly examples: (command: Command, ...lines: readonly string[]) => Command;
  readonly choose: (choice: WalkthroughChoice & { readonly common: CommonOptions }) => void;
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
