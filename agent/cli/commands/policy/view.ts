/** `policy set` and `policy show`: what the policy of this machine is and means. */
import { isUnlockdError } from '../../../../drivers/base/errors.ts';
import { DaemonRefusal } from '../../../api/daemon-refusal.ts';
import type { PolicyView } from '../../../api/ports.ts';
import { checkedDocument, formatDocument } from '../../../policy/forms/native-json.ts';
import type { ReadPolicy } from '../../../policy/forms/policy-file.ts';
import { formatToml } from '../../../policy/forms/write-toml.ts';
import { contextsOf, type PolicyDocument } from '../../../policy/model.ts';
import { type WeakerContext, weakerContexts, weakerWords } from '../../../policy/study/weaker.ts';
import { requirementWords } from '../../../policy/words.ts';
import type { Context } from '../../context.ts';
import { noteLines, readPolicy } from './files.ts';

const policyWords = (view: PolicyView): readonly string[] => [
  view.words,
  ...view.branches.map(({ words, strength }) => `  ${words} (${strength})`),
  ...(view.signed === null ? [] : [`the document is signed: version ${view.signed.version}, key ${view.signed.key}`]),
  view.authority === 'managed'
    ? 'an outside signer approves it for each container'
    : 'the TPM of this machine approves it for each container',
  ...(view.pending.length === 0 ? [] : [`still under an older policy: ${view.pending.join(', ')}`]),
  ...view.warnings.map((warning) => `warning: ${warning}`),
];

/** Contexts with a policy of their own, besides the one for unlocking. */
export const contextWords = (document: PolicyDocument): readonly string[] =>
  contextsOf(document).flatMap((name) => {
    const policy = document.contexts[name];
    return name === 'unlock' || policy === undefined ? [] : [`  for ${name}: ${requirementWords(policy.require)}`];
  });

export async function policyShowCommand(context: Context, toml: boolean): Promise<void> {
  const view = await context.client.policy({ signal: context.deps.interrupted });
  const text = toml ? formatToml(checkedDocument(view.document)) : null;
  context.output.result({ ...view, ...(text === null ? {} : { toml: text }) }, () => [
    ...policyWords(view),
    ...(text === null ? [] : ['', ...text.trimEnd().split('\n')]),
  ]);
}

/** What a document gives up against the one that is set now; empty: nothing, or that one cannot be had. */
async function givenUp(context: Context, document: PolicyDocument): Promise<readonly WeakerContext[]> {
  try {
    const now = await context.client.policy({ signal: context.deps.interrupted });
    // The daemon says, once it is set, whether its TPM protects the PIN.
    return weakerContexts(checkedDocument(now.document), document, { pinIsBound: true });
  } catch (error) {
    // One that is damaged is about to be replaced; who cannot reach the daemon is told by the next request.
    if (isUnlockdError(error) || error instanceof DaemonRefusal) return [];
    throw error;
  }
}

/** Before anything is sent: whoever sees it can still bring the older policy back with nothing lost. */
function tellGivenUp({ output }: Context, weaker: readonly WeakerContext[]): void {
  for (const each of weaker)
    for (const words of weakerWords(each))
      output.note(`warning: ${words}`, { type: 'weaker', context: each.context, dropped: each.dropped, words });
}

/** Sends a policy that was read to the daemon, and prints what it makes of it. */
export async function setReadPolicy(context: Context, read: ReadPolicy): Promise<void> {
  tellGivenUp(context, await givenUp(context, read.document));
  const document = read.json ?? formatDocument(read.document);
  const view = await context.client.setPolicy(document, { signal: context.deps.interrupted });
  const { form, notes } = read;
  context.output.result({ ...view, form, notes }, () => [
    'The policy is set. Each container that can follow does so at its next unlock, which asks for what the new policy',
    'wants as well. Where that cannot be had the old policy still opens, and stays in force until an unlock has it.',
    ...(form === 'JSON' ? [] : noteLines(read)),
    ...policyWords(view),
    ...contextWords(read.document),
  ]);
}

/** @param check true: nothing is set, and the daemon has to answer */
export async function policySetCommand(context: Context, path: string, check: boolean): Promise<void> {
  const read = readPolicy([path]);
  if (!check) return await setReadPolicy(context, read);
  const { document } = await context.client.policy({ signal: context.deps.interrupted });
  const weaker = weakerContexts(checkedDocument(document), read.document, { pinIsBound: true });
  const { form, notes } = read;
  context.output.result({ set: false, form, notes, weaker }, () => [
    ...noteLines(read),
    ...weaker.flatMap(weakerWords).map((words) => `warning: ${words}`),
    ...(weaker.length === 0 ? ['No context is dropped or weaker than now.'] : []),
    'Nothing was set.',
  ]);
}
