/** The reference pages about traces and about what `policy lint` finds, generated from the code. */
import { LINT_CODES, type LintCode, severityOf } from './lint/finding.ts';
import { TRACE_EXAMPLE } from './trace-example.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** docs/reference/lint.md */
export function lintPage(): string {
  const codes = Object.keys(LINT_CODES) as LintCode[];
  const order = ['error', 'risk', 'note'];
  const sorted = codes.toSorted((a, b) => order.indexOf(severityOf(a)) - order.indexOf(severityOf(b)));
  return [
    '# What `policy lint` finds',
    '',
    'Generated from `agent/policy/study/lint/finding.ts`; do not edit. Each finding names the element of the document. Errors cannot be',
    'meant and make the command fail with 1; risks are to be known and perhaps accepted; notes are harmless. With or without findings',
    'it says of every context what the weakest way in takes.',
    '',
    '| code | severity | meaning |',
    '|---|---|---|',
    ...sorted.map((code) => `| \`${code}\` | ${severityOf(code)} | ${cell(LINT_CODES[code])} |`),
    '',
  ].join('\n');
}

/** docs/reference/trace.md */
export function tracePage(): string {
  return [
    '# Traces of signals',
    '',
    'Generated from `agent/policy/study/`; do not edit. A trace is what drivers told over some time: UTF-8, one JSON object a line, each as',
    '[trace.schema.json](trace.schema.json) says. `unlockctl events --record FILE` writes one, `policy simulate` and `policy explain` read',
    'them; whoever wants to know what a policy would do can write one by hand.',
    '',
    '- The **first line** names the format and the clock. `monotonicMs` is an instant of the monotonic clock that all times of the file are on,',
    '  `wall` and `localTime` are the same instant in civil time and on the clock of the place; without `localTime` no time window opens. `user` is',
    '  the numeric id of whoever unlocks. Changes of the civil clock within a trace are not in it.',
    '- **Every other line** is a signal, or `{"lost": kind, "at": ms}`. A signal takes the place of the earlier one of its kind at `observedAt` and',
    '  counts until `observedAt + validFor`, or less where the policy says so. Lines need not be in order.',
    '- Unknown elements are errors, with the number of the line. At most 50 000 lines and 32 MiB.',
    '',
    'A recording holds addresses, names and the uids of phones: it is written for its owner alone.',
    '',
    '```json',
    TRACE_EXAMPLE.trimEnd(),
    '```',
    '',
  ].join('\n');
}
