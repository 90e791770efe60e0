/** The audit log as the service reads it for somebody: the events of one user, or all of them for root. */
import type { AuditLog } from '../audit/log.ts';
import type { AuditReader } from './service.ts';

export function auditReader(log: AuditLog): AuditReader {
  return async function* ({ uid, last, follow, signal }) {
    const only = uid === null ? () => true : (record: { uid: number | null }) => record.uid === uid;
    if (follow) yield* log.follow({ last, signal, only });
    else yield* await log.last(last, only);
  };
}
