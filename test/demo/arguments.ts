/** The arguments of the demo. What is wrong with them is one line, never a stack trace. */
import { parseArgs } from 'node:util';

const USAGE = 'usage: npm run demo [-- [--json] [--report FILE]]\n';

export interface Arguments {
  /** One JSON object on standard output and nothing else. */
  readonly json: boolean;
  /** Where the report goes; left out: a file in reports/. */
  readonly report?: string | undefined;
}

/** @returns the arguments, or what to print and the exit status */
export function readArguments(args: readonly string[]): Arguments | { readonly print: string; readonly status: 0 | 2 } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        report: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    return values.help ? { print: USAGE, status: 0 } : { json: values.json, report: values.report };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('. ')[0] ?? '') : '';
    return { print: `${why}\n${USAGE}`, status: 2 };
  }
}
