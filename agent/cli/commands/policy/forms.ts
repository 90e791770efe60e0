/** From a choice among the policy commands of the forms to the command that does it. */
import type { Context } from '../../context.ts';
import type { PolicyFormsChoice } from './forms-options.ts';

export async function policyFormsCommand(context: Context, choice: PolicyFormsChoice): Promise<void> {
  switch (choice.name) {
    case 'policy show':
      return (await import('./view.ts')).policyShowCommand(context, choice.toml);
    case 'policy set':
      return (await import('./view.ts')).policySetCommand(context, choice.file, choice.check);
    case 'policy import':
      return (await import('./import.ts')).policyImportCommand(context, choice);
    case 'policy export':
      return (await import('./export.ts')).policyExportCommand(context, choice);
    case 'policy sign':
      return (await import('./sign.ts')).policySignCommand(context, choice);
  }
}
