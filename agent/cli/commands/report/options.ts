/** The options of the `report` commands. Only what the parser needs; what they do is loaded when it is done. */
import { type Command, Option } from 'commander';
import type { CommonOptions } from '../../context.ts';
import { parseHash } from '../../values.ts';

export type ReportChoice =
  | { readonly name: 'report diff'; readonly a: string; readonly b: string; readonly exitCode: boolean }
  | { readonly name: 'report verify'; readonly file: string; readonly head: string | null };

interface Registering {
  readonly add: (parent: Command, name: string, description: string) => Command;
  readonly examples: (command: Command, ...lines: readonly string[]) => Command;
  readonly choose: (choice: ReportChoice & { readonly common: CommonOptions }) => void;
}

/** Adds the commands to the program. */
export function addReport(program: Command, { add, examples, choose }: Registering): void {
  const report = program.command('report').description('reports of walkthroughs that were run');
  const diff = add(report, 'diff', 'what came out otherwise in another run: steps, verdicts, reasons, devices')
    .argument('<a>', 'a report; - for standard input')
    .argument('<b>', 'the other one')
    .option('--exit-code', 'end with 1 when there is a difference');
  diff.action((a: string, b: string, o: CommonOptions & { exitCode?: true }) =>
    choose({ name: 'report diff', common: o, a, b, exitCode: o.exitCode === true }),
  );
  examples(diff, 'unlockctl report diff mock.html hardware.html', 'unlockctl report diff a.html b.html --exit-code');

  const verify = add(report, 'verify', 'whether a report is what it was when the run ended')
    .argument('<file>', 'a report; - for standard input')
    .addOption(new Option('--head <hash>', 'the last hash of its log, as it was kept elsewhere').argParser(parseHash));
  verify.action((file: string, o: CommonOptions & { head?: string }) =>
    choose({ name: 'report verify', common: o, file, head: o.head ?? null }),
  );
  examples(verify, 'unlockctl report verify run.html');
}
