/** The control line of the virtual authenticator: the hands of a person, and every misbehaviour by its name. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../drivers/base/clock.ts';
import { AUTH_DATA_FLAG } from '../../../drivers/fido2/wire/constants.ts';
import { CTAPHID } from '../../../drivers/fido2/wire/ctaphid.ts';
import { Control } from '../../../hal-mocks/fido2/control.ts';
import { FAULTS } from '../../../hal-mocks/fido2/faults.ts';
import { USAGE } from '../../../hal-mocks/fido2/options.ts';
import { settle } from './manual-clock.ts';
import { flagsOf, makeParameters, RawHost } from './raw-host.ts';

const GET_INFO = Uint8Array.of(0x04);

const bench = () => {
  const host = new RawHost();
  const control = new Control(host.authenticator, systemClock);
  return { host, control, run: (line: string) => control.run(line) };
};

describe('a fault on the control line', () => {
  it.each(Object.entries(FAULTS))('%s is taken by its name, and taken away again', async (name, { number }) => {
    const { host, run } = bench();
    const cid = await host.open();
    expect(run(`fault ${name}`)).toEqual({ ok: true });
    expect(run(`fault ${name} 7`).ok).toBe(number !== null);
    expect(run('behave')).toEqual({ ok: true });
    expect((await host.bytes(cid, GET_INFO)).status).toBe(0);
  });

  it.each([
    'fault',
    'fault nothing',
    'fault constructor',
    'fault busy x',
    'fault busy -1',
    'fault busy 1 2',
    'lie',
    'lie uv',
    'lie uv maybe',
    'lie up on',
    'lie counter',
    'lie counter x',
    'lie constructor',
    'lie __proto__ 1',
    'unplug-at x',
    'unplug',
  ])('%s is refused with a reason', (line) => {
    expect(bench().run(line)).toEqual({ ok: false, reason: expect.stringMatching(/./) });
  });

  it('are listed', () => {
    expect(bench().run('faults')).toEqual({ ok: true, faults: Object.keys(FAULTS).join(' ') });
    for (const word of ['fault', 'faults', 'lie', 'unplug-at', 'behave']) expect(USAGE).toContain(word);
  });
});

describe('a lie on the control line', () => {
  const made = async (lie: string) => {
    const { host, run } = bench();
    host.authenticator.presence.onWait(() => queueMicrotask(() => host.authenticator.touch()));
    expect(run(lie)).toEqual({ ok: true });
    const { body } = await host.ctap(await host.open(), 0x01, makeParameters());
    return { flags: flagsOf(body), authData: body.get(2) as Uint8Array };
  };

  it('about flags and the counter is in what the key signs', async () => {
    expect((await made('lie uv on')).flags & AUTH_DATA_FLAG.UV).not.toBe(0);
    expect((await made('lie uv off')).flags & AUTH_DATA_FLAG.UV).toBe(0);
    expect((await made('lie up off')).flags & AUTH_DATA_FLAG.UP).toBe(0);
    const { authData } = await made('lie counter 7');
    expect(new DataView(authData.buffer, authData.byteOffset).getUint32(33)).toBe(7);
  });

  it.each(['lie rp', 'lie credential', 'lie signature'])('%s is taken', (line) => {
    expect(bench().run(line)).toEqual({ ok: true });
  });

  it('unplug-at pulls the key out in front of that report', async () => {
    const { host, run } = bench();
    const cid = await host.open();
    let reports = 0;
    host.authenticator.listen({ report: () => reports++, gone: () => undefined });
    run('unplug-at 3');
    host.send(cid, CTAPHID.CBOR, GET_INFO);
    await settle();
    expect([reports, host.authenticator.plugged]).toEqual([2, false]);
  });
});
