/** The retry table (Part 2 §6.6.3) over a transport that answers by a script, on a clock that only counts. */
import { describe, expect, it } from 'vitest';
import { u16, u32 } from '../../../drivers/base/bytes.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { getRandom, loadExternal, nameOf, readPublic, SRK_ECC, TPM_CC, Tpm } from '../../../drivers/tpm2/index.ts';
import { commandCode, response, scripted } from '../../support/tpm2/transport.ts';

const RANDOM = response(0, u16(4), Uint8Array.of(1, 2, 3, 4));

/** A TPM that answers each command by `answer`, and what was sent and slept. */
function play(answer: (code: number, nth: number, command: Uint8Array) => Uint8Array, managesHandles = false) {
  const sent: number[] = [];
  const slept: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep: async (span) => {
      slept.push(span);
    },
  };
  const transport = scripted(async (command) => {
    sent.push(commandCode(command));
    return answer(commandCode(command), sent.length, command);
  }, managesHandles);
  return { tpm: new Tpm(transport, { clock, entropy: systemEntropy }), sent, slept };
}

describe('a TPM that asks for patience', () => {
  it.each([
    ['TPM_RC_RETRY', 0x922],
    ['TPM_RC_YIELDED', 0x908],
    ['TPM_RC_TESTING', 0x90a],
  ])('with %s (0x%s) is asked again until it answers, later each time', async (_, rc) => {
    const { tpm, sent, slept } = play((_code, nth) => (nth <= 4 ? response(rc) : RANDOM));
    expect(await getRandom(tpm, 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(sent.length).toBe(5);
    expect(slept.length).toBe(4);
    expect([...slept].sort((a, b) => a - b)).toEqual(slept);
  });

  it('for ever is given up: ERR_TPM_BUSY, with the last code as cause', async () => {
    const { tpm, sent, slept } = play(() => response(0x922));
    await expect(getRandom(tpm, 4)).rejects.toMatchObject({ code: 'ERR_TPM_BUSY', cause: { rc: 0x922 } });
    expect(sent.length).toBe(12);
    expect(Math.max(...slept)).toBeLessThanOrEqual(1000);
  });

  it('is not asked again after a refusal', async () => {
    const { tpm, sent } = play(() => response(0x9a2));
    await expect(getRandom(tpm, 4)).rejects.toMatchObject({ rc: 0x9a2 });
    expect(sent).toEqual([TPM_CC.GetRandom]);
  });
});

describe('a TPM without a free slot', () => {
  /** GetCapability(HANDLES) answers with these handles of the range that was asked for. */
  const handles = (command: Uint8Array, all: readonly number[]): Uint8Array => {
    const first = Buffer.from(command).readUInt32BE(14);
    const found = all.filter((handle) => handle >>> 24 === first >>> 24);
    return response(0, Uint8Array.of(0), u32(1), u32(found.length), ...found.map(u32));
  };

  it.each([
    ['TPM_RC_OBJECT_MEMORY', 0x902],
    ['TPM_RC_SESSION_MEMORY', 0x903],
    ['TPM_RC_SESSION_HANDLES', 0x905],
  ])('%s: what others left loaded is flushed once, and the command repeated', async (_, rc) => {
    const foreign = new Set([0x80000000, 0x80000002, 0x02000001, 0x03000000]);
    const flushed: number[] = [];
    const { tpm } = play((code, nth, command) => {
      if (code === TPM_CC.GetCapability) return handles(command, [...foreign]);
      if (code === TPM_CC.FlushContext) {
        const handle = Buffer.from(command).readUInt32BE(10);
        flushed.push(handle);
        foreign.delete(handle);
        return response(0);
      }
      return nth === 1 ? response(rc) : RANDOM;
    });
    expect(await getRandom(tpm, 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(flushed).toEqual([0x80000000, 0x80000002, 0x02000001, 0x03000000]);
  });

  it('and nothing to flush: ERR_TPM_OUT_OF_MEMORY at once', async () => {
    const { tpm, sent } = play((code, _nth, command) =>
      code === TPM_CC.GetCapability ? handles(command, []) : response(0x902),
    );
    await expect(getRandom(tpm, 4)).rejects.toMatchObject({ code: 'ERR_TPM_OUT_OF_MEMORY', rc: 0x902 });
    expect(sent.filter((code) => code === TPM_CC.GetRandom).length).toBe(1);
  });

  it('again after the flush: ERR_TPM_OUT_OF_MEMORY, not a second round', async () => {
    const { tpm, sent } = play((code, _nth, command) => {
      if (code === TPM_CC.GetCapability) return handles(command, [0x80000000]);
      return code === TPM_CC.FlushContext ? response(0) : response(0x902);
    });
    await expect(getRandom(tpm, 4)).rejects.toMatchObject({ code: 'ERR_TPM_OUT_OF_MEMORY' });
    expect(sent.filter((code) => code === TPM_CC.GetRandom).length).toBe(2);
  });

  it('behind a resource manager: nothing of others is ever flushed', async () => {
    const { tpm, sent } = play(() => response(0x902), true);
    await expect(getRandom(tpm, 4)).rejects.toMatchObject({ code: 'ERR_TPM_OUT_OF_MEMORY' });
    expect(sent).toEqual([TPM_CC.GetRandom]);
    expect(await tpm.flushLeftovers()).toBe(0);
    expect(sent.length).toBe(1);
  });

  it('does not flush what this program has loaded itself', async () => {
    const flushed: number[] = [];
    let loads = 0;
    const key = { ...SRK_ECC, x: new Uint8Array(32).fill(1), y: new Uint8Array(32).fill(2) };
    const name = nameOf(key);
    const { tpm } = play((code, _nth, command) => {
      if (code === TPM_CC.GetCapability) return handles(command, [0x80000000, 0x80000001]);
      if (code === TPM_CC.FlushContext) {
        flushed.push(Buffer.from(command).readUInt32BE(10));
        return response(0);
      }
      if (code === TPM_CC.LoadExternal) {
        loads++;
        return response(0, u32(0x80000001), u16(name.length), name);
      }
      return loads > 0 && flushed.length === 0 ? response(0x902) : RANDOM;
    });
    const mine = await loadExternal(tpm, key);
    await getRandom(tpm, 4);
    expect(flushed).toEqual([0x80000000]);
    await mine.close();
    expect(flushed).toEqual([0x80000000, 0x80000001]);
    expect(tpm.loadedHandles).toBe(0);
  });
});

describe('a stream that is out of step', () => {
  it('is not used any more: after one malformed answer nothing is sent', async () => {
    const { tpm, sent } = play(() => Uint8Array.of(1, 2, 3));
    await expect(getRandom(tpm, 4)).rejects.toMatchObject({ code: 'ERR_TPM_MALFORMED_RESPONSE' });
    await expect(readPublic(tpm, 0x81000001)).rejects.toMatchObject({ code: 'ERR_TPM_MALFORMED_RESPONSE' });
    expect(sent.length).toBe(1);
  });

  it('a TPM that never answers is given up after the deadline: ERR_HAL_TIMEOUT, and nothing more is sent', async () => {
    const clock: Clock = {
      ...systemClock,
      timer: (_span, fire) => {
        const now = setImmediate(fire);
        return () => clearImmediate(now);
      },
    };
    let sent = 0;
    const transport = scripted(
      (_command, { signal }) =>
        new Promise((_resolve, reject) => {
          sent++;
          signal?.addEventListener('abort', () => reject(new UnlockdError('ERR_HAL_IO', 'gone')));
        }),
    );
    const tpm = new Tpm(transport, { clock, entropy: systemEntropy });
    await expect(getRandom(tpm, 4)).rejects.toMatchObject({ code: 'ERR_HAL_TIMEOUT' });
    await expect(getRandom(tpm, 4)).rejects.toMatchObject({ code: 'ERR_HAL_TIMEOUT' });
    expect(sent).toBe(1);
  });

  it('a transport that is disconnected is reported as that', async () => {
    const transport = scripted(() => Promise.reject(new UnlockdError('ERR_HAL_DISCONNECTED', 'gone')));
    const tpm = new Tpm(transport, { clock: systemClock, entropy: systemEntropy });
    await expect(getRandom(tpm, 4)).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
  });
});
