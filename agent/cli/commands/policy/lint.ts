/** `policy lint`: what is wrong or dangerous in a policy. Errors make it fail, risks and notes do not. */
import { lint, lintWords } from '../../../policy/study/lint.ts';
import type { Context } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { documentOf, populationOf } from './study-files.ts';
import type { PolicyStudyChoice } from './study-options.ts';

type LintChoice = Extract<PolicyStudyChoice, { name: 'policy lint' }>;

export async function policyLintCommand(context: Context, choice: LintChoice): Promise<ExitCode> {
  const population = await populationOf(context, choice.users, choice.pinIsBound);
  const report = lint(await documentOf(context, choice.file), population);
  context.output.result({ ...report }, () => lintWords(report));
  return report.findings.some(({ severity }) => severity === 'error') ? EXIT.failure : EXIT.ok;
}
