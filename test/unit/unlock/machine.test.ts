import { describe, expect, test } from 'vitest';
import type { UnlockPolicy } from '../../../agent/policy/model.ts';
import { newAttempt, step } from '../../../agent/unlock/machine.ts';
import type { UnlockEffect, UnlockEvent, UnlockPlan } from '../../../agent/unlock/state.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { policyOf, satisfied, snapshotOf, USER, unavailable, unsatisfied } from '../../support/policy-fixtures.ts';

const planOf = (policy: UnlockPolicy): UnlockPlan => ({
  policy,
  options: { machineSimulated: false, pinIsBound: true, user: USER },
  limitMs: 30_000,
  maxRetries: 3,
});
const start = (...signals: FactorSignal[]): UnlockEvent => ({
  type: 'start',
  at: monotonicMs(1000),
  snapshot: snapshotOf(...signals),
});
const sees = (signal: FactorSignal, triesLeft?: number): UnlockEvent => ({
  type: 'signal',
  at: monotonicMs(2000),
  signal,
  ...(triesLeft === undefined ? {} : { triesLeft }),
});
const answers = (signal: FactorSignal): UnlockEvent => ({
  type: 'signal',
  at: monotonicMs(2000),
  signal,
  isAnswer: true,
});
const tick = (at: number): UnlockEvent => ({ type: 'tick', at: monotonicMs(at) });

/** An effect in one word or two. */
const word = (effect: UnlockEffect): string => {
  switch (effect.type) {
    case 'ask':
      return `ask ${effect.factor}${effect.triesLeft === null ? '' : ` (${effect.triesLeft} left)`}`;
    case 'stop-asking':
      return `stop ${effect.factor}`;
    case 'refused':
      return `refused ${effect.signal.kind}`;
    case 'finish':
      return effect.outcome.is === 'failed' ? `failed ${effect.outcome.code}` : effect.outcome.is;
    default:
      return effect.type;
  }
};
const play = (policy: UnlockPolicy, ...events: UnlockEvent[]): string[][] => {
  let state = newAttempt(planOf(policy));
  return events.map((event) => {
    const next = step(state, event);
    state = next.state;
    return next.effects.map(word);
  });
};

const pinThenKey = policyOf(['pin'], ['securityKey']);
const withFinger = policyOf(['pin'], ['securityKey', 'fingerprint']);

