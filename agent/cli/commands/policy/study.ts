/** From a choice among the looking commands to the command that does it. @returns the exit code */
import type { Context } from '../../context.ts';
import type { ExitCode } from '../../exit-codes.ts';
import type { PolicyStudyChoice } from './study-options.ts';

export async function policyStudyCommand(context: Context, choice: PolicyStudyChoice): Promise<ExitCode> {
  switch (choice.name) {
    case 'policy lint':
      return (await import('./lint.ts')).policyLintCommand(context, choice);
    case 'policy explain':
      return (await import('./explain.ts')).policyExplainCommand(context, choice);
    case 'policy simulate':
      return (await import('./simulate.ts')).policySimulateCommand(context, choice);
    case 'policy risk':
      return (await import('./risk.ts')).policyRiskCommand(context, choice);
    case 'policy diff':
      return (await import('./diff.ts')).policyDiffCommand(context, choice);
  }
}
