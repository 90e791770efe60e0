/** Ours: the machine of dynamic lock with its defaults, told of probes and of sessions as the runner would tell it. */
import { initialState, nextLook, step } from '../../agent/dynamic-lock/machine.ts';
import type { DynamicLockEvent, DynamicLockState } from '../../agent/dynamic-lock/state.ts';
import { DEFAULT_DYNAMIC_LOCK, type DynamicLockPolicy } from '../../agent/policy/dynamic-lock.ts';
import { type MonotonicMs, monotonicMs } from '../../drivers/base/brand.ts';
import type { PresencePhone } from '../../drivers/hal/presence.ts';
import type { Session } from '../../drivers/hal/session.ts';
import { TICKS_A_SECOND } from './day.ts';
import { type Algorithm, canLink, type Outcome, PAGE_TIMEOUT, relative } from './links.ts';
import type { Trace } from './trace.ts';

const USER = 1000;
const PHONE: PresencePhone = {
  address: 'aa:bb:cc:dd:ee:01',
  name: null,
  classOfDevice: 0x5a020c,
  users: [USER],
};
const at = (tick: number): MonotonicMs => monotonicMs((tick * 1000) / TICKS_A_SECOND);
const ticksAt = (time: number): number => Math.ceil((time * TICKS_A_SECOND) / 1000);

class Run {
  readonly #trace: Trace;
  readonly #every: number;
  readonly #locks: number[] = [];
  #state: DynamicLockState;
  #readings = 0;
  /** Ticks: the next probe in turn, one that was asked for, and the end of the one under way. */
  #nextProbe: number;
  #asked: number | null = null;
  #pending: { readonly begun: number; readonly known: number } | null = null;
  #locked = false;

  constructor(trace: Trace, policy: DynamicLockPolicy) {
    this.#trace = trace;
    this.#every = policy.sampleEverySeconds * TICKS_A_SECOND;
    this.#nextProbe = (trace.seed * 7919) % this.#every;
    this.#state = step(initialState, { type: 'policy', now: at(0), policy }).state;
  }

  run(): Outcome {
    let tick = 0;
    while (tick < this.#trace.ticks) {
      const look = nextLook(this.#state);
      const due = [
        this.#pending?.known ?? Math.min(this.#nextProbe, this.#asked ?? Number.POSITIVE_INFINITY),
        look === null ? Number.POSITIVE_INFINITY : ticksAt(look),
      ];
      tick = Math.max(tick, Math.min(...due));
      if (tick >= this.#trace.ticks) break;
      if (look !== null && ticksAt(look) <= tick) this.#look(tick);
      else if (this.#pending === null) this.#begin(tick);
      else this.#end(tick);
    }
    return { locks: this.#locks, readings: this.#readings };
  }

  #begin(tick: number): void {
    this.#readings++;
    if (tick >= this.#nextProbe) this.#nextProbe = tick + this.#every;
    this.#asked = null;
    this.#pending = { begun: tick, known: canLink(this.#trace, tick) ? tick : tick + PAGE_TIMEOUT };
  }

  #end(tick: number): void {
    const begun = this.#pending?.begun ?? tick;
    this.#pending = null;
    const reachable = canLink(this.#trace, begun);
    const value = reachable ? relative(this.#trace.averaged[begun] ?? 0, this.#trace) : 0;
    const rssi = reachable ? ({ scale: 'relative', value } as const) : null;
    const presence = { type: 'sample', at: at(tick), phone: PHONE, rssi, source: 'probe', reachable } as const;
    this.#tell(tick, { type: 'presence', now: at(tick), presence });
  }

  #look(tick: number): void {
    const trace = this.#trace;
    const input = trace.lastInput[tick] ?? 0;
    // Whoever is back at the desk has unlocked.
    if (trace.place[tick] === 0) this.#locked = false;
    const session: Session = {
      id: 'c1',
      uid: USER,
      active: true,
      type: 'wayland',
      person: true,
      remote: false,
      locked: this.#locked,
      idle: { idleSinceMs: input === tick ? null : at(input), source: 'mock' },
    };
    this.#tell(tick, { type: 'sessions', now: at(tick), sessions: [session] });
  }

  #tell(tick: number, event: DynamicLockEvent): void {
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    for (const effect of effects) {
      if (effect.type === 'probe') this.#asked = tick;
      else {
        this.#locks.push(tick);
        this.#locked = true;
      }
    }
    // The sessions are read at once when something happens, as the runner does.
    if (event.type === 'presence' && state.sessions.size === 0) this.#look(tick);
  }
}

export const ours =
  (policy: DynamicLockPolicy = { ...DEFAULT_DYNAMIC_LOCK, enabled: true }): Algorithm =>
  (trace) =>
    new Run(trace, policy).run();
