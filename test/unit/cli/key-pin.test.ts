/** `key pin set` and `key pin change`: which tries are left is said before one is spent, and no PIN is ever shown. */
import { describe, expect, it } from 'vitest';
import { desk, deskWith, key, PIN } from '../../support/cli/keys.ts';

const NEW = '864201';

describe('key pin set', () => {
  it.each(['2.1', '2.0', 'bio', 'bio-preview', 'protocol-1-only', 'always-uv'] as const)(
    'gives a %s key its first PIN, asked for twice',
    async (profile) => {
      const authenticator = key(profile);
      const { run } = desk(authenticator);
      const ran = await run('pin set', { typed: [NEW, NEW] });
      expect([ran.exit, ran.stdout]).toEqual([0, 'Virtual Security Key (virtual:fido2:0) has a PIN now.\n']);
      expect(ran.terminal).toContain('at least 4 characters');
      expect(authenticator.state.pinHash).not.toBeNull();
      expect((await run('pin change', { typed: [NEW, PIN, PIN] })).exit).toBe(0);
    },
  );

  it('reads it once from a descriptor', async () => {
    const authenticator = key();
    const { json } = desk(authenticator);
    const { object, events } = await json('pin set --new-pin-fd 3', { lines: { 3: [NEW] } });
    expect(object).toEqual({ ok: true, result: { device: 'virtual:fido2:0', pin: 'set' } });
    expect(events).toMatchObject([{ type: 'prompt', slot: 'new-pin', triesLeft: null }]);
  });

  it('of a key that has one is refused, and says what to do instead', async () => {
    const { run } = await deskWith('2.1');
    const ran = await run('pin set', { typed: [NEW, NEW] });
    expect([ran.exit, ran.terminal]).toEqual([2, '']);
    expect(ran.stderr).toContain('unlockctl key pin change');
  });

  it('of a key that cannot have one is refused', async () => {
    const ran = await desk(key('2.1-no-pin')).run('pin set', { typed: [NEW, NEW] });
    expect([ran.exit, ran.stderr]).toEqual([10, expect.stringContaining('cannot have a PIN')]);
  });

  it('is refused when it is too short, or typed differently', async () => {
    const authenticator = key();
    const { run } = desk(authenticator);
    expect((await run('pin set', { typed: ['123', '123'] })).stderr).toContain('ERR_CTAP_PIN_POLICY');
    const differing = ['1234', '1235', '1234', '1235', '1234', '1235'];
    expect((await run('pin set', { typed: differing })).stderr).toContain('ERR_CLI_PIN_MISMATCH');
    expect(authenticator.state.pinHash).toBeNull();
  });

  it('without a place to read it from never looks at a key', async () => {
    const { run } = desk();
    const ran = await run('pin set');
    expect([ran.exit, ran.stderr]).toEqual([1, expect.stringContaining('ERR_CLI_NO_SECRET_SOURCE')]);
  });
});

