/** `unlockctl doctor`: prints what `agent/lifecycle/doctor.ts` finds, with what to do. Works without the daemon. */
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { DaemonRefusal } from '../../api/daemon-refusal.ts';
import { type DaemonFacts, type DoctorReport, examine } from '../../lifecycle/doctor.ts';
import type { Level } from '../../lifecycle/finding.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';

const MARKS: Readonly<Record<Level, string>> = { ok: '✓', info: '·', warning: '!', problem: '✗' };

/** Numbers with what they count, handles as the TPM tools write them, texts as they are. */
function valueWords(row: DoctorReport['config'][number]): { readonly value: string; readonly fallback: string } {
  const words = (text: string): string => {
    if (text === '') return 'empty';
    if (!/^\d+$/.test(text) || row.unit === null) return text;
    return row.unit === 'TPM handle' ? `0x${Number(text).toString(16)}` : `${text} ${row.unit}`;
  };
  return { value: words(row.value), fallback: words(row.default) };
}

export function doctorWords(report: DoctorReport): readonly string[] {
  const out: string[] = [];
  for (const { check, level, text, cure } of report.findings) {
    out.push(`${MARKS[level]} ${check}: ${text}`);
    if (cure !== null && level !== 'ok') out.push(`    what to do: ${cure}`);
  }
  if (report.config.length > 0) out.push('', `Configuration of ${report.configOf}:`);
  for (const row of report.config) {
    const { value, fallback } = valueWords(row);
    const origin = row.origin === 'default' ? 'default' : `from ${row.origin}; default ${fallback}`;
    out.push(`  ${row.key} = ${value}  (${origin})`);
  }
  out.push('', report.ok ? 'No problem found.' : 'There are problems.');
  return out;
}

/** Asks the daemon, and who serves its socket. Not running is a value; everything else is the client's error. */
export async function askDaemon(context: Context, signal: AbortSignal): Promise<DaemonFacts> {
  let uid = -1;
  const { createClient } = await import('../../api/client.ts');
  const client = createClient({
    socketPath: context.socketPath,
    check: {
      peerOf: async (socket) => {
        const peer = await context.deps.peerOf(socket);
        uid = peer?.uid ?? -1;
        return peer;
      },
      trusts: context.trusts,
    },
  });
  try {
    // Any checked call does: it is what tells the uid of the daemon.
    await client.policy({ signal }).catch((error: unknown) => {
      if (isUnlockdError(error)) throw error;
    });
    const status = await client.status({ signal });
    // It is root's to read; an older daemon does not know the question.
    const config = await client.configuration({ signal }).catch((error: unknown) => {
      if (error instanceof DaemonRefusal) return null;
      throw error;
    });
    const { version, tpm, dynamicLock = null } = status;
    return { running: true, uid, version, tpm, config, dynamicLock };
  } catch (error) {
    if (isUnlockdError(error, 'ERR_DAEMON_NOT_RUNNING')) return { running: false };
    throw error;
  }
}

/** @returns the exit code: 0 when nothing is a problem */
export async function doctorCommand(context: Context): Promise<number> {
  const probes = await context.deps.doctorProbes({ socketPath: context.socketPath });
  const report = await examine(
    { ...probes, daemon: (signal) => askDaemon(context, signal) },
    { signal: context.deps.interrupted },
  );
  context.output.result({ ...report }, () => doctorWords(report));
  return report.ok ? EXIT.ok : EXIT.failure;
}
