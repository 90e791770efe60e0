/** `key config …` and `key reset`: what outlives a power cycle, and what takes all of it back. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import type { CborKey, CborValue } from '../../../drivers/fido2/wire/cbor.ts';
import { PROFILES } from '../../../hal-mocks/fido2/profile.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { desk, deskWith, key, PIN } from '../../support/cli/keys.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';

describe('key config', () => {
  it('turns always-uv on and off, and leaves it where it is so already', async () => {
    const { json, run, authenticator } = await deskWith('enterprise');
    expect((await json('config always-uv on', { typed: [PIN] })).object.result).toMatchObject({ alwaysVerifies: true });
    expect(authenticator.state.alwaysUv).toBe(true);
    const again = await run('config always-uv on', { typed: [] });
    expect([again.exit, again.terminal]).toEqual([0, '']);
    const off = await run('config always-uv off', { typed: [PIN] });
    expect(off.stdout).toContain(
      'only where it is asked to.\nA key that was enrolled in a container answers with another',
    );
    expect(authenticator.state.alwaysUv).toBe(false);
  });

  it('says so when a key only claims that it changed', async () => {
    const { json, authenticator } = await deskWith('enterprise');
    authenticator.misbehave({
      name: 'never always',
      reply: (reply) => {
        const options = reply.body?.get(4);
        if (!(options instanceof Map) || !options.has('alwaysUv')) return reply;
        return {
          ...reply,
          body: new Map<CborKey, CborValue>([...(reply.body ?? []), [4, new Map([...options, ['alwaysUv', false]])]]),
        };
      },
    });
    const ran = await json('config always-uv on', { typed: [PIN] });
    expect(ran.object.error.code).toBe('ERR_CTAP_MALFORMED_RESPONSE');
  });

  it('makes PINs longer, when the word is typed, and never shorter', async () => {
    const { run, json, authenticator } = await deskWith('2.1');
    const refused = await run('config min-pin-length 8', { typed: ['no'] });
    expect([refused.exit, authenticator.state.minPinLength]).toEqual([6, 4]);
    const ran = await run('config min-pin-length 8 --show-to a.example --show-to b.example', { typed: ['SET', PIN] });
    expect(ran.stdout).toBe(
      'A PIN of the security key has at least 8 characters.\n' +
        'The one it has may be shorter: change it, `unlockctl key pin change`.\n',
    );
    expect(authenticator.state).toMatchObject({ minPinLength: 8, minPinLengthRpIds: ['a.example', 'b.example'] });
    const shorter = await json('config min-pin-length 6 --yes', { typed: [] });
    expect([shorter.object.error.code, shorter.terminal]).toEqual(['ERR_CTAP_PIN_POLICY', '']);
  });

  it('names who may ask for the length, without a word: it can be undone', async () => {
    const { run, json, authenticator } = await deskWith('2.1');
    await run('config min-pin-length --show-to a.example', { typed: [PIN] });
    expect(authenticator.state.minPinLengthRpIds).toEqual(['a.example']);
    const many = 'abcde'
      .split('')
      .map((name) => `--show-to ${name}.example`)
      .join(' ');
    const ran = await json(`config min-pin-length ${many}`, { typed: [PIN] });
    expect(ran.object.error).toMatchObject({ code: 'ERR_CTAP_STORAGE_FULL', detail: { capacity: 4 } });
    expect((await json('config min-pin-length')).exit).toBe(2);
    expect((await json('config min-pin-length 3')).exit).toBe(2);
  });

  it('turns enterprise attestation on, when the word is typed', async () => {
    const { run, authenticator } = await deskWith('enterprise');
    expect((await run('config enterprise-attestation', { typed: [''] })).exit).toBe(6);
    expect(authenticator.state.enterpriseAttestation).toBe(false);
    expect((await run('config enterprise-attestation', { typed: ['SET', PIN] })).exit).toBe(0);
    expect(authenticator.state.enterpriseAttestation).toBe(true);
  });

  it('without a terminal needs --yes, and takes no PIN before it knows', async () => {
    const { json, authenticator } = await deskWith('enterprise');
    const line = 'config enterprise-attestation --key-pin-fd 3';
    const ran = await json(line, { lines: { 3: [PIN] } });
    expect([ran.exit, ran.object.error.message]).toEqual([2, expect.stringContaining('--yes is needed')]);
    expect((await json(`${line} --yes`, { lines: { 3: [PIN] } })).exit).toBe(0);
    expect(authenticator.state.enterpriseAttestation).toBe(true);
  });

  it('of a key without a PIN needs none', async () => {
    const authenticator = key('enterprise');
    const { run } = desk(authenticator);
    expect((await run('config min-pin-length 6 --yes', { typed: [] })).exit).toBe(0);
    expect(authenticator.state.minPinLength).toBe(6);
    expect((await run('config force-pin-change', { typed: [] })).stderr).toContain('ERR_CTAP_PIN_NOT_SET');
  });

  it.each([
    ['2.0', 'always-uv on'],
    ['2.1', 'always-uv on'],
    ['2.1', 'enterprise-attestation --yes'],
    ['2.0', 'min-pin-length 6 --yes'],
    ['2.0', 'force-pin-change'],
  ] as const)('of a %s key that cannot is refused before anything is asked: %s', async (profile, line) => {
    const { json } = await deskWith(profile);
    const ran = await json(`config ${line}`, { typed: [PIN] });
    expect([ran.object.error.code, ran.terminal]).toEqual(['ERR_CTAP_UNSUPPORTED', '']);
  });
});

/** Does what is asked for with the key: out, then in. */
const obedient =
  (authenticator: VirtualAuthenticator, back: VirtualAuthenticator = authenticator) =>
  (text: string) => {
    if (text.startsWith('Unplug')) setImmediate(() => authenticator.remove());
    if (text.startsWith('Plug it in again')) setImmediate(() => back.insert());
  };

