/** `policy simulate`: a policy against a trace, in words, as JSON, or as a page with a picture. */
import { basename } from 'node:path';
import { monotonicMs } from '../../../../drivers/base/brand.ts';
import { policyFor } from '../../../policy/model.ts';
import { simulate, timelineWords } from '../../../policy/study/timeline.ts';
import { timelinePage } from '../../../policy/study/timeline-page.ts';
import { spanOf } from '../../../policy/study/trace.ts';
import { requirementWords } from '../../../policy/words.ts';
import type { Context } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { writeBytes } from '../../file-io.ts';
import { documentOf, nameOf, traceOf } from './study-files.ts';
import type { PolicyStudyChoice } from './study-options.ts';

type SimulateChoice = Extract<PolicyStudyChoice, { name: 'policy simulate' }>;

export async function policySimulateCommand(context: Context, choice: SimulateChoice): Promise<ExitCode> {
  const { file, trace: path, untilSeconds, output, pinIsBound } = choice;
  const trace = traceOf(path);
  const policy = policyFor(await documentOf(context, file), choice.context);
  const until = untilSeconds === null ? null : monotonicMs(spanOf(trace).start + untilSeconds * 1000);
  const timeline = simulate(policy, trace, { pinIsBound, until });
  const words = requirementWords(policy.require);
  if (output !== null) {
    const about = { context: choice.context, policy: words, trace: path === '-' ? nameOf(path) : basename(path) };
    writeBytes(output, timelinePage(timeline, about));
  }
  context.output.result(
    { context: choice.context, words, ...timeline, ...(output === null ? {} : { file: output }) },
    () => [
      `${choice.context}: ${words}`,
      ...timelineWords(timeline),
      ...(output === null ? [] : [`The picture is in ${output}.`]),
    ],
  );
  return EXIT.ok;
}
