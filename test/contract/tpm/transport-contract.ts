/**
 * The contract of the TPM seam (drivers/hal/tpm.ts), as tests that every way to a TPM has to pass: emulated here, the
 * chip on a lab box.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TpmHal, TpmTransport } from '../../../drivers/hal/tpm.ts';
import {
  getCommandsCommand,
  getRandomCommand,
  randomOf,
  responseCodeOf,
  unknownCommand,
} from '../../support/tpm/commands.ts';

export interface ContractTpm extends AsyncDisposable {
  readonly hal: TpmHal;
  readonly managesHandles: boolean;
  /** Takes the TPM away from under the connection, and brings it back. Null where that cannot be done. */
  readonly power: { kill(): Promise<void>; restore(): Promise<void> } | null;
}

/** Null tells nobody to stop; the tests' own deadline does. */
const whenever = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

/**
 * @param open makes the TPM that all tests of the suite share, or says why there is none and what to set
 */
export function describeTpmContract(
  name: string,
  open: (() => Promise<ContractTpm>) | { readonly skip: string },
): void {
  if ('skip' in open) {
    describe.skip(`TPM contract: ${name} (skipped: ${open.skip})`, () => {
      it('is not run', () => undefined);
    });
    return;
  }

  describe(`TPM contract: ${name}`, () => {
    let tpm: ContractTpm;
    beforeAll(async () => {
      tpm = await open();
    });
    afterAll(async () => {
      await tpm[Symbol.asyncDispose]();
    });
    const connect = (): Promise<TpmTransport> => tpm.hal.open(whenever());

    it('answers TPM2_GetRandom with as many bytes as were asked for', async () => {
      await using transport = await connect();
      const first = await transport.submit(getRandomCommand(16), {});
      expect(responseCodeOf(first)).toBe(0);
      expect(randomOf(first)).toHaveLength(16);
      const second = await transport.submit(getRandomCommand(16), {});
      expect(randomOf(second)).not.toEqual(randomOf(first));
    });

    it('names itself in the words of the configuration, and says who manages handles', async () => {
      await using transport = await connect();
      expect(transport.description).toBe(tpm.hal.description);
      expect(transport.managesHandles).toBe(tpm.managesHandles);
    });

    it('gives a response that the caller owns', async () => {
      await using transport = await connect();
      const first = await transport.submit(getRandomCommand(8), {});
      const copy = first.slice();
      const second = await transport.submit(getRandomCommand(8), {});
      second.fill(0xee);
      expect(first).toEqual(copy);
    });

    it('hands a long response over whole', async () => {
      await using transport = await connect();
      const long = await transport.submit(getCommandsCommand(), {});
      expect(responseCodeOf(long)).toBe(0);
      expect(long.length).toBeGreaterThan(200);
      expect(Buffer.from(long).readUInt32BE(2)).toBe(long.length);
    });

    it('hands the refusal of a command over as a response', async () => {
      await using transport = await connect();
      expect(responseCodeOf(await transport.submit(unknownCommand(), {}))).toBe(0x143);
    });

    it('leaves the command to the caller unchanged', async () => {
      await using transport = await connect();
      const command = getRandomCommand(8);
      await transport.submit(command, {});
      expect(command).toEqual(getRandomCommand(8));
    });

    it('takes one command at a time: a second one is a TypeError, and the first has its answer', async () => {
      await using transport = await connect();
      const first = transport.submit(getRandomCommand(8), {});
      await expect(transport.submit(getRandomCommand(16), {})).rejects.toThrow(TypeError);
      expect(randomOf(await first)).toHaveLength(8);
      expect(randomOf(await transport.submit(getRandomCommand(12), {}))).toHaveLength(12);
    });

    it('refuses a command that lies about its size before the TPM sees it', async () => {
      await using transport = await connect();
      const lie = getRandomCommand(8);
      lie[5] = 13;
      await expect(transport.submit(lie, {})).rejects.toThrow(RangeError);
      await expect(transport.submit(new Uint8Array(3), {})).rejects.toThrow(RangeError);
      expect(randomOf(await transport.submit(getRandomCommand(8), {}))).toHaveLength(8);
    });

    it('sends nothing when the signal was aborted before', async () => {
      await using transport = await connect();
      const reason = new Error('changed my mind');
      await expect(transport.submit(getRandomCommand(8), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(randomOf(await transport.submit(getRandomCommand(16), {}))).toHaveLength(16);
    });

    it('rejects at once when the signal aborts, and swallows the late answer', async () => {
      await using transport = await connect();
      for (let round = 0; round < 5; round++) {
        const controller = new AbortController();
        const reason = new Error(`round ${round}`);
        const aborted = transport.submit(getRandomCommand(8), { signal: controller.signal });
        controller.abort(reason);
        await expect(aborted).rejects.toBe(reason);
        expect(randomOf(await transport.submit(getRandomCommand(20 + round), {}))).toHaveLength(20 + round);
      }
    });

    it('can be closed twice, and answers ERR_HAL_CLOSED afterwards', async () => {
      const transport = await connect();
      await transport.submit(getRandomCommand(8), {});
      await Promise.all([transport.close(), transport.close()]);
      await transport.close();
      await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
    });

    it('ends a command that is waiting with ERR_HAL_CLOSED when it is closed', async () => {
      const transport = await connect();
      const waiting = transport.submit(getRandomCommand(8), {});
      const outcome = expect(waiting).rejects.toMatchObject({ code: 'ERR_HAL_CLOSED' });
      await transport.close();
      await outcome;
      await using again = await connect();
      expect(randomOf(await again.submit(getRandomCommand(9), {}))).toHaveLength(9);
    });

    it('does not open when the signal was aborted before', async () => {
      const reason = new Error('no more');
      await expect(tpm.hal.open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    it('is dead once the TPM went away, and a new connection serves when it is back', async (context) => {
      const { power } = tpm;
      if (power === null) {
        context.skip('this TPM cannot be taken away');
        return;
      }
      const transport = await connect();
      await transport.submit(getRandomCommand(8), {});
      await power.kill();
      await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
      await expect(tpm.hal.open(whenever())).rejects.toMatchObject({ code: 'ERR_HAL_NOT_FOUND' });
      await power.restore();
      await expect(transport.submit(getRandomCommand(8), {})).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
      await transport.close();
      await using again = await connect();
      expect(randomOf(await again.submit(getRandomCommand(8), {}))).toHaveLength(8);
    });
  });
}
