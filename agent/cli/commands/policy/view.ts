/** `policy set` and `policy show`: what the policy of this machine is and means. */
import type { PolicyView } from '../../../api/ports.ts';
import { checkedDocument, formatDocument } from '../../../policy/forms/native-json.ts';
import type { ReadPolicy } from '../../../policy/forms/policy-file.ts';
import { formatToml } from '../../../policy/forms/write-toml.ts';
import { contextsOf, type PolicyDocument } from '../../../policy/model.ts';
import { requirementWords } from '../../../policy/words.ts';
import type { Context } from '../../context.ts';
import { noteLines, readPolicy } from './files.ts';

const policyWords = (view: PolicyView): readonly string[] => [
  view.words,
  ...view.branches.map(({ words, strength }) => `  ${words} (${strength})`),
  view.authority === 'managed' ? 'signed by an outside signer' : 'signed by this machine',
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

/** Sends a policy that was read to the daemon, and prints what it makes of it. */
export async function setReadPolicy(context: Context, read: ReadPolicy): Promise<void> {
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

export async function policySetCommand(context: Context, path: string): Promise<void> {
  await setReadPolicy(context, readPolicy([path]));
}
