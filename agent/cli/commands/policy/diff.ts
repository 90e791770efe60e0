/** `policy diff`: which situations change their verdict between two policies, in every context, and what else changes. */
import type { PolicyDocument } from '../../../policy/model.ts';
import { diffDocuments } from '../../../policy/study/diff.ts';
import { diffWords } from '../../../policy/study/diff-words.ts';
import { changedSettings } from '../../../policy/study/settings-diff.ts';
import type { Context } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { documentOf } from './study-files.ts';
import type { PolicyStudyChoice } from './study-options.ts';

type DiffChoice = Extract<PolicyStudyChoice, { name: 'policy diff' }>;

/** In the order of the line: the machine's own policy stands before what is to come. */
async function both(context: Context, { a, b }: DiffChoice): Promise<readonly [PolicyDocument, PolicyDocument]> {
  if (b === null) return [await documentOf(context, null), await documentOf(context, a)];
  return [await documentOf(context, a), await documentOf(context, b)];
}

export async function policyDiffCommand(context: Context, choice: DiffChoice): Promise<ExitCode> {
  const [a, b] = await both(context, choice);
  const contexts = diffDocuments(a, b, { pinIsBound: choice.pinIsBound });
  const settings = changedSettings(a, b);
  context.output.result({ contexts, settings }, () => diffWords(contexts, settings));
  const same = contexts.every(({ differences, complete }) => differences.length === 0 && complete);
  return choice.exitCode && !(same && settings.length === 0) ? EXIT.failure : EXIT.ok;
}
