/** What is closed when a scope ends may fail in its turn: the error that the scope ended with is the one that is told. */
import { describe, expect, it } from 'vitest';
import { toRefusal } from '../../../agent/api/refusal.ts';
import { CeremonyRun } from '../../../agent/service/ceremony-run.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { closeAtScopeEnd, errorOfScope } from '../../../drivers/base/scope-end.ts';
import { CTAPHID } from '../../../drivers/fido2/wire/ctaphid.ts';
import { Tpm } from '../../../drivers/tpm2/index.ts';
import { error as ctapError, scene, send } from '../../support/fido2/channel-scene.ts';

const wrong = new UnlockdError('ERR_TPM_AUTH_FAILED', 'the PIN is wrong');
const io = new UnlockdError('ERR_HAL_IO', 'finalize failed');
const fault = new TypeError('a fault of the program');
const refusing = (error: Error): AsyncDisposable => ({ [Symbol.asyncDispose]: () => Promise.reject(error) });

/** A scope that ends with `wrong`, while each of these is closed and fails. */
async function failingScope(...closing: readonly Error[]): Promise<never> {
  await using _first = refusing(closing[0] ?? io);
  await using _second = refusing(closing[1] ?? io);
  throw wrong;
}

describe('an error under what the end of its scope has thrown on top of it', () => {
  it('is found, however many closings have failed', async () => {
    const thrown = await failingScope(io, fault).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ name: 'SuppressedError' });
    expect(errorOfScope(thrown)).toBe(wrong);
    expect(toRefusal(thrown)).toMatchObject({ code: 'ERR_TPM_AUTH_FAILED', message: 'the PIN is wrong' });
  });

  it('is what the ceremony ends with', async () => {
    const run = new CeremonyRun({ id: '00', kind: 'unlock', uid: 1000 });
    const reported: unknown[] = [];
    await run.run(
      () => failingScope(),
      (error) => reported.push(error),
    );
    const events = [];
    for await (const event of run.events({ signal: new AbortController().signal })) events.push(event);
    expect(events).toMatchObject([{ type: 'failed', refusal: { code: 'ERR_TPM_AUTH_FAILED' } }]);
    expect(reported).toMatchObject([{ name: 'SuppressedError' }]);
  });

  it.each([[wrong], [fault], ['text'], [null], [{ name: 'SuppressedError', suppressed: wrong }]])(
    'is itself where nothing was thrown on top: %s',
    (thrown) => {
      expect(errorOfScope(thrown)).toBe(thrown);
    },
  );

  it('is looked for no deeper than a scope can be: a chain that bites its tail ends', () => {
    const snake = Object.assign(new Error('round'), { name: 'SuppressedError', suppressed: null as unknown });
    snake.suppressed = snake;
    expect(errorOfScope(snake)).toBe(snake);
  });
});

describe('what is closed at the end of a scope', () => {
  it('may fail as devices do, and not as programs do', async () => {
    await expect(closeAtScopeEnd(() => Promise.reject(io))).resolves.toBeUndefined();
    await expect(closeAtScopeEnd(() => Promise.reject(fault))).rejects.toBe(fault);
  });

  it('a TPM: its own word about the command stays, and close alone says that it could not be closed', async () => {
    const transport = {
      description: 'one that cannot be closed',
      managesHandles: true,
      submit: () => Promise.reject(new UnlockdError('ERR_HAL_DISCONNECTED', 'gone')),
      close: () => Promise.reject(io),
      [Symbol.asyncDispose]: () => Promise.reject(io),
    };
    const command = { command: 'GetRandom', parameters: Uint8Array.of(0, 8) } as const;
    const use = async (): Promise<void> => {
      await using tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy });
      await tpm.execute(command);
    };
    await expect(use()).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
    const tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy });
    await expect(tpm.close()).rejects.toBe(io);
  });

  it('a channel to a security key: what the key said stays', async () => {
    const request = Uint8Array.of(0x04);
    await scene(
      () => [...send(CTAPHID.CBOR, request), ...ctapError(0x7f)],
      async ({ channel, connection, ask }) => {
        const close = connection.close.bind(connection);
        connection.close = async () => {
          await close();
          throw io;
        };
        const use = async (): Promise<void> => {
          await using _channel = channel;
          await ask();
        };
        await expect(use()).rejects.toMatchObject({ code: 'ERR_CTAP_TRANSPORT' });
      },
    );
  });
});
