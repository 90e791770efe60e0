/** What dynamic lock does for a person at this moment, for `status`, and why it locked, for the audit log. */
import { absenceOf, sessionsOf } from './people.ts';
import type { DynamicLockState, LockReason, PhoneTrack } from './state.ts';

/** Facts for the audit log. */
export type AuditFacts = Readonly<Record<string, string | number | boolean | null>>;

export interface DynamicLockStatus {
  readonly state: 'off' | 'cannot' | 'never-seen' | 'near' | 'away' | 'locked';
  /** A sentence without a full stop. */
  readonly text: string;
}

/** What the machine itself lacks. */
export interface Means {
  /** Name of the presence driver; null: there is none. */
  readonly driver: string | null;
  readonly simulated: boolean;
  /** Whether the sessions can be read. */
  readonly sessions: boolean;
}

const named = ({ phone }: Pick<PhoneTrack, 'phone'>): string => phone.name ?? phone.address;

const OUTAGES = {
  'radio-off': 'the radio is off',
  'daemon-gone': 'the Bluetooth daemon is not running',
  'no-permission': 'the driver may not use Bluetooth',
  'no-driver': 'nothing here looks for phones (`signals.bluetooth`)',
  failed: 'the Bluetooth driver failed',
} as const;

export function statusOf(state: DynamicLockState, uid: number, means: Means): DynamicLockStatus {
  const { policy, outage } = state;
  if (policy === null) return { state: 'off', text: 'off' };
  if (means.driver === null) return { state: 'cannot', text: `never locks: ${OUTAGES['no-driver']}` };
  if (!means.sessions) return { state: 'cannot', text: 'never locks: the sessions of this machine cannot be read' };
  const absence = absenceOf(state, uid, policy);
  const simulated = means.simulated ? ' (simulated)' : '';
  const blind = outage === null ? '' : `; ${OUTAGES[outage.reason]}`;
  if (absence.presence === 'never-seen') {
    return { state: 'never-seen', text: `does not lock: no phone of yours has been near yet${blind}${simulated}` };
  }
  if (absence.presence === 'near') return { state: 'near', text: `your phone is near${blind}${simulated}` };
  if (state.locked.has(uid)) {
    return { state: 'locked', text: `has locked: ${named(absence.last)} has gone${blind}${simulated}` };
  }
  const sits = sessionsOf(state, uid).length > 0;
  const when = sits ? `locks after ${policy.idleSeconds} s without input` : 'you have no session at this machine';
  return { state: 'away', text: `${named(absence.last)} has gone; ${when}${blind}${simulated}` };
}

const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value * 10) / 10);

/** Which phone, which threshold, how long gone, how long idle. */
export const reasonFacts = (reason: LockReason): AuditFacts => ({
  phone: reason.phone.address,
  why: reason.reason,
  strengthDb: rounded(reason.strength),
  thresholdDb: rounded(reason.threshold),
  goneSeconds: reason.goneSeconds,
  idleSeconds: reason.idleSeconds,
});
