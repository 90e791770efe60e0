/**
 * `policy export`: a policy in another form. For Windows it is whole or refused, with every reason as a line of its own;
 * where Windows reads the same words more loosely, a note says so.
 */
import { UnlockdError } from '../../../../drivers/base/errors.ts';
import type { ConversionNote } from '../../../policy/forms/conversion-notes.ts';
import { checkedDocument } from '../../../policy/forms/native-json.ts';
import { toWindows } from '../../../policy/forms/to-windows.ts';
import { writeReg } from '../../../policy/forms/windows/reg-write.ts';
import { writeOmaSettings, writeWindowsStrings } from '../../../policy/forms/windows/write.ts';
import { formatToml } from '../../../policy/forms/write-toml.ts';
import type { PolicyDocument } from '../../../policy/model.ts';
import type { Context } from '../../context.ts';
import { writeBytes } from '../../file-io.ts';
import { readPolicy } from './files.ts';
import type { PolicyFormsChoice } from './forms-options.ts';

type ExportChoice = Extract<PolicyFormsChoice, { name: 'policy export' }>;

interface Exported {
  readonly content: string | Uint8Array;
  readonly notes: readonly ConversionNote[];
}

function exported(document: PolicyDocument, { format, tenant }: ExportChoice, tenantOfFile: string | null): Exported {
  if (format === 'toml') return { content: formatToml(document), notes: [] };
  if (format === 'json') return { content: `${JSON.stringify(document, null, 2)}\n`, notes: [] };
  const { policy, notes } = toWindows(document);
  if (format === 'reg') return { content: writeReg(policy), notes };
  if (format === 'strings') return { content: `${JSON.stringify(writeWindowsStrings(policy), null, 2)}\n`, notes };
  const tenantId = tenant ?? tenantOfFile;
  return { content: writeOmaSettings(policy, tenantId === null ? {} : { tenantId }), notes };
}

export async function policyExportCommand(context: Context, choice: ExportChoice): Promise<void> {
  if (choice.format === 'reg' && choice.output === null) {
    throw new UnlockdError('ERR_CLI_USAGE', 'a .reg file is UTF-16 and no text for a terminal: name it with --output');
  }
  const read = choice.file === null ? null : readPolicy([choice.file]);
  const document =
    read?.document ?? checkedDocument((await context.client.policy({ signal: context.deps.interrupted })).document);
  const { content, notes } = exported(document, choice, read?.tenantId ?? null);
  const { output: path, format } = choice;
  if (path !== null) writeBytes(path, content);
  const lines = notes.map(({ where, words }) => `note: ${where}: ${words}`);
  if (!context.output.json) for (const line of lines) context.deps.stderr.write(`${line}\n`);
  context.output.result({ format, notes, ...(path === null ? { content } : { file: path }) }, () =>
    path === null ? String(content).trimEnd().split('\n') : [`The policy is in ${path}.`],
  );
}
