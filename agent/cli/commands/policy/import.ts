/** `policy import`: a Windows policy (or any other form) as a native document; needs the daemon only to set it. */

import { formatToml } from '../../../policy/forms/write-toml.ts';
import { requirementWords } from '../../../policy/words.ts';
import type { Context } from '../../context.ts';
import { writeBytes } from '../../file-io.ts';
import { noteLines, readPolicy } from './files.ts';
import type { PolicyFormsChoice } from './forms-options.ts';
import { contextWords, setReadPolicy } from './view.ts';

type ImportChoice = Extract<PolicyFormsChoice, { name: 'policy import' }>;

const inForm = (read: ReturnType<typeof readPolicy>, output: string | null): string =>
  output?.endsWith('.json') ? `${JSON.stringify(read.document, null, 2)}\n` : formatToml(read.document);

export async function policyImportCommand(context: Context, choice: ImportChoice): Promise<void> {
  const { output } = context;
  const read = readPolicy(choice.files, choice.format);
  const text = inForm(read, choice.output);
  if (choice.output !== null) writeBytes(choice.output, text);
  if (choice.set) return setReadPolicy(context, read);
  const { form, notes, document } = read;
  if (!output.json && choice.output === null) {
    // The document alone on standard output: it may go into a file.
    for (const line of noteLines(read)) context.deps.stderr.write(`${line}\n`);
  }
  output.result(
    { form, notes, document, ...(choice.output === null ? { toml: text } : { file: choice.output }) },
    () =>
      choice.output === null
        ? text.trimEnd().split('\n')
        : [
            ...noteLines(read),
            requirementWords(document.contexts.unlock.require),
            ...contextWords(document),
            `The document is in ${choice.output}.`,
          ],
  );
}