describe('key pin change', () => {
  it('asks for the old one with the tries that are left, and again when it was wrong; the new one only once', async () => {
    const { run, authenticator } = await deskWith('2.1');
    const ran = await run('pin change', { typed: ['000000', NEW, NEW, PIN] });
    expect(ran.exit).toBe(0);
    expect(ran.terminal.match(/\(\d tries left\)/g)).toEqual(['(8 tries left)', '(7 tries left)']);
    expect(ran.stderr).toBe('PIN wrong, 7 tries left\n');
    expect(authenticator.state.pinRetries).toBe(8);
    expect((await run('pin change', { typed: [NEW, PIN, PIN] })).exit).toBe(0);
  });

  it('spends no try on a new PIN that the key would not take', async () => {
    const { run, authenticator } = await deskWith('2.1');
    expect((await run('pin change', { typed: ['000000', '12', '12'] })).stderr).toContain('ERR_CTAP_PIN_POLICY');
    expect(authenticator.state.pinRetries).toBe(8);
  });

  it('ends after three wrong ones in a row, until the key is plugged in again', async () => {
    const { run, authenticator } = await deskWith('2.1');
    const ran = await run('pin change', { typed: ['000001', NEW, NEW, '000002', '000003'] });
    expect([ran.exit, ran.stderr]).toEqual([7, expect.stringContaining('ERR_CTAP_PIN_AUTH_BLOCKED')]);
    expect(authenticator.state.pinRetries).toBe(5);
    const again = await run('pin change', { typed: [PIN, NEW, NEW] });
    expect([again.exit, again.terminal]).toEqual([7, '']);
    expect((await run('info')).stdout).toContain('set, 5 tries left, taken again only after the key was unplugged');
    authenticator.powerCycle();
    expect((await run('pin change', { typed: [PIN, NEW, NEW] })).exit).toBe(0);
  });

  it('says what the last try is, before it is spent, and that the PIN is blocked after it', async () => {
    const { run, authenticator } = await deskWith('2.1');
    authenticator.configure((state) => {
      state.pinRetries = 1;
    });
    const ran = await run('pin change', { typed: ['000001', NEW, NEW] });
    expect(ran.terminal).toContain('; if it is wrong, only a reset helps (1 try left): ');
    expect([ran.exit, ran.stderr]).toEqual([7, expect.stringContaining('ERR_CTAP_PIN_BLOCKED')]);
    expect((await run('info')).stdout).toContain('set, blocked for good');
  });

  it('reads both from descriptors, and ends with what was refused when there is no further line', async () => {
    const { json, run } = await deskWith('2.0');
    const line = 'pin change --key-pin-fd 3 --new-pin-fd 4';
    const wrong = await json(line, { lines: { 3: ['000000'], 4: [NEW] } });
    expect(wrong.object.error).toMatchObject({ code: 'ERR_CTAP_PIN_WRONG', detail: { triesLeft: 7 } });
    expect(wrong.exit).toBe(3);
    expect(wrong.events.map(({ type, triesLeft }) => [type, triesLeft])).toEqual([
      ['prompt', 8],
      ['prompt', null],
      ['refused', undefined],
      ['prompt', 7],
    ]);
    const right = await run(line, { lines: { 3: [PIN], 4: [NEW] } });
    expect([right.exit, right.stderr]).toEqual([0, 'PIN of Virtual Security Key (virtual:fido2:0) (7 tries left)\n']);
  });

  it.each([
    ['the old one', [null]],
    ['the new one', [PIN, null]],
    ['the new one again', [PIN, NEW, null]],
  ] as const)('ends when the key is pulled out while %s is typed', async (_what, typed) => {
    const { run, authenticator } = await deskWith('2.1');
    let asked = 0;
    const ran = await run('pin change', {
      typed,
      onTerminal: () => void (++asked === typed.length && setImmediate(() => authenticator.remove())),
    });
    expect([ran.exit, ran.stderr]).toEqual([10, expect.stringContaining('ERR_HAL_DISCONNECTED')]);
    expect(authenticator.state.pinRetries).toBe(8);
  });

  it('of a key without a PIN says which command gives it one', async () => {
    const ran = await desk(key()).run('pin change', { typed: [PIN, NEW, NEW] });
    expect(ran.stderr).toContain('`unlockctl key pin set`');
  });

  it('frees a key that insists on it', async () => {
    const { run, authenticator } = await deskWith('2.1');
    expect((await run('config force-pin-change', { typed: [PIN] })).exit).toBe(0);
    expect((await run('credentials list', { typed: [PIN] })).stderr).toContain('ERR_CTAP_PIN_CHANGE_REQUIRED');
    expect((await run('pin change', { typed: [PIN, NEW, NEW] })).exit).toBe(0);
    expect(authenticator.state.forcePinChange).toBe(false);
    expect((await run('credentials list', { typed: [NEW] })).exit).toBe(0);
  });
});
