/** A phone that was found weak is probed again soon: once, and only while it is not judged. */
import { describe, expect, it } from 'vitest';
import { nextLook, step } from '../../../agent/dynamic-lock/machine.ts';
import type { DynamicLockEvent } from '../../../agent/dynamic-lock/state.ts';
import {
  A,
  at,
  available,
  B,
  hint,
  look,
  ON,
  sample,
  session,
  tell,
  unavailable,
} from '../../support/session/lock-trace.ts';

const busy = (seconds: number) => look(seconds, session(null));
const probes = (...events: readonly DynamicLockEvent[]): readonly string[] =>
  tell(ON, events).effects.flatMap(({ seconds, effect }) =>
    effect.type === 'probe' ? [`${seconds}: ${effect.address}`] : [],
  );

describe('a phone that a probe found weak', () => {
  it('is probed again three seconds later, once', () => {
    const weak = [sample(0, 0), sample(20, null)];
    expect(probes(...weak, busy(22))).toEqual([]);
    expect(probes(...weak, busy(23), busy(24), busy(30))).toEqual([`23: ${A.address}`]);
  });

  it('is the reason of the next look', () => {
    const { state } = tell(ON, [sample(0, 0), sample(20, null)]);
    expect(nextLook(state)).toBe(at(23));
    const asked = step(state, busy(23));
    expect(asked.effects).toEqual([{ type: 'probe', address: A.address }]);
    expect(nextLook(asked.state)).toBe(at(90));
  });

  it('is probed again after each weak answer, until it is judged', () => {
    const events = [sample(0, 0), sample(20, null), busy(23), sample(28, null), busy(31), sample(36, null), busy(40)];
    expect(probes(...events)).toEqual([`23: ${A.address}`, `31: ${A.address}`]);
    expect(tell(ON, events).state.phones.get(A.address)?.proximity.judged).toBe('far');
  });

  it('and strong the next time is left alone', () => {
    expect(probes(sample(0, 0), sample(20, null), busy(23), sample(24, -2), busy(60))).toEqual([`23: ${A.address}`]);
  });

  it('is probed by a tick too, and each on its own', () => {
    const events = [sample(0, 0), sample(0, 0, B), sample(20, null), sample(21, -40, B)];
    const { state } = tell(ON, [...events, sample(22, -40, B)]);
    const first = step(state, { type: 'tick', now: at(23) });
    expect(first.effects).toEqual([{ type: 'probe', address: A.address }]);
    expect(step(first.state, { type: 'tick', now: at(25) }).effects).toEqual([{ type: 'probe', address: B.address }]);
  });

  it('that nobody answers for is not asked for again: the radio may be off', () => {
    expect(
      probes(sample(0, 0), sample(20, null), busy(23), unavailable(24, 'radio-off'), busy(40), available(50), busy(60)),
    ).toEqual([`23: ${A.address}`]);
  });

  it('that is far, or was never near, is not', () => {
    expect(probes(sample(0, null), busy(10), busy(30))).toEqual([]);
    const left = [sample(0, 0), sample(20, null), sample(21, null), sample(22, null)];
    expect(probes(...left, busy(30))).toEqual([]);
    expect(probes(...left, hint(30), busy(40))).toEqual([`30: ${A.address}`]);
  });
});
