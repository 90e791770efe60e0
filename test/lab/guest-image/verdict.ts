/**
 * What one run of the guest is worth. A test program in a machine that can panic, hang or be switched off must never
 * pass by accident: the status counts only when the guest wrote it into its file together with this run's nonce, and the
 * debug port said the same. QEMU ends with `value << 1 | 1` for a value that is written there, so seven bits arrive.
 */

export interface RunOutcome {
  /** Of QEMU; null: ended by a signal. */
  readonly qemuStatus: number | null;
  readonly timedOut: boolean;
  /** Content of the guest's status file, `STATUS NONCE`; null: not there. */
  readonly statusFile: string | null;
  readonly nonce: string;
}

export type Verdict =
  | { readonly type: 'ended'; readonly status: number }
  /** The guest itself failed: says nothing about what was to be tested. */
  | { readonly type: 'lab-failed'; readonly why: string };

const failed = (why: string): Verdict => ({ type: 'lab-failed', why });

export function verdictOf(outcome: RunOutcome): Verdict {
  const { qemuStatus, timedOut, statusFile, nonce } = outcome;
  if (timedOut) return failed('the guest did not end in time');
  if (qemuStatus === null) return failed('QEMU was ended by a signal');
  const match = /^(\d{1,3}) (\w+)\n$/.exec(statusFile ?? '');
  if (match === null) return failed(`the guest left no status (QEMU ended with ${qemuStatus})`);
  if (match[2] !== nonce) return failed('the status is one of another run');
  const status = Number(match[1]);
  if (status > 255) return failed(`the status ${status} is none`);
  if (qemuStatus % 2 === 0) return failed(`QEMU ended with ${qemuStatus}, not through the debug port`);
  if (qemuStatus >> 1 !== (status & 127)) return failed(`the guest says ${status}, its debug port ${qemuStatus >> 1}`);
  return { type: 'ended', status };
}

/** One line of the guest's report: one case of its scenario. */
export interface CaseResult {
  readonly name: string;
  readonly ok: boolean;
  /** Milliseconds on the guest's clock. */
  readonly took: number;
  readonly detail: string;
}

/** Reads the guest's report; a line that is no case counts as a case that failed. */
export function readReport(text: string): readonly CaseResult[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    try {
      const { name, ok, took, detail } = JSON.parse(line) as Record<string, unknown>;
      if (typeof name === 'string' && typeof ok === 'boolean' && typeof took === 'number' && typeof detail === 'string')
        return { name, ok, took, detail };
    } catch {
      // Falls through: the guest died while it wrote.
    }
    return { name: 'a line of the report', ok: false, took: 0, detail: line.slice(0, 200) };
  });
}

/**
 * Why a run is no pass; empty: it is one. Every expected case has to be there, once and passed, and the program must
 * have ended with 0.
 */
export function objections(verdict: Verdict, expected: readonly string[], report: readonly CaseResult[]): string[] {
  const found: string[] = [];
  if (verdict.type === 'lab-failed') found.push(`the guest failed: ${verdict.why}`);
  else if (verdict.status !== 0) found.push(`the test program ended with ${verdict.status}`);
  if (expected.length === 0) found.push('no case was expected');
  for (const name of expected) {
    const times = report.filter((line) => line.name === name).length;
    if (times !== 1) found.push(`case "${name}" ran ${times} times`);
  }
  for (const { name, ok, detail } of report) if (!ok) found.push(`case "${name}" failed: ${detail}`);
  return found;
}
