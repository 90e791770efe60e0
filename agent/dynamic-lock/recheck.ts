/**
 * A phone that a probe found weak is probed again soon, not only in its turn: what has left is known within seconds, and
 * the radio of one that stays is woken no more often than it has to be.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import { later } from './phones.ts';
import type { DynamicLockState, PhoneTrack } from './state.ts';

/** After the sample that was weak. */
const RECHECK_AFTER_SECONDS = 3;

/** When one phone is to be probed out of its turn; null: it is not, or that was asked for already. */
function recheckOf({ asked }: DynamicLockState, { phone, proximity }: PhoneTrack): MonotonicMs | null {
  const { judged, weak, sampledAt } = proximity;
  if (judged !== 'near' || weak === 0 || sampledAt === null) return null;
  const before = asked.get(phone.address);
  return before === undefined || before <= sampledAt ? later(sampledAt, RECHECK_AFTER_SECONDS) : null;
}

/** When the next one is due; null: none is. */
export function nextRecheck(state: DynamicLockState): MonotonicMs | null {
  let next: MonotonicMs | null = null;
  for (const track of state.phones.values()) {
    const due = recheckOf(state, track);
    if (due !== null && (next === null || due < next)) next = due;
  }
  return next;
}

/** The phones that are due. */
export const dueRechecks = (state: DynamicLockState): readonly string[] =>
  [...state.phones.values()].flatMap((track) => {
    const due = recheckOf(state, track);
    return due !== null && due <= state.now ? [track.phone.address] : [];
  });
