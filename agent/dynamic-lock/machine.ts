/**
 * Dynamic lock as a pure state machine: `(state, event) -> { state, effects }`. It locks when every phone of a person has
 * gone *and* that person is idle, once for each absence. It reads no clock, does nothing itself, answers every event, and
 * has no effect that opens anything. Windows: dynamic lock.
 */
import { type MonotonicMs, monotonicMs } from '../../drivers/base/brand.ts';
import { left, prolonged } from '../../drivers/bluetooth/proximity.ts';
import type { PresenceEvent, PresenceOutage, PresenceSample } from '../../drivers/hal/presence.ts';
import type { DynamicLockPolicy, OutageMeaning } from '../policy/dynamic-lock.ts';
import { absenceOf, idleSince, sessionsOf, sessionsSeen, usersOf } from './people.ts';
import { hinted, later, probed, unseen, waitedFor } from './phones.ts';
import { dueRechecks, nextRecheck } from './recheck.ts';
import type { DynamicLockEffect, DynamicLockEvent, DynamicLockState, Gone, PhoneTrack, Step } from './state.ts';

/** More phones than are ever bonded with one machine. */
const MAX_PHONES = 64;
/** Between two looks at the sessions, however much happens. */
const LOOK_EVERY_MS = 1000;

const BEFORE_ALL = monotonicMs(Number.NEGATIVE_INFINITY);

/** Off, and nothing known. */
export const initialState: DynamicLockState = {
  policy: null,
  now: BEFORE_ALL,
  phones: new Map(),
  outage: null,
  sessions: new Map(),
  readAt: BEFORE_ALL,
  locked: new Set(),
  refused: new Map(),
  countsAfter: BEFORE_ALL,
  asked: new Map(),
};

const still = (state: DynamicLockState): Step => ({ state, effects: [] });

/** Time goes forward only: a clock that jumps back, or says nonsense, stands still. */
export function step(before: DynamicLockState, event: DynamicLockEvent): Step {
  const forward = Math.abs(event.now) <= Number.MAX_SAFE_INTEGER && event.now > before.now;
  const now = forward ? event.now : before.now;
  const state = { ...before, now };
  if (event.type === 'policy') return still(withPolicy(state, event.policy));
  const { policy } = state;
  if (!Number.isFinite(now)) return still(state);
  if (policy === null) return still(outageNoted(state, event));
  switch (event.type) {
    case 'presence':
      return ofPresence(settled(state, policy), event.presence, policy);
    case 'sessions': {
      const read = settled({ ...state, sessions: sessionsSeen(state, event.sessions), readAt: now }, policy);
      return rechecked(locks(read, policy));
    }
    case 'sessions-unknown':
      return still(settled({ ...state, sessions: new Map() }, policy));
    case 'suspended':
      return still(forgotten(state));
    case 'lock-failed':
      return still(lockRefused(state, event.uid, policy));
    case 'tick':
      return rechecked(still(settled(state, policy)));
  }
}

function lockRefused(state: DynamicLockState, uid: number, policy: DynamicLockPolicy): DynamicLockState {
  if (!state.locked.has(uid)) return state;
  const locked = new Set(state.locked);
  locked.delete(uid);
  return { ...state, locked, refused: new Map(state.refused).set(uid, later(state.now, policy.sampleEverySeconds)) };
}

/** While it is off, only whether phones can be looked at at all is remembered. */
function outageNoted(state: DynamicLockState, event: DynamicLockEvent): DynamicLockState {
  if (event.type !== 'presence' || event.presence.type === 'sample') return state;
  const { presence } = event;
  return {
    ...state,
    outage: presence.type === 'available' ? null : { reason: presence.reason, since: state.now },
  };
}

function withPolicy(state: DynamicLockState, policy: DynamicLockPolicy | null): DynamicLockState {
  if (policy === null || !policy.enabled) return { ...forgotten(state), policy: null };
  // Counts of weak samples belong to the thresholds that they were weak by.
  const counted = ({ phone, proximity }: PhoneTrack): PhoneTrack => ({ phone, proximity: { ...proximity, weak: 0 } });
  const phones = new Map([...state.phones].map(([address, track]) => [address, counted(track)]));
  return { ...state, phones, policy };
}

/** A machine that was suspended may be anywhere: nothing from before counts, and whoever was away may come back. */
const forgotten = (state: DynamicLockState): DynamicLockState => ({
  ...state,
  phones: new Map(),
  sessions: new Map(),
  locked: new Set(),
  refused: new Map(),
  asked: new Map(),
  countsAfter: state.now,
});

function meaningOf(reason: PresenceOutage, policy: DynamicLockPolicy): OutageMeaning {
  if (reason === 'radio-off') return policy.radioOff;
  if (reason === 'daemon-gone') return { means: 'gone', afterSeconds: policy.daemonGone.afterSeconds };
  return policy.failed;
}

/** Lets phones go whose time is over. */
function settled(state: DynamicLockState, policy: DynamicLockPolicy): DynamicLockState {
  const { outage, now } = state;
  if (outage !== null && meaningOf(outage.reason, policy).means === 'hold') return state;
  const phones = new Map(state.phones);
  for (const [address, { phone, proximity }] of state.phones) {
    const at = proximity.freshUntil;
    if (proximity.judged !== 'near' || at > now) continue;
    const gone: Gone = { at, reason: outage?.reason ?? 'stale', strength: null, threshold: null };
    phones.set(address, { phone, proximity: left(proximity, gone) });
  }
  return { ...state, phones };
}

