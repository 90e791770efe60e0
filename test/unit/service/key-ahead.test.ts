import { describe, expect, it } from 'vitest';
import { type AskAhead, KeyAhead } from '../../../agent/service/key-ahead.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';

const never = new AbortController().signal;

/** A key that answers when its turn has come, and what became of it. */
function answering() {
  const told: string[] = [];
  const authValue = Secret.copyOf(Uint8Array.of(1, 2, 3));
  const ask: AskAhead = async (signal, turn) => {
    told.push('asked');
    signal.addEventListener('abort', () => told.push('stopped'));
    try {
      await turn;
      told.push('touched');
      return { authValue, device: 'a key', uv: false, timings: { deviceMs: 1, writeMs: 0 } };
    } finally {
      told.push('closed');
    }
  };
  return { ask, told, authValue };
}

describe('a security key that is asked ahead', () => {
  it('is made ready at once and touched when its turn comes', async () => {
    const { ask, told } = answering();
    await using ahead = new KeyAhead(ask);
    expect(told).toEqual(['asked']);
    expect((await ahead.take(never)).device).toBe('a key');
    expect(told).toEqual(['asked', 'touched', 'closed']);
  });

  it('is closed without a touch when its turn does not come, however often it is given up', async () => {
    const { ask, told } = answering();
    const ahead = new KeyAhead(ask);
    await ahead[Symbol.asyncDispose]();
    await ahead[Symbol.asyncDispose]();
    expect(told).toEqual(['asked', 'stopped', 'closed']);
  });

  it('that answered all the same when it was given up leaves no secret behind', async () => {
    const authValue = Secret.copyOf(Uint8Array.of(1, 2, 3));
    const ahead = new KeyAhead(async () => ({
      authValue,
      device: 'a hasty key',
      uv: false,
      timings: { deviceMs: 1, writeMs: 0 },
    }));
    await ahead[Symbol.asyncDispose]();
    expect(authValue.disposed).toBe(true);
  });

  it('keeps what it was taken for: giving up afterwards changes nothing', async () => {
    const { ask, authValue } = answering();
    const ahead = new KeyAhead(ask);
    await ahead.take(never);
    await ahead[Symbol.asyncDispose]();
    expect(authValue.disposed).toBe(false);
  });

  it('tells what failed before its turn when the turn comes', async () => {
    await using ahead = new KeyAhead(() => Promise.reject(new UnlockdError('ERR_CTAP_NO_HMAC_SECRET', 'an old key')));
    await Promise.resolve();
    await expect(ahead.take(never)).rejects.toMatchObject({ code: 'ERR_CTAP_NO_HMAC_SECRET' });
  });

  it('ends when the question is taken back, before its turn and after it', async () => {
    for (const after of [false, true]) {
      const stop = new AbortController();
      const ask: AskAhead = async (signal, turn) => {
        await turn;
        return await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        });
      };
      await using ahead = new KeyAhead(ask);
      const reason = new Error('taken back');
      if (!after) stop.abort(reason);
      const taken = ahead.take(stop.signal);
      await Promise.resolve();
      if (after) stop.abort(reason);
      await expect(taken).rejects.toBe(reason);
    }
  });
});
