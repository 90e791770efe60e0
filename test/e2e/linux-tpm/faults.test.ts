/**
 * Seeded faults between the driver and a software TPM. Every command ends with its result or a typed error, and a new
 * connection serves again; a fault never turns into a result that is not true.
 */
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { TpmHal } from '../../../drivers/hal/tpm.ts';
import { linuxTpm } from '../../../drivers/linux/tpm/open.ts';
import {
  create,
  createPrimary,
  factorTemplate,
  getRandom,
  load,
  SRK_ECC,
  sessionAuth,
  startAuthSession,
  Tpm,
  unseal,
} from '../../../drivers/tpm2/index.ts';
import { startByteProxy } from '../../../hal-mocks/tpm2/byte-proxy.ts';
import { plannedFaults, seededFaults, withTpmFaults } from '../../../hal-mocks/tpm2/faults.ts';
import { startSwtpm, swtpmMissing } from '../../../hal-mocks/tpm2/swtpm.ts';
import { getCommandsCommand, getRandomCommand, randomOf } from '../../support/tpm/commands.ts';

const missing = await swtpmMissing();
const title = missing === null ? 'faults on the way to a TPM' : `faults on the way to a TPM (skipped: ${missing})`;
const whenever = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

/** Seals and unseals over a salted session; resolves with what came out. */
async function sealAndUnseal(hal: TpmHal): Promise<string> {
  await using tpm = new Tpm(await hal.open(whenever()), { clock: systemClock, entropy: systemEntropy });
  await tpm.flushLeftovers();
  using value = Secret.copyOf(Buffer.from('a factor'));
  using data = Secret.copyOf(Buffer.from('what was sealed'));
  await using srk = await createPrimary(tpm, SRK_ECC);
  await using session = await startAuthSession(tpm, { kind: 'hmac', salt: srk });
  const blob = await create(tpm, srk, factorTemplate(false), { sensitive: { authValue: value, data } });
  await using object = await load(tpm, srk, blob);
  using secret = await unseal(tpm, object, sessionAuth(session, value, { encrypt: true }));
  return Buffer.from(secret.expose()).toString();
}

describe.skipIf(missing !== null)(title, () => {
  it('delay, truncate, corrupt and break exactly the commands of the plan', async () => {
    await using swtpm = await startSwtpm();
    const plan = plannedFaults({
      1: { kind: 'delay', span: milliseconds(1) },
      2: { kind: 'truncate', bytes: 3 },
      3: { kind: 'corrupt', at: 1, xor: 0xff },
      4: { kind: 'disconnect-before' },
      6: { kind: 'disconnect-after' },
    });
    const hal = withTpmFaults(linuxTpm(swtpm.config), plan, systemClock);
    const first = await hal.open(whenever());
    const submit = () => first.submit(getRandomCommand(8), {});
    expect(randomOf(await submit())).toHaveLength(8);
    expect(randomOf(await submit())).toHaveLength(8);
    const short = await submit();
    expect([short.length, Buffer.from(short).readUInt32BE(2)]).toEqual([17, 17]);
    expect((await submit())[11]).toBe(8 ^ 0xff);
    await expect(submit()).rejects.toThrow(/broken at command 4/);
    await expect(submit()).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
    await using second = await hal.open(whenever());
    expect(randomOf(await second.submit(getRandomCommand(8), {}))).toHaveLength(8);
    await expect(second.submit(getRandomCommand(8), {})).rejects.toThrow(/broken at command 6/);
  });

  it('are the same for the same seed, others for another, and name their seed', () => {
    const kinds = ['delay', 'truncate', 'corrupt', 'disconnect-before', 'disconnect-after'] as const;
    const drawn = (seed: number) => Array.from({ length: 200 }, (_, i) => seededFaults(seed, 0.3, kinds).faultAt(i));
    expect(drawn(7)).toEqual(drawn(7));
    expect(drawn(7)).not.toEqual(drawn(8));
    expect(new Set(drawn(7).map((fault) => fault?.kind)).size).toBe(6);
    expect(seededFaults(7, 0.3, kinds).name).toContain('seed 7');
  });

  it('end in the right data or a typed error, and the TPM serves afterwards', async () => {
    await using swtpm = await startSwtpm();
    const clean = linuxTpm(swtpm.config);
    const kinds = ['truncate', 'corrupt', 'disconnect-before', 'disconnect-after', 'delay'] as const;
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const hal = withTpmFaults(clean, seededFaults(seed, 0.08, kinds), systemClock);
      try {
        expect(await sealAndUnseal(hal), `seed ${seed}`).toBe('what was sealed');
        outcomes.add('ok');
      } catch (error) {
        if (!isUnlockdError(error)) throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
        outcomes.add(error.code);
      }
    }
    expect([...outcomes]).toEqual(expect.arrayContaining(['ok', 'ERR_HAL_DISCONNECTED', 'ERR_TPM_MALFORMED_RESPONSE']));
    expect(await sealAndUnseal(clean)).toBe('what was sealed');
  });

  it('below the seam: a response in pieces of 1 to 16 bytes is put together', async () => {
    await using swtpm = await startSwtpm();
    await using proxy = await startByteProxy({ socketPath: swtpm.socketPath, seed: 3 });
    const hal = linuxTpm(proxy.config);
    await using transport = await hal.open(whenever());
    const whole = await transport.submit(getCommandsCommand(), {});
    expect(Buffer.from(whole).readUInt32BE(2)).toBe(whole.length);
    await transport.close();
    expect(await sealAndUnseal(hal)).toBe('what was sealed');
  });

  it('below the seam: a stream that ends anywhere in a response is ERR_HAL_DISCONNECTED', async () => {
    await using swtpm = await startSwtpm();
    for (const cutAfter of [0, 1, 9, 10, 11, 19]) {
      await using proxy = await startByteProxy({ socketPath: swtpm.socketPath, seed: cutAfter, cutAfter });
      await using tpm = new Tpm(await linuxTpm(proxy.config).open(whenever()), {
        clock: systemClock,
        entropy: systemEntropy,
      });
      await expect(getRandom(tpm, 8)).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
    }
    expect(await sealAndUnseal(linuxTpm(swtpm.config))).toBe('what was sealed');
  });
});
