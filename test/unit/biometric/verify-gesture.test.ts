/** What a finger or a face is worth to the policy. */
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { verifyGesture } from '../../../drivers/biometric/verify-gesture.ts';
import type { BiometricHal, VerifyOutcome } from '../../../drivers/hal/biometric.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';

const clock = new ManualClock();
const request = {
  modality: 'fingerprint',
  user: 'ana',
  within: milliseconds(10_000),
  validFor: milliseconds(120_000),
  clock,
  signal: new AbortController().signal,
} as const;

const saying = (outcome: VerifyOutcome): BiometricHal => ({
  name: 'a reader',
  simulated: false,
  readers: async () => [],
  enrolled: async () => [],
  verify: async () => outcome,
  [Symbol.asyncDispose]: async () => undefined,
});
const unavailable = (reason: Extract<VerifyOutcome, { is: 'unavailable' }>['reason'], detail: string | null = null) =>
  ({ is: 'unavailable', reason, detail }) as const;

describe('a finger', () => {
  it('that matches is a gate, never bound, with the finger as evidence', async () => {
    expect(await verifyGesture(saying({ is: 'match', template: 'left-thumb' }), request)).toEqual({
      kind: 'fingerprint',
      source: 'a reader',
      observedAt: clock.now(),
      validFor: 120_000,
      simulated: false,
      state: 'satisfied',
      strength: 'gate',
      evidence: { template: 'left-thumb' },
    });
  });

  it.each([
    [{ is: 'no-match' }, 'unsatisfied', 'wrong'],
    [unavailable('not-enrolled'), 'unsatisfied', 'not-enrolled'],
    [unavailable('timed-out'), 'unsatisfied', 'timed-out'],
    [unavailable('no-reader'), 'unavailable', 'no-device'],
    [unavailable('disconnected'), 'unavailable', 'no-device'],
    [unavailable('no-permission'), 'unavailable', 'no-permission'],
    [unavailable('busy'), 'unavailable', 'failed'],
    [unavailable('failed'), 'unavailable', 'failed'],
  ] as const)('%j is %s: %s', async (outcome, state, reason) => {
    expect(await verifyGesture(saying(outcome), request)).toMatchObject({ state, reason });
  });

  it('keeps what the host said of it', async () => {
    const signal = await verifyGesture(saying(unavailable('failed', 'the driver died')), request);
    expect(signal).toMatchObject({ detail: 'the driver died' });
  });

  it('without a host is one without a driver', async () => {
    expect(await verifyGesture(null, request)).toMatchObject({ state: 'unavailable', reason: 'no-driver' });
  });

  it('that nobody waits for any more is not asked for', async () => {
    const aborted = { ...request, signal: AbortSignal.abort(new Error('given up')) };
    await expect(verifyGesture(saying({ is: 'match', template: null }), aborted)).rejects.toThrow('given up');
  });
});
