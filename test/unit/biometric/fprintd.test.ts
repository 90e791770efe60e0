/** What fprintd says, at its worst: statuses at the wrong time, of another reader, of no form; answers of no form. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { RetryReason } from '../../../drivers/hal/biometric.ts';
import { fprintd } from '../../../drivers/linux/biometric/fprintd.ts';
import { VerificationSignals } from '../../../drivers/linux/biometric/fprintd-verification.ts';
import { isLoginName, reasonOf, verifyStatus } from '../../../drivers/linux/biometric/fprintd-words.ts';
import { type Answer, LyingBus } from '../../support/session/lying-bus.ts';

const never = (): AbortSignal => new AbortController().signal;
const OWNER = ':1.7';
const READER = '/net/reactivated/Fprint/Device/0';
const DEVICE = 'net.reactivated.Fprint.Device';

describe('the words of fprintd', () => {
  it.each([
    ['verify-match', true, { is: 'match' }],
    ['verify-no-match', true, { is: 'no-match' }],
    ['verify-retry-scan', false, { is: 'retry', reason: 'unclear' }],
    ['verify-swipe-too-short', false, { is: 'retry', reason: 'too-short' }],
    ['verify-finger-not-centered', false, { is: 'retry', reason: 'not-centered' }],
    ['verify-remove-and-retry', false, { is: 'retry', reason: 'remove-and-retry' }],
    ['verify-too-fast', false, { is: 'retry', reason: 'too-fast' }],
    ['verify-disconnected', true, { is: 'failed', reason: 'disconnected' }],
    ['verify-unknown-error', true, { is: 'failed', reason: 'failed' }],
    ['verify-match', false, { is: 'failed', reason: 'failed' }],
    ['verify-retry-scan', true, { is: 'failed', reason: 'failed' }],
    ['verify-matched', true, { is: 'failed', reason: 'failed' }],
  ])('%s, done: %s', (result, done, expected) => {
    expect(verifyStatus([result, done])).toMatchObject(expected);
  });

  it('whatever a status is, only the one that says so is a match', () => {
    fc.assert(
      fc.property(fc.array(fc.anything()), (body) => {
        const { is } = verifyStatus(body);
        expect(is === 'match').toBe(body[0] === 'verify-match' && body[1] === true);
      }),
    );
  });

  it('a login name is one word and no path', () => {
    expect(['ana', 'LAB\\ana', 'ana.b-c@lab', 'ünal'].filter(isLoginName)).toHaveLength(4);
    const none = ['', '.', '..', 'a/b', 'a b', 'a\nb', 'a\0', '\ud800', 'x'.repeat(257)];
    expect(none.filter(isLoginName)).toEqual([]);
  });

  it.each([
    ['net.reactivated.Fprint.Error.NoEnrolledPrints', 'not-enrolled'],
    ['net.reactivated.Fprint.Error.AlreadyInUse', 'busy'],
    ['net.reactivated.Fprint.Error.PermissionDenied', 'no-permission'],
    ['net.reactivated.Fprint.Error.Internal', 'failed'],
    ['org.example.Other.AlreadyInUse', 'failed'],
  ])('the error %s is %s', (error, expected) => {
    expect(reasonOf(new UnlockdError('ERR_HAL_IO', 'x', { detail: { error } }), true)).toBe(expected);
  });
});

describe('the statuses of one verification', () => {
  const status = (more: object = {}) => ({
    sender: OWNER,
    path: READER,
    interface: DEVICE,
    member: 'VerifyStatus',
    body: ['verify-match', true],
    ...more,
  });
  const pending = async (signals: VerificationSignals) => {
    const stopped = new AbortController();
    const ended = signals.ended([stopped.signal]);
    stopped.abort('nothing');
    return await ended.then(
      ({ is }) => is,
      (reason: unknown) => reason,
    );
  };

  it('one that comes before the begin, or after the end, is none', async () => {
    const early = new VerificationSignals();
    early.receive(status());
    early.begin(READER);
    expect(await pending(early)).toBe('nothing');
    const late = new VerificationSignals();
    late.begin(READER);
    late.end();
    late.receive(status());
    expect(await pending(late)).toBe('nothing');
  });

  it.each([
    ['of another reader', { path: '/net/reactivated/Fprint/Device/1' }],
    ['of another interface', { interface: 'net.reactivated.Fprint.Manager' }],
    ['of another name', { member: 'EnrollStatus' }],
  ])('one %s is none', async (_, more) => {
    const signals = new VerificationSignals();
    signals.begin(READER);
    signals.receive(status(more));
    expect(await pending(signals)).toBe('nothing');
  });

  it('the first word is the last', async () => {
    const retries: RetryReason[] = [];
    const signals = new VerificationSignals((why) => retries.push(why));
    signals.begin(READER);
    signals.receive(status({ body: ['verify-no-match', true] }));
    signals.receive(status());
    signals.receive(status({ body: ['verify-retry-scan', false] }));
    expect(await signals.ended([])).toEqual({ is: 'no-match' });
    expect(retries).toEqual([]);
  });

  it('the finger is told where fprintd names one', async () => {
    const signals = new VerificationSignals();
    signals.begin(READER);
    const selected = (name: unknown) => signals.receive(status({ member: 'VerifyFingerSelected', body: [name] }));
    selected('left-thumb');
    expect(signals.finger).toBe('left-thumb');
    for (const none of ['any', '', 7, 'left-thumb ']) {
      selected(none);
      expect(signals.finger).toBeNull();
    }
  });
});

describe('an fprintd that plays its part badly', () => {
  const buses: LyingBus[] = [];
  afterEach(async () => {
    for (const bus of buses.splice(0)) await bus[Symbol.asyncDispose]();
  });
  const REPLY = 2;
  const SIGNAL = 4;
  const text = (sender: string, body: string): Answer => ({ type: REPLY, sender, signature: 's', body: [body] });
  const status: Answer = {
    type: SIGNAL,
    sender: OWNER,
    path: READER,
    interface: DEVICE,
    member: 'VerifyStatus',
    signature: 'sb',
    body: ['verify-match', true],
  };
  const done: Answer = { type: REPLY, sender: OWNER };
  const calls: string[] = [];

  async function world(answers: Readonly<Record<string, readonly Answer[]>>) {
    calls.length = 0;
    const usual: Readonly<Record<string, readonly Answer[]>> = {
      Hello: [text('org.freedesktop.DBus', ':1.9')],
      AddMatch: [{ type: REPLY, sender: 'org.freedesktop.DBus' }],
      GetNameOwner: [text('org.freedesktop.DBus', OWNER)],
      GetDevices: [{ ...done, signature: 'ao', body: [[READER]] }],
      ListEnrolledFingers: [{ ...done, signature: 'as', body: [['right-thumb']] }],
      Claim: [done],
      VerifyStart: [done, status],
      VerifyStop: [done],
      Release: [done],
    };
    const bus = await LyingBus.start(({ member = '' }) => {
      calls.push(member);
      return answers[member] ?? usual[member] ?? [];
    });
    buses.push(bus);
    const hal = fprintd({ bus: bus.address, within: seconds(2) });
    const within = milliseconds(400);
    return { hal, verify: () => hal.verify({ modality: 'fingerprint', user: 'ana', within, signal: never() }) };
  }

  it('a status in one piece with the reply to VerifyStart counts', async () => {
    const { verify } = await world({});
    expect(await verify()).toEqual({ is: 'match', template: null });
    expect(calls.slice(-4)).toEqual(['Claim', 'VerifyStart', 'VerifyStop', 'Release']);
  });

  it('one before that reply does not', async () => {
    const { verify } = await world({ VerifyStart: [status, done] });
    expect(await verify()).toMatchObject({ is: 'unavailable', reason: 'timed-out' });
    expect(calls.slice(-2)).toEqual(['VerifyStop', 'Release']);
  });

  it('one before the claim does not', async () => {
    const { verify } = await world({ Claim: [status, done, status], VerifyStart: [done] });
    expect(await verify()).toMatchObject({ is: 'unavailable', reason: 'timed-out' });
  });

  it('one of a verification that was refused does not, and the reader is given back', async () => {
    const refused: Answer = { type: 3, sender: OWNER, errorName: 'net.reactivated.Fprint.Error.Internal' };
    const { verify } = await world({ VerifyStart: [refused, status] });
    expect(await verify()).toMatchObject({ is: 'unavailable', reason: 'failed' });
    expect(calls).toContain('Release');
  });

  it('a Release that gets no answer ends with the connection', async () => {
    const { verify } = await world({ Release: [], VerifyStop: [] });
    expect(await verify()).toMatchObject({ is: 'match' });
  });

  it.each([
    ['no list', { ...done, signature: 's', body: ['x'] }],
    ['numbers', { ...done, signature: 'au', body: [[1, 2]] }],
    ['nothing', done],
  ])('readers that are %s are a typed error, and a failure', async (_, answer: Answer) => {
    const { hal, verify } = await world({ GetDevices: [answer] });
    await expect(hal.readers({ signal: never() })).rejects.toMatchObject({ code: 'ERR_HAL_ANSWER_INVALID' });
    expect(await verify()).toMatchObject({ is: 'unavailable', reason: 'failed' });
  });

  it('of countless readers a few are looked at, and of countless fingers those that are fingers', async () => {
    const paths = Array.from({ length: 5000 }, (_, n) => `/net/reactivated/Fprint/Device/${n}`);
    const fingers = [...Array.from({ length: 5000 }, (_, n) => `finger ${n}`), 'left-thumb'];
    const { hal } = await world({
      GetDevices: [{ ...done, signature: 'ao', body: [paths] }],
      ListEnrolledFingers: [{ ...done, signature: 'as', body: [fingers] }],
    });
    expect(await hal.enrolled('ana', 'fingerprint', { signal: never() })).toEqual(['left-thumb']);
    expect(calls.filter((member) => member === 'ListEnrolledFingers')).toHaveLength(16);
  });
});
