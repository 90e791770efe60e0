/**
 * `policy explain`: the verdict with all its reasons. Without a trace it is the daemon's word on this machine now, before
 * anything is presented; with one it is worked out here, for any policy and any instant of it.
 */
import { monotonicMs } from '../../../../drivers/base/brand.ts';
import { UnlockdError } from '../../../../drivers/base/errors.ts';
import type { PolicyExplanation } from '../../../api/ports.ts';
import { evaluate } from '../../../policy/evaluate.ts';
import { explain } from '../../../policy/explain.ts';
import { type ContextName, policyFor } from '../../../policy/model.ts';
import { localTimeOf, snapshotAt, spanOf } from '../../../policy/study/trace.ts';
import { requirementWords } from '../../../policy/words.ts';
import type { Context } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { reasonTree } from '../../output.ts';
import { documentOf, traceOf } from './study-files.ts';
import type { PolicyStudyChoice } from './study-options.ts';

type ExplainChoice = Extract<PolicyStudyChoice, { name: 'policy explain' }>;

/** `your container for wallet`; a context without a policy of its own is told by the one that it has. */
function whose({ of, context }: PolicyExplanation, asked: ContextName): string {
  const policy = of === 'container' ? 'your container' : 'the policy of this machine';
  if (context !== asked) return `${policy}, as ${asked} has no policy of its own`;
  return context === 'unlock' ? policy : `${policy} for ${context}`;
}

async function live({ client, deps, output }: Context, context: ContextName): Promise<ExitCode> {
  const found = await client.explainPolicy({ context, signal: deps.interrupted });
  output.result({ ...found }, () => [`${whose(found, context)}: ${found.words}`, ...reasonTree(found.reasons)]);
  return EXIT.ok;
}

export async function policyExplainCommand(context: Context, choice: ExplainChoice): Promise<ExitCode> {
  const { file, trace: path, atSeconds, pinIsBound } = choice;
  if (path === null) {
    if (file === null && atSeconds === null) return live(context, choice.context);
    throw new UnlockdError('ERR_CLI_USAGE', 'a file or a time is explained with a --trace');
  }
  const trace = traceOf(path);
  const policy = policyFor(await documentOf(context, file), choice.context);
  const { start, end } = spanOf(trace);
  const now = atSeconds === null ? end : monotonicMs(start + atSeconds * 1000);
  const { user, machineSimulated } = trace.header;
  const localTime = localTimeOf(trace.header, now);
  const decision = evaluate(policy, snapshotAt(trace, now), now, { machineSimulated, pinIsBound, user, localTime });
  const words = requirementWords(policy.require);
  const lines = explain(decision);
  const { verdict, reasons, missing } = decision;
  context.output.result({ words, atMs: now, verdict, missing, reasons, lines }, () => [
    `${choice.context}: ${words}`,
    ...reasonTree(lines),
  ]);
  return EXIT.ok;
}