describe('the unlock machine', () => {
  test.each<[string, UnlockPolicy, UnlockEvent[], string[][]]>([
    [
      'asks for the PIN, then for the key, then releases',
      pinThenKey,
      [start(), sees(satisfied('pin')), sees(satisfied('securityKey')), { type: 'released' }],
      [['wake-at', 'ask pin'], ['stop pin', 'ask securityKey'], ['stop securityKey', 'release'], ['granted']],
    ],
    [
      'follows the order of the policy',
      policyOf(['securityKey'], ['pin']),
      [start(), sees(satisfied('securityKey'))],
      [
        ['wake-at', 'ask securityKey'],
        ['stop securityKey', 'ask pin'],
      ],
    ],
    [
      'gives up what was shown and does not count, and asks for the other factor, then is denied at once',
      withFinger,
      [
        start(),
        sees(satisfied('pin')),
        answers(satisfied('securityKey', { simulated: true })),
        answers(satisfied('fingerprint', { simulated: true })),
      ],
      [
        ['wake-at', 'ask pin'],
        ['stop pin', 'ask securityKey'],
        ['stop securityKey', 'ask fingerprint'],
        ['stop fingerprint', 'denied'],
      ],
    ],
    [
      'does not ask again for what was shown and does not count, however often it is seen',
      withFinger,
      [
        start(),
        sees(satisfied('pin')),
        answers(satisfied('securityKey', { simulated: true })),
        answers(satisfied('securityKey', { simulated: true })),
        sees(satisfied('fingerprint')),
      ],
      [
        ['wake-at', 'ask pin'],
        ['stop pin', 'ask securityKey'],
        ['stop securityKey', 'ask fingerprint'],
        [],
        ['stop fingerprint', 'release'],
      ],
    ],
    [
      'asks again after a wrong PIN and says how many tries are left',
      pinThenKey,
      [start(), sees(unsatisfied('pin', 'wrong'), 4), sees(satisfied('pin'))],
      [
        ['wake-at', 'ask pin'],
        ['refused pin', 'ask pin (4 left)'],
        ['stop pin', 'ask securityKey'],
      ],
    ],
    [
      'never asks for the key when the PIN has no try left',
      pinThenKey,
      [start(), sees(unsatisfied('pin', 'wrong'), 0)],
      [
        ['wake-at', 'ask pin'],
        ['refused pin', 'denied'],
      ],
    ],
    [
      'ends after as many wrong PINs as one attempt may have',
      pinThenKey,
      [
        start(),
        sees(unsatisfied('pin', 'wrong')),
        sees(unsatisfied('pin', 'wrong')),
        sees(unsatisfied('pin', 'wrong')),
      ],
      [
        ['wake-at', 'ask pin'],
        ['refused pin', 'ask pin'],
        ['refused pin', 'ask pin'],
        ['refused pin', 'denied'],
      ],
    ],
    [
      'ends when the PIN is locked out',
      pinThenKey,
      [start(), sees(unavailable('pin', 'locked-out'))],
      [['wake-at', 'ask pin'], ['denied']],
    ],
    [
      'goes over to another pair when a factor is given up',
      withFinger,
      [start(), sees(satisfied('pin')), sees(unsatisfied('securityKey', 'timed-out')), sees(satisfied('fingerprint'))],
      [['wake-at', 'ask pin'], ['stop pin', 'ask securityKey'], ['ask fingerprint'], ['stop fingerprint', 'release']],
    ],
    [
      'takes the pair whose devices are there',
      withFinger,
      [start(unavailable('securityKey', 'no-device')), sees(satisfied('pin'))],
      [
        ['wake-at', 'ask pin'],
        ['stop pin', 'ask fingerprint'],
      ],
    ],
    [
      'waits for a key that is not plugged in when there is no other pair',
      pinThenKey,
      [
        start(unavailable('securityKey', 'no-device')),
        sees(satisfied('pin')),
        sees(unavailable('securityKey', 'no-device')),
        sees(satisfied('securityKey')),
      ],
      [['wake-at', 'ask pin'], ['stop pin', 'ask securityKey'], [], ['stop securityKey', 'release']],
    ],
    [
      'does not ask for a network that is there',
      policyOf(['pin'], ['network']),
      [start(satisfied('network', { strength: 'gate' })), sees(satisfied('pin'))],
      [
        ['wake-at', 'ask pin'],
        ['stop pin', 'release'],
      ],
    ],
    [
      'does not count a PIN or a key of an earlier attempt',
      pinThenKey,
      [
        start(satisfied('pin', { observedAt: 999 }), satisfied('securityKey', { observedAt: 999 })),
        sees(satisfied('pin', { observedAt: 999 })),
      ],
      [['wake-at', 'ask pin'], []],
    ],
    [
      'a key that is only plugged in is not a key that was touched',
      pinThenKey,
      [start(), sees(satisfied('pin')), sees(satisfied('securityKey', { strength: 'gate' }))],
      [['wake-at', 'ask pin'], ['stop pin', 'ask securityKey'], []],
    ],
    [
      'asks for the PIN again when it went stale while the key was waited for',
      pinThenKey,
      [start(), sees(satisfied('pin')), tick(12_000)],
      [
        ['wake-at', 'ask pin'],
        ['stop pin', 'ask securityKey'],
        ['stop securityKey', 'ask pin'],
      ],
    ],
    [
      'asks for what is lost',
      policyOf(['pin'], ['network']),
      [
        start(satisfied('network', { strength: 'gate' })),
        { type: 'lost', at: monotonicMs(1500), kind: 'ipConfig' },
        sees(satisfied('pin')),
      ],
      [['wake-at', 'ask pin'], [], ['stop pin', 'ask network']],
    ],
    [
      'ends at its time',
      pinThenKey,
      [start(), tick(30_999), tick(31_000)],
      [['wake-at', 'ask pin'], [], ['stop pin', 'timed-out']],
    ],
    [
      'a factor that comes too late opens nothing',
      pinThenKey,
      [start(), { type: 'signal', at: monotonicMs(31_000), signal: satisfied('pin') }],
      [
        ['wake-at', 'ask pin'],
        ['stop pin', 'timed-out'],
      ],
    ],
    [
      'is cancelled and takes the question back',
      pinThenKey,
      [start(), { type: 'cancel' }],
      [
        ['wake-at', 'ask pin'],
        ['stop pin', 'cancelled'],
      ],
    ],
    [
      'is cancelled by the answer to a question',
      pinThenKey,
      [start(), sees(unsatisfied('pin', 'cancelled'))],
      [
        ['wake-at', 'ask pin'],
        ['stop pin', 'cancelled'],
      ],
    ],
    [
      'cancelled while it releases, it forgets what comes after',
      pinThenKey,
      [start(), sees(satisfied('pin')), sees(satisfied('securityKey')), { type: 'cancel' }, { type: 'released' }],
      [
        ['wake-at', 'ask pin'],
        ['stop pin', 'ask securityKey'],
        ['stop securityKey', 'release'],
        ['cancel-release', 'cancelled'],
        ['forget'],
      ],
    ],
    [
      'says why the release failed',
      pinThenKey,
      [
        start(),
        sees(satisfied('pin')),
        sees(satisfied('securityKey')),
        { type: 'release-failed', code: 'ERR_HAL_TIMEOUT' },
      ],
      [
        ['wake-at', 'ask pin'],
        ['stop pin', 'ask securityKey'],
        ['stop securityKey', 'release'],
        ['failed ERR_HAL_TIMEOUT'],
      ],
    ],
    ['nothing happens before it is started', pinThenKey, [sees(satisfied('pin')), { type: 'released' }], [[], []]],
  ])('%s', (_, policy, events, effects) => {
    expect(play(policy, ...events)).toEqual(effects);
  });

  test('a denial carries the reasons', () => {
    let state = newAttempt(planOf(pinThenKey));
    state = step(state, start()).state;
    state = step(state, sees(unsatisfied('pin', 'wrong'), 0)).state;
    expect(state.outcome).toMatchObject({
      is: 'denied',
      decision: { verdict: 'denied', missing: [['pin', 'securityKey']] },
    });
  });
});

