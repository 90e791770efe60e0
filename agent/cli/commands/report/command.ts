/** `report diff` and `report verify`: about files of runs, without a daemon and without a device. */
import { isUnlockdError, UnlockdError } from '../../../../drivers/base/errors.ts';
import { diffReports, type ReportDifference } from '../../../report/diff.ts';
import { readEvidence } from '../../../report/read.ts';
import type { Evidence } from '../../../report/schema.ts';
import { verifyReport } from '../../../report/verify.ts';
import type { Context } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { readBytes } from '../../file-io.ts';
import type { ReportChoice } from './options.ts';

interface ReportFile {
  readonly text: string;
  readonly evidence: Evidence;
}

/** @throws {ERR_CLI_FILE}; {ERR_REPORT_INVALID} with the file in the message */
function read(path: string): ReportFile {
  const bytes = readBytes(path);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, evidence: readEvidence(text) };
  } catch (cause) {
    if (cause instanceof UnlockdError && !isUnlockdError(cause, 'ERR_REPORT_INVALID')) throw cause;
    const message = cause instanceof UnlockdError ? cause.message : 'this is not text in UTF-8';
    const name = path === '-' ? 'standard input' : path;
    throw new UnlockdError('ERR_REPORT_INVALID', `${name}: ${message}`, { detail: { path }, cause });
  }
}

const runWords = ({ walkthrough, lane, started }: Evidence): string =>
  `${walkthrough.name}, lane ${lane.name}, ${started.slice(0, 19).replace('T', ' ')} UTC`;

const differenceLines = ({ part, where, a, b }: ReportDifference): readonly string[] => [
  part === 'step' || part === 'device' ? where : `${where}: ${part}`,
  `  A: ${a ?? 'none'}`,
  `  B: ${b ?? 'none'}`,
];

function diffCommand({ output }: Context, choice: Extract<ReportChoice, { name: 'report diff' }>): ExitCode {
  const [a, b] = [read(choice.a).evidence, read(choice.b).evidence];
  const differences = diffReports(a, b);
  output.result({ differences }, () => [
    `A: ${runWords(a)}`,
    `B: ${runWords(b)}`,
    ...(differences.length === 0 ? ['They came to the same.'] : differences.flatMap(differenceLines)),
  ]);
  return choice.exitCode && differences.length > 0 ? EXIT.failure : EXIT.ok;
}

const PAGE_WORDS = {
  shown: ['The page shows what its evidence says.'],
  altered: [],
  'not compared': ['The page was made by another version: what it shows was not compared with its evidence.'],
} as const;

function verifyCommand({ output }: Context, choice: Extract<ReportChoice, { name: 'report verify' }>): ExitCode {
  const { text, evidence } = read(choice.file);
  const check = verifyReport(text, evidence, choice.head);
  const { head, entries, page, faults } = check;
  output.result({ ...check }, () => [
    runWords(evidence),
    ...(faults.length === 0 ? [`The chain of its ${entries} entries is whole.`] : faults.map((fault) => `✗ ${fault}`)),
    ...(page === null ? [] : PAGE_WORDS[page]),
    `last hash: ${head}`,
  ]);
  return faults.length === 0 ? EXIT.ok : EXIT.failure;
}

/** @returns the exit code: 1 where `verify` finds a fault, or `diff --exit-code` a difference */
export function reportCommand(context: Context, choice: ReportChoice): ExitCode {
  return choice.name === 'report diff' ? diffCommand(context, choice) : verifyCommand(context, choice);
}
