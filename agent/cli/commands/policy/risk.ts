/** `policy risk`: who needs the recovery sheet when one thing goes. */
import { riskOf, riskWords, typicalUsers } from '../../../policy/study/risk.ts';
import type { Context } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { documentOf, populationOf } from './study-files.ts';
import type { PolicyStudyChoice } from './study-options.ts';

type RiskChoice = Extract<PolicyStudyChoice, { name: 'policy risk' }>;

export async function policyRiskCommand(context: Context, choice: RiskChoice): Promise<ExitCode> {
  const document = await documentOf(context, choice.file);
  const { users: known, pinIsBound } = await populationOf(context, choice.users, choice.pinIsBound);
  const users = known ?? typicalUsers(document, { pinIsBound });
  const report = riskOf(document, users, { pinIsBound });
  context.output.result({ users, ...report }, () => riskWords(report));
  return EXIT.ok;
}