describe('what further policies want besides', () => {
  const office = satisfied('network');
  const loose = policyOf(['pin'], ['securityKey', 'network']);
  const wants = (...policies: UnlockPolicy[]): UnlockPlan => ({
    ...planOf(loose),
    further: { policies, notEnrolled: [] },
  });
  const playPlan = (plan: UnlockPlan, ...events: UnlockEvent[]): string[][] => {
    let state = newAttempt(plan);
    return events.map((event) => {
      const next = step(state, event);
      state = next.state;
      return next.effects.map(
        (effect) => `${effect.type === 'ask' && effect.further ? 'further ' : ''}${word(effect)}`,
      );
    });
  };
  const begin = ['wake-at', 'ask pin'];
  const further = ['stop pin', 'further ask securityKey'];

  test.each<[string, UnlockPolicy[], UnlockEvent[], string[][]]>([
    [
      'is asked for before the release',
      [pinThenKey],
      [start(office), sees(satisfied('pin')), sees(satisfied('securityKey'))],
      [begin, further, ['stop securityKey', 'release']],
    ],
    [
      'is not asked for where it is there',
      [policyOf(['pin'], ['network'])],
      [start(office), sees(satisfied('pin'))],
      [begin, ['stop pin', 'release']],
    ],
    [
      'keeps nobody out who has it not',
      [pinThenKey],
      [start(office), sees(satisfied('pin')), sees(unsatisfied('securityKey', 'timed-out'))],
      [begin, further, ['release']],
    ],
    [
      'keeps nobody out whose time is over meanwhile',
      [pinThenKey],
      [start(satisfied('network', { validFor: 60_000 })), sees(satisfied('pin', { validFor: 60_000 })), tick(31_000)],
      [begin, further, ['stop securityKey', 'release']],
    ],
    [
      'opens nothing when what opened is gone and the time is over',
      [pinThenKey],
      [start(office), sees(satisfied('pin')), tick(31_000)],
      [begin, further, ['stop securityKey', 'timed-out']],
    ],
    [
      'is still wanted, and needed now, when the network goes',
      [pinThenKey],
      [
        start(office),
        sees(satisfied('pin')),
        { type: 'lost', at: monotonicMs(2000), kind: 'ipConfig' },
        sees(unsatisfied('securityKey', 'timed-out')),
      ],
      [begin, further, [], ['ask network']],
    ],
    [
      'is not asked for in part: one of them needs a phone, which nobody waits for',
      [pinThenKey, policyOf(['pin'], ['phone'])],
      [start(office), sees(satisfied('pin'))],
      [begin, ['stop pin', 'release']],
    ],
    [
      'is asked for of all of them, one after the other',
      [pinThenKey, policyOf(['pin'], ['fingerprint'])],
      [start(office), sees(satisfied('pin')), sees(satisfied('securityKey')), sees(satisfied('fingerprint'))],
      [begin, further, ['stop securityKey', 'further ask fingerprint'], ['stop fingerprint', 'release']],
    ],
  ])('%s', (_sentence, policies, events, expected) => {
    expect(playPlan(wants(...policies), ...events)).toEqual(expected);
  });

  test('is not asked of who has it not enrolled', () => {
    const plan: UnlockPlan = { ...planOf(loose), further: { policies: [pinThenKey], notEnrolled: ['securityKey'] } };
    expect(playPlan(plan, start(office), sees(satisfied('pin')))).toEqual([begin, ['stop pin', 'release']]);
  });
});
