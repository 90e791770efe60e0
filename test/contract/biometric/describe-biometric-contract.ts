/** What every host of the biometric seam does, whatever it runs on. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import type { BiometricHal, RetryReason, VerifyOptions } from '../../../drivers/hal/biometric.ts';

/** A host with one fingerprint reader, and somebody who can do things to it. */
export interface BiometricWorld extends AsyncDisposable {
  readonly hal: BiometricHal;
  enrol(user: string, finger: string): Promise<void>;
  /** Waits until a verification has the reader, and shows it a finger. */
  show(finger: string): Promise<void>;
  /** Waits likewise; the reader wants another try. */
  askRetry(reason: RetryReason): Promise<void>;
  /** Waits likewise, and lets it wait. */
  hold(): Promise<void>;
  /** Waits likewise, and pulls the reader out. */
  pull(): Promise<void>;
  /** The service behind the host goes away; then comes back, with what was enrolled. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Whether anybody has the reader. */
  claimed(): Promise<boolean>;
}

const FINGER = 'right-index-finger';
const OTHER = 'left-thumb';
const never = (): AbortSignal => new AbortController().signal;

export function describeBiometricContract(
  name: string,
  open: (() => Promise<BiometricWorld>) | { readonly skip: string },
): void {
  if ('skip' in open) {
    it.skip(`the biometric host ${name} (skipped: ${open.skip})`, () => undefined);
    return;
  }
  describe(`the biometric host ${name}`, () => {
    let world: BiometricWorld;
    beforeEach(async () => {
      world = await open();
      await world.enrol('ana', FINGER);
    });
    afterEach(() => world[Symbol.asyncDispose]());

    const verify = (more: Partial<VerifyOptions> = {}) =>
      world.hal.verify({ modality: 'fingerprint', user: 'ana', within: seconds(30), signal: never(), ...more });
    const reason = async (more: Partial<VerifyOptions> = {}) => {
      const outcome = await verify(more);
      return outcome.is === 'unavailable' ? outcome.reason : outcome.is;
    };

    it('lists its readers and what is enrolled for whom', async () => {
      const [reader] = await world.hal.readers({ signal: never() });
      expect(reader).toMatchObject({ modality: 'fingerprint', manner: 'swipe' });
      expect(reader?.name).not.toBe('');
      expect(await world.hal.enrolled('ana', 'fingerprint', { signal: never() })).toEqual([FINGER]);
      expect(await world.hal.enrolled('ben', 'fingerprint', { signal: never() })).toEqual([]);
      expect(await world.hal.enrolled('ana', 'face', { signal: never() })).toEqual([]);
    });

    it('tells the enrolled finger from another, and gives the reader back after both', async () => {
      const right = verify();
      await world.show(FINGER);
      expect(await right).toEqual({ is: 'match', template: FINGER });
      expect(await world.claimed()).toBe(false);
      const wrong = verify();
      await world.show(OTHER);
      expect(await wrong).toEqual({ is: 'no-match' });
      expect(await world.claimed()).toBe(false);
    });

    it('one person’s finger is no other person’s', async () => {
      await world.enrol('ben', OTHER);
      const outcome = verify({ user: 'ben' });
      await world.show(FINGER);
      expect(await outcome).toEqual({ is: 'no-match' });
    });

    it('passes on that the reader wants another try, and goes on', async () => {
      const seen: RetryReason[] = [];
      const outcome = verify({ onRetry: (why) => seen.push(why) });
      const wanted: readonly RetryReason[] = ['unclear', 'too-short', 'not-centered', 'remove-and-retry'];
      for (const why of wanted) {
        await world.askRetry(why);
        await expect.poll(() => seen.at(-1)).toBe(why);
      }
      await world.show(FINGER);
      expect(await outcome).toMatchObject({ is: 'match' });
      expect(seen).toEqual(wanted);
    });

    it('nothing is asked of who is not enrolled, and what is no login name is nobody', async () => {
      for (const user of ['ben', '', '.', '../ana', 'ana\0', '\ud800'])
        expect(await reason({ user })).toBe('not-enrolled');
      expect(await world.claimed()).toBe(false);
    });

    it('has no reader for faces here', async () => {
      expect(await reason({ modality: 'face' })).toBe('no-reader');
    });

    it('a reader that is in use is busy for the next, and stays with the first', async () => {
      const giving = new AbortController();
      const first = verify({ signal: giving.signal });
      await world.hold();
      expect(await reason()).toBe('busy');
      expect(await world.claimed()).toBe(true);
      giving.abort(new Error('given up'));
      await expect(first).rejects.toThrow('given up');
    });

    it('giving up gives the reader back', async () => {
      const giving = new AbortController();
      const outcome = verify({ signal: giving.signal });
      await world.hold();
      const why = new Error('given up');
      giving.abort(why);
      await expect(outcome).rejects.toBe(why);
      expect(await world.claimed()).toBe(false);
      await expect(verify({ signal: giving.signal })).rejects.toBe(why);
    });

    it('a person who does not come is timed out, and the reader is free', async () => {
      const outcome = reason({ within: milliseconds(300) });
      await world.hold();
      expect(await outcome).toBe('timed-out');
      expect(await world.claimed()).toBe(false);
    });

    it('a reader that is pulled out is disconnected, then there is none', async () => {
      const outcome = reason();
      await world.pull();
      expect(await outcome).toBe('disconnected');
      expect(await reason()).toBe('no-reader');
      expect(await world.hal.readers({ signal: never() })).toEqual([]);
    });

    it('survives the service behind it', async () => {
      const outcome = reason();
      await world.hold();
      await world.stop();
      expect(await outcome).toBe('disconnected');
      expect(await reason()).toBe('no-reader');
      await expect(world.hal.readers({ signal: never() })).rejects.toMatchObject({ code: 'ERR_HAL_NOT_FOUND' });
      await world.start();
      const again = verify();
      await world.show(FINGER);
      expect(await again).toMatchObject({ is: 'match' });
    });

    it('closing ends what waits, and nothing is asked any more', async () => {
      const outcome = reason();
      await world.hold();
      await world.hal[Symbol.asyncDispose]();
      expect(await outcome).toBe('failed');
      expect(await world.claimed()).toBe(false);
      expect(await reason()).toBe('failed');
      await expect(world.hal.readers({ signal: never() })).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
    });
  });
}