function ofPresence(state: DynamicLockState, presence: PresenceEvent, policy: DynamicLockPolicy): Step {
  if (presence.type === 'sample') return ofSample(state, presence, policy);
  const change = (to: (track: PhoneTrack) => PhoneTrack) =>
    new Map([...state.phones].map(([address, track]) => [address, to(track)]));
  if (presence.type === 'unavailable') {
    const { reason } = presence;
    const phones = change((track) => waitedFor(track, meaningOf(reason, policy).afterSeconds, policy));
    const since = state.outage?.reason === reason ? state.outage.since : state.now;
    return still({ ...state, phones, outage: { reason, since } });
  }
  const held = state.outage !== null && meaningOf(state.outage.reason, policy).means === 'hold';
  if (!held) return still({ ...state, outage: null });
  // Whoever was held has the usual time to be seen again.
  const until = later(state.now, policy.staleAfterSeconds);
  const phones = change(({ phone, proximity }) => ({ phone, proximity: prolonged(proximity, until) }));
  return still({ ...state, phones, outage: null });
}

function ofSample(state: DynamicLockState, sample: PresenceSample, policy: DynamicLockPolicy): Step {
  const at = monotonicMs(Math.min(sample.at, state.now));
  if (!(at > state.countsAfter) || later(at, policy.staleAfterSeconds) <= state.now) return still(state);
  const { address } = sample.phone;
  const track = state.phones.get(address) ?? unseen(sample.phone, policy);
  if (sample.source === 'hint') {
    if (!sample.reachable) return still(state);
    if (track.proximity.judged !== 'near') return probeAsked(state, address, policy);
    return still(withPhone(state, hinted(track, at, policy)));
  }
  const next = withPhone(state, probed(track, sample, at, policy));
  return still({ ...next, locked: stillAway(next, policy) });
}

function withPhone(state: DynamicLockState, track: PhoneTrack): DynamicLockState {
  const { address } = track.phone;
  if (!state.phones.has(address) && state.phones.size >= MAX_PHONES) return state;
  return { ...state, phones: new Map(state.phones).set(address, track) };
}

/** An absence ends when a phone is near again; the next one may lock again. */
const stillAway = (state: DynamicLockState, policy: DynamicLockPolicy): ReadonlySet<number> =>
  state.locked.size === 0
    ? state.locked
    : new Set([...state.locked].filter((uid) => absenceOf(state, uid, policy).presence !== 'near'));

/** Anybody can send hints: a phone is probed for them no more often than in its turn. */
function probeAsked(state: DynamicLockState, address: string, policy: DynamicLockPolicy): Step {
  const before = state.asked.get(address);
  if (before !== undefined && later(before, policy.sampleEverySeconds) > state.now) return still(state);
  if (before === undefined && state.asked.size >= MAX_PHONES) return still(state);
  const asked = new Map(state.asked).set(address, state.now);
  return { state: { ...state, asked }, effects: [{ type: 'probe', address }] };
}

function rechecked({ state, effects }: Step): Step {
  const due = dueRechecks(state);
  if (due.length === 0) return { state, effects };
  const asked = new Map(state.asked);
  for (const address of due) asked.set(address, state.now);
  const probes = due.map((address) => ({ type: 'probe', address }) as const);
  return { state: { ...state, asked }, effects: [...effects, ...probes] };
}

/** When a person may be locked out of their absence, by what is known now; null: nothing to wait for. */
function dueAt(state: DynamicLockState, uid: number, policy: DynamicLockPolicy): MonotonicMs | null {
  const absence = absenceOf(state, uid, policy);
  if (absence.presence !== 'away' || state.locked.has(uid)) return null;
  const since = idleSince(state, uid);
  // Whoever was active when the sessions were read may have stopped right after that.
  const idle = later(since ?? state.readAt, policy.idleSeconds);
  const gone = later(absence.gone.at, policy.lockDelaySeconds);
  return monotonicMs(Math.max(idle, gone, state.refused.get(uid) ?? gone));
}

function locks(state: DynamicLockState, policy: DynamicLockPolicy): Step {
  const effects: DynamicLockEffect[] = [];
  const locked = new Set(state.locked);
  for (const uid of usersOf(state)) {
    const absence = absenceOf(state, uid, policy);
    const since = idleSince(state, uid);
    const due = dueAt(state, uid, policy);
    if (absence.presence !== 'away' || since === null || due === null || due > state.now) continue;
    const open = sessionsOf(state, uid).filter(({ session }) => session.locked !== true);
    effects.push({
      type: 'lock',
      uid,
      sessions: open.map(({ session }) => session.id),
      reason: {
        ...absence.gone,
        phone: absence.last.phone,
        idleSeconds: Math.floor((state.now - since) / 1000),
        goneSeconds: Math.floor((state.now - absence.gone.at) / 1000),
      },
    });
    locked.add(uid);
  }
  return { state: { ...state, locked }, effects };
}

/**
 * When the sessions have to be read next for nobody to be locked late, and for a weak phone to be probed again; null: nothing is waited for. Never sooner than a
 * second from now.
 */
export function nextLook(state: DynamicLockState): MonotonicMs | null {
  const { policy } = state;
  if (policy === null) return null;
  const times: MonotonicMs[] = [];
  for (const uid of usersOf(state)) {
    const due = dueAt(state, uid, policy);
    if (due !== null) times.push(due);
  }
  for (const { proximity } of state.phones.values()) {
    if (proximity.judged === 'near') times.push(proximity.freshUntil);
  }
  const recheck = nextRecheck(state);
  if (recheck !== null) times.push(recheck);
  if (times.length === 0) return null;
  return monotonicMs(Math.max(Math.min(...times), state.now + LOOK_EVERY_MS));
}
