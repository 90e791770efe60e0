/** `key list`, `key info`, `key wink`, and which key a command is about: one, several, none, one that may not be opened. */
import { describe, expect, it } from 'vitest';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { HidHal } from '../../../drivers/hal/hid.ts';
import { desk, deskWith, key } from '../../support/cli/keys.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';

const FIRST = 'virtual:fido2:0';
const SECOND = 'virtual:fido2:1';

/** A host that does not let anybody open one device. */
const withClosed = (hid: HidHal, path: string): HidHal => ({
  list: (options) => hid.list(options),
  watch: (options) => hid.watch(options),
  open: async (wanted, options) => {
    if (wanted === path) throw new UnlockdError('ERR_HAL_PERMISSION', `${path}: the udev rule is missing`);
    return await hid.open(wanted, options);
  },
});

describe('key list', () => {
  it('says what is plugged in, and what each is', async () => {
    const { run } = desk(key('2.1'), key('bio'));
    const ran = await run('list');
    expect(ran.stdout).toBe(
      `Virtual Security Key (${FIRST}), serial number VIRTUAL0000
  FIDO_2_0, FIDO_2_1; PIN not set, at least 4 characters; no reader
Virtual Security Key (${SECOND}), serial number VIRTUAL0001
  FIDO_2_0, FIDO_2_1; PIN not set, at least 4 characters; no finger yet
`,
    );
    expect([ran.exit, ran.stderr]).toEqual([0, '']);
  });

  it('has a line for one that may not be opened, with what is missing', async () => {
    const { run, json, person } = desk(key('2.1'), key('2.0'));
    const hid = withClosed(person.hid, FIRST);
    expect((await run('list', { hid })).stdout).toContain('cannot be used: virtual:fido2:0: the udev rule is missing');
    const { object } = await json('list', { hid });
    expect(object.result.keys).toMatchObject([
      { path: FIRST, problem: { code: 'ERR_HAL_PERMISSION' } },
      { path: SECOND, problem: null, pin: 'not-set', versions: ['FIDO_2_0'] },
    ]);
  });

  it('says that there is none, and is no failure', async () => {
    const ran = await desk().run('list');
    expect([ran.exit, ran.stdout]).toEqual([0, expect.stringContaining('No security key is plugged in')]);
  });

  it('of one at a path that is not there is one', async () => {
    const ran = await desk(key()).run('list --device /dev/hidraw9');
    expect([ran.exit, ran.stderr]).toEqual([10, expect.stringContaining('no security key at /dev/hidraw9')]);
  });
});

