/**
 * Attacks and accidents on a verification by the real fprintd: forged statuses, another program that takes its name, a
 * daemon that stops answering, a reader that somebody else has, rights that are missing, a daemon that has to be started.
 */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import type { BiometricHal, RetryReason, VerifyOptions } from '../../../drivers/hal/biometric.ts';
import { fprintd } from '../../../drivers/linux/biometric/fprintd.ts';
import { missingForFprintd, READER, RealFprintd } from '../../support/biometric/real-fprintd.ts';
import { PrivateBus } from '../../support/session/private-bus.ts';

const FINGER = 'right-index-finger';
const never = (): AbortSignal => new AbortController().signal;
const DEVICE = 'net.reactivated.Fprint.Device';
const MATCH = {
  path: READER,
  interface: DEVICE,
  member: 'VerifyStatus',
  signature: 'sb',
  body: ['verify-match', true],
};

const missing = missingForFprintd();
const because = missing === null ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== null)(`a verification by fprintd${because}`, () => {
  let real: RealFprintd;
  let hal: BiometricHal;
  beforeEach(async () => {
    real = await RealFprintd.start();
    await real.enrol('ana', FINGER);
    hal = fprintd({ bus: real.bus.address, within: seconds(5) });
  });
  afterEach(async () => {
    await hal[Symbol.asyncDispose]();
    await real[Symbol.asyncDispose]();
  });
  const verify = (more: Partial<VerifyOptions> = {}) =>
    hal.verify({ modality: 'fingerprint', user: 'ana', within: seconds(30), signal: never(), ...more });

  it('a status that another connection sends to us alone is no status', async () => {
    const outcome = verify();
    await real.command('SLEEP 300');
    const stranger = real.bus.stranger();
    for (const name of await stranger.others()) stranger.forgeSignal(name, MATCH);
    await stranger.settled();
    await real.command('SCAN another');
    expect(await outcome).toEqual({ is: 'no-match' });
  });

  it('a forged wish for another try is not passed on', async () => {
    const seen: RetryReason[] = [];
    const outcome = verify({ onRetry: (why) => seen.push(why) });
    await real.command('SLEEP 300');
    const stranger = real.bus.stranger();
    const retry = { ...MATCH, body: ['verify-retry-scan', false] };
    for (const name of await stranger.others()) stranger.forgeSignal(name, retry);
    await stranger.settled();
    await real.command(`SCAN ${FINGER}`);
    expect(await outcome).toMatchObject({ is: 'match' });
    expect(seen).toEqual([]);
  });

  it('a forged notice that fprintd has gone ends nothing', async () => {
    const outcome = verify();
    await real.command('SLEEP 300');
    const stranger = real.bus.stranger();
    const gone = {
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'NameOwnerChanged',
      signature: 'sss',
      body: ['net.reactivated.Fprint', ':1.0', ''],
    };
    for (const name of await stranger.others()) stranger.forgeSignal(name, gone);
    await stranger.settled();
    await real.command(`SCAN ${FINGER}`);
    expect(await outcome).toMatchObject({ is: 'match' });
  });

  it('another program that takes the name of a dead fprintd does not speak for its verification', async () => {
    const outcome = verify();
    await real.command('SLEEP 20000');
    const squatter = real.bus.stranger();
    const listening = await squatter.others();
    await real.killDaemon();
    expect(await squatter.own('net.reactivated.Fprint')).toBe(true);
    for (const name of listening) squatter.forgeSignal(name, MATCH);
    expect(await outcome).toMatchObject({ is: 'unavailable', reason: 'disconnected' });
  });

  it('a daemon that stops answering in the midst of it ends in a time-out, and is left without a claim', async () => {
    const outcome = verify({ within: milliseconds(1000) });
    await real.command('SLEEP 20000');
    real.freezeDaemon(true);
    expect(await outcome).toMatchObject({ is: 'unavailable', reason: 'timed-out' });
    real.freezeDaemon(false);
    await expect.poll(() => real.claimed()).toBe(false);
  });

  it('a bus that dies in the midst of it is a disconnection', async () => {
    const outcome = verify();
    await real.command('SLEEP 20000');
    await real.bus.stopDaemon();
    expect(await outcome).toMatchObject({ is: 'unavailable', reason: 'disconnected' });
  });

  it('a reader that somebody else has claimed is busy', async () => {
    await real.device('Claim', 'ben');
    expect(await verify()).toMatchObject({ is: 'unavailable', reason: 'busy' });
    await real.device('Release');
    expect(await real.claimed()).toBe(false);
  });

  it('an error of the reader is a failure, and the reader is free', async () => {
    const outcome = verify();
    await real.command('ERROR 0');
    expect(await outcome).toMatchObject({ is: 'unavailable', reason: 'failed' });
    expect(await real.claimed()).toBe(false);
  });

  it('without the right to ask for others nothing is told, and nothing matches', async () => {
    await real.allow(false);
    expect(await verify()).toMatchObject({ is: 'unavailable', reason: 'no-permission' });
    const told = hal.enrolled('ana', 'fingerprint', { signal: never() });
    await expect(told).rejects.toMatchObject({ code: 'ERR_HAL_PERMISSION' });
  });
});

describe('a machine without fprintd', () => {
  it('has no readers, and says why', async () => {
    await using hal = fprintd({ bus: 'unix:path=/nonexistent/bus' });
    await expect(hal.readers({ signal: never() })).rejects.toMatchObject({ code: 'ERR_HAL_NOT_FOUND' });
    const asked = { modality: 'fingerprint', user: 'ana', within: seconds(5), signal: never() } as const;
    expect(await hal.verify(asked)).toMatchObject({ is: 'unavailable', reason: 'no-reader' });
  });

  it.skipIf(missing !== null)(`is one that can start it, where the bus knows how${because}`, async () => {
    await using bus = await PrivateBus.start();
    await bus.stopDaemon();
    const services = join(bus.folder, 'services');
    const pidFile = join(bus.folder, 'pid');
    await mkdir(services);
    const program = join(bus.folder, 'start');
    const environment = `DBUS_SYSTEM_BUS_ADDRESS=${bus.address} STATE_DIRECTORY=${bus.folder} FP_VIRTUAL_DEVICE=${bus.folder}/reader FP_DRIVERS_ALLOWLIST=virtual_device`;
    await writeFile(program, `#!/bin/sh\necho $$ >${pidFile}\n${environment} exec /usr/libexec/fprintd --no-timeout\n`);
    await chmod(program, 0o700);
    const service = `[D-BUS Service]\nName=net.reactivated.Fprint\nExec=${program}\n`;
    await writeFile(join(services, 'net.reactivated.Fprint.service'), service);
    const config = join(bus.folder, 'bus.conf');
    const text = await readFile(config, 'utf8');
    await writeFile(config, text.replace('</busconfig>', `<servicedir>${services}</servicedir></busconfig>`));
    await bus.startDaemon();
    try {
      await using hal = fprintd({ bus: bus.address });
      expect(await hal.readers({ signal: never() })).toHaveLength(1);
    } finally {
      spawnSync('kill', ['-KILL', (await readFile(pidFile, 'utf8')).trim()]);
    }
  });
});