describe('key reset', () => {
  it('warns, wants the word, asks for the key out and in again, a touch, and then everything is gone', async () => {
    const { run, authenticator } = await deskWith('2.1', [['a.example', 'first']]);
    const ran = await run('reset', { typed: ['RESET'], onStderr: obedient(authenticator) });
    expect(ran.terminal).toContain(
      'forget its PIN, its fingers and every account and key that was made with it, for ever',
    );
    expect(ran.stderr.split('\n')).toEqual([
      'Unplug Virtual Security Key (virtual:fido2:0)',
      expect.stringContaining('Plug it in again, and touch it'),
      'Touch Virtual Security Key (virtual:fido2:0) now',
      '',
    ]);
    expect([ran.exit, ran.stdout]).toEqual([0, expect.stringContaining('is as new')]);
    expect(authenticator.state).toMatchObject({ residents: [], pinHash: null });
  });

  it('does nothing when another word is typed, or there is nobody to type it', async () => {
    const { run, authenticator } = await deskWith('2.1', [['a.example', 'first']]);
    for (const typed of ['reset', 'yes', '']) expect((await run('reset', { typed: [typed] })).exit).toBe(6);
    expect((await run('reset')).exit).toBe(2);
    expect([authenticator.plugged, authenticator.state.residents.length]).toEqual([true, 1]);
  });

  it('of one of several is of the one that was touched, and no other one is asked for', async () => {
    const [one, two] = [key('2.1'), key('2.1')];
    const { json, person } = desk(one, two);
    person.willing = false;
    two.presence.onWait(() => queueMicrotask(() => two.touch()));
    const ran = await json('reset --yes', {
      onStderr: (text) => {
        if (text.includes('Unplug')) setImmediate(() => two.remove());
        if (text.includes('Plug it in')) setImmediate(() => two.insert());
      },
    });
    expect(ran.object.result).toEqual({ reset: 'virtual:fido2:1' });
    expect(one.presence.waiting).toBe(false);
  });

  it('refuses another key that comes back in its place', async () => {
    const { authenticator, run, person } = await deskWith('2.1', [['a.example', 'first']]);
    const profile = { ...PROFILES['2.0'], aaguid: '00'.repeat(16) };
    const other = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy, profile });
    other.remove();
    const { path, ...same } = (await person.hid.list({ signal: new AbortController().signal }))[0] ?? { path: '' };
    const twin = person.hid.attach(other);
    // A host where both look alike, as keys without a serial number do.
    const hid = {
      list: person.hid.list.bind(person.hid),
      open: person.hid.open.bind(person.hid),
      watch: async function* (options: { signal: AbortSignal }) {
        for await (const event of person.hid.watch(options)) {
          yield event.device.path === twin.path
            ? { ...event, device: { ...same, path: twin.path } as typeof twin }
            : event;
        }
      },
    };
    const ran = await run('reset', { typed: ['RESET'], hid, onStderr: obedient(authenticator, other) });
    expect([ran.exit, ran.stderr]).toEqual([3, expect.stringContaining('another security key was plugged in')]);
    expect([authenticator.state.residents.length, path]).toEqual([1, 'virtual:fido2:0']);
  });

  it('goes on where the key was pulled out before anybody was asked to', async () => {
    const clock = new ManualClock();
    const authenticator = key();
    const { json, person } = desk(authenticator);
    const hid = {
      list: person.hid.list.bind(person.hid),
      open: person.hid.open.bind(person.hid),
      watch: (options: { signal: AbortSignal }) => {
        authenticator.remove();
        setImmediate(() => void clock.advance(2_001));
        return person.hid.watch(options);
      },
    };
    const ran = await json('reset --yes', {
      clock,
      hid,
      onStderr: (text) => void (text.includes('Plug it in') && setImmediate(() => authenticator.insert())),
    });
    expect(ran.object).toMatchObject({ ok: true });
    expect(ran.events.map(({ type }) => type)).toEqual(['insert', 'touch']);
  });

  it('that nobody unplugs the key for ends, and nothing was changed', async () => {
    const clock = new ManualClock();
    const authenticator = key();
    const { json } = desk(authenticator);
    const ran = await json('reset --yes', { clock, onStderr: () => setImmediate(() => void clock.advance(60_001)) });
    expect(ran.object.error).toMatchObject({
      code: 'ERR_CTAP_NO_KEY',
      message: expect.stringContaining('nothing was changed'),
    });
  });

  it('that is interrupted while the key waits for the touch leaves it dark and as it was', async () => {
    const { run, authenticator, person } = await deskWith('2.1', [['a.example', 'first']]);
    person.willing = false;
    const stop = new AbortController();
    authenticator.presence.onWait(() => queueMicrotask(() => stop.abort(new Error('SIGINT'))));
    const ran = await run('reset', {
      typed: ['RESET'],
      interrupted: stop.signal,
      onStderr: obedient(authenticator),
    });
    expect([ran.exit, authenticator.presence.waiting, authenticator.state.residents.length]).toEqual([6, false, 1]);
  });

  it('frees a key whose PIN is blocked', async () => {
    const { run, authenticator } = await deskWith('2.1');
    authenticator.configure((state) => {
      state.pinRetries = 0;
    });
    expect((await run('credentials list', { typed: [PIN] })).stderr).toContain('ERR_CTAP_PIN_BLOCKED');
    await run('reset', { typed: ['RESET'], onStderr: obedient(authenticator) });
    expect((await run('pin set', { typed: [PIN, PIN] })).exit).toBe(0);
  });
});