describe('key info', () => {
  it('shows everything that a key says, and the tries that are left', async () => {
    const { run, json } = await deskWith('enterprise');
    const { stdout } = await run('info');
    for (const line of [
      /^ +speaks +FIDO_2_0, FIDO_2_1$/m,
      /^ +PIN +set, 8 tries left, at least 4 characters$/m,
      /^ +always verifies +off$/m,
      /^ +enterprise attestation +off$/m,
      /^ +algorithms +ES256, EdDSA$/m,
      /^ +room for accounts +25 more$/m,
      /^ +large blobs +up to 1024 bytes$/m,
      /^ +winks +yes$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect((await json('info')).object.result).toMatchObject({
      path: FIRST,
      pin: 'set',
      pinTriesLeft: 8,
      pinNeedsReplug: false,
      fingerprints: 'no-reader',
      maxMessageBytes: 1200,
      algorithms: [-7, -8],
    });
  });

  it.each(['2.0', '2.1-no-pin', 'bio-preview', 'always-uv', '2.3'] as const)(
    'understands a %s key',
    async (profile) => {
      const authenticator = key(profile);
      const { json } = desk(authenticator);
      const { object, exit } = await json('info');
      expect(exit).toBe(0);
      expect(object.result.versions).toEqual(authenticator.profile.versions);
      expect(object.result.pin).toBe(profile === '2.1-no-pin' ? 'not-supported' : 'not-set');
    },
  );

  it('keeps members that nobody knows, and lets none of them act on the terminal', async () => {
    const authenticator = key();
    authenticator.misbehave({
      name: 'a member of the future',
      reply: (reply) =>
        reply.body?.has(3) === true && reply.body.has(1)
          ? { ...reply, body: new Map([...reply.body, [0x63, 'red \u001b[31m\nforged line']]) }
          : reply,
    });
    const { run, json } = desk(authenticator);
    const { stdout } = await run('info');
    expect(stdout).toMatch(/^ +member 99 +red \ufffd\[31m\ufffdforged line$/m);
    expect((await json('info')).object.result.unknown).toEqual({ 99: 'red \u001b[31m\nforged line' });
  });
});

describe('key wink', () => {
  it('makes every key blink, or the one at a path', async () => {
    const [one, two] = [key(), key('2.0')];
    const { run } = desk(one, two);
    expect((await run('wink')).stdout).toBe(
      `Virtual Security Key (${FIRST}) winks.\nVirtual Security Key (${SECOND}) winks.\n`,
    );
    await run(`wink --device ${SECOND}`);
    expect([one.winks, two.winks]).toEqual([1, 2]);
  });
});

describe('which key', () => {
  it('is the one that is touched, where there are several; the others are left dark', async () => {
    const [one, two, three] = [key('2.1'), key('2.0'), key('bio')];
    const { json, person } = desk(one, two, three);
    person.willing = false;
    // The second is touched when all three wait.
    const waits = [one, two, three].map((each) => each.presence);
    for (const presence of waits) {
      presence.onWait(() => {
        if (waits.every((each) => each.waiting)) queueMicrotask(() => two.touch());
      });
    }
    const { object, events, exit } = await json('info');
    expect([exit, object.result.path]).toEqual([0, SECOND]);
    expect(waits.map((each) => each.waiting)).toEqual([false, false, false]);
    expect(events.map(({ type, device }) => [type, device]).sort()).toEqual([
      ['touch', FIRST],
      ['touch', SECOND],
      ['touch', 'virtual:fido2:2'],
    ]);
  });

  it('is asked for in one sentence', async () => {
    const { run } = desk(key(), key());
    const { stderr } = await run('info');
    expect(stderr).toBe('Several security keys are plugged in: touch the one that you mean\n');
  });

  it('is not asked for with --device', async () => {
    const { json, person } = desk(key(), key());
    person.willing = false;
    const { object, events } = await json(`info --device ${SECOND}`);
    expect([object.result.path, events]).toEqual([SECOND, []]);
  });

  it('stops blinking, each of them, when the person interrupts', async () => {
    const keys = [key(), key('2.0'), key('bio')];
    const { run, person } = desk(...keys);
    person.willing = false;
    const stop = new AbortController();
    for (const { presence } of keys) {
      presence.onWait(() => {
        if (keys.every((each) => each.presence.waiting)) queueMicrotask(() => stop.abort(new Error('SIGINT')));
      });
    }
    const ran = await run('info', { interrupted: stop.signal });
    expect(ran.exit).toBe(6);
    expect(keys.map((each) => each.presence.waiting)).toEqual([false, false, false]);
    // They are free for whoever comes next.
    person.willing = true;
    expect((await run('info')).exit).toBe(0);
  });

  it('goes on with those that are left when one is pulled out', async () => {
    const [one, two] = [key(), key()];
    const { json, person } = desk(one, two);
    person.willing = false;
    const both = () => one.presence.waiting && two.presence.waiting;
    for (const presence of [one.presence, two.presence]) {
      presence.onWait(() => {
        if (!both()) return;
        queueMicrotask(() => {
          one.remove();
          two.touch();
        });
      });
    }
    expect((await json('info')).object.result.path).toBe(SECOND);
  });

  it('is waited for where there is none', async () => {
    const authenticator = key();
    authenticator.remove();
    const { run } = desk(authenticator);
    const ran = await run('info', { onStderr: () => setImmediate(() => authenticator.insert()) });
    expect([ran.exit, ran.stderr]).toEqual([0, 'Plug your security key in\n']);
  });

  it('does not come: a minute later that is the end', async () => {
    const clock = new ManualClock();
    const { json } = desk();
    const ran = await json('info', { clock, onStderr: () => setImmediate(() => void clock.advance(60_001)) });
    expect(ran.object.error.code).toBe('ERR_CTAP_NO_KEY');
  });

  it('may not be opened: the message says what is missing', async () => {
    const { run, person } = desk(key());
    const ran = await run('info', { hid: withClosed(person.hid, FIRST) });
    expect([ran.exit, ran.stderr]).toEqual([5, expect.stringContaining('the udev rule is missing')]);
  });

  it('is another than the one that may not be opened', async () => {
    const { json, person } = desk(key(), key());
    const { object } = await json('info', { hid: withClosed(person.hid, FIRST) });
    expect(object.result.path).toBe(SECOND);
  });

  it('is pulled out while its PIN is typed: the prompt ends', async () => {
    const { authenticator, run } = await deskWith('2.1', [['a.example', 'first']]);
    const ran = await run('credentials list', {
      typed: [null],
      onTerminal: () => setImmediate(() => authenticator.remove()),
    });
    expect([ran.exit, ran.stderr]).toEqual([10, expect.stringContaining('ERR_HAL_DISCONNECTED')]);
    expect(ran.terminal).toContain('(8 tries left)');
  });
});
