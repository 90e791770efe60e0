/** `key fingerprints …`: teaching a key a finger, sample by sample, and making it forget one. */
import { describe, expect, it } from 'vitest';
import type { SampleQuality } from '../../../hal-mocks/fido2/finger-reader.ts';
import type { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { desk, deskWith, key, PIN } from '../../support/cli/keys.ts';

/** Puts a thumb on the reader each time it is wanted, as well as it goes. */
function show({ reader }: VirtualAuthenticator, ...qualities: readonly SampleQuality[]) {
  const left = [...qualities];
  return reader.onWait(() => queueMicrotask(() => reader.show('thumb', left.shift() ?? 'good')));
}

const idOf = ({ state }: VirtualAuthenticator, at = 0) => Buffer.from(state.templates[at]?.id ?? []).toString('hex');

describe.each(['bio', 'bio-preview'] as const)('key fingerprints of a %s key', (profile) => {
  it('adds one sample by sample, lists it, renames it and removes it', async () => {
    const { run, authenticator } = await deskWith(profile);
    expect((await run('fingerprints list', { typed: [] })).stdout).toBe('The security key knows no finger yet.\n');
    const stop = show(authenticator, 'good', 'tooFast', 'good', 'good');
    const added = await run('fingerprints add', { typed: [PIN] });
    stop();
    const id = idOf(authenticator);
    expect(added.stdout).toBe(`The security key knows the finger ${id} now.\n`);
    expect(added.stderr.split('\n')).toEqual([
      'Put one finger on the reader of Virtual Security Key (virtual:fido2:0) and lift it, 3 times',
      'good: 2 times more',
      'too fast: 2 times more',
      'good: once more',
      'good: done',
      '',
    ]);
    show(authenticator);
    await run(`fingerprints rename ${id.slice(0, 12)} thumb`, { typed: [PIN] });
    expect((await run('fingerprints list', { typed: [PIN] })).stdout).toBe(`${id}  thumb\n`);
    const refused = await run(`fingerprints remove ${id}`, { typed: [PIN, 'x'] });
    expect([refused.exit, authenticator.state.templates.length]).toEqual([6, 1]);
    const removed = await run(`fingerprints remove ${id}`, { typed: [PIN, 'REMOVE'] });
    expect(removed.stdout).toContain('forgotten the finger thumb.\nIt knows no finger any more');
    expect(authenticator.state.templates).toEqual([]);
  });
});

describe('key fingerprints', () => {
  it('with --json tells each sample as a line', async () => {
    const { json, authenticator } = await deskWith('bio');
    show(authenticator);
    const { object, events } = await json('fingerprints add --name thumb --key-pin-fd 3', { lines: { 3: [PIN] } });
    expect(object.result).toEqual({ added: { id: idOf(authenticator), name: 'thumb' } });
    expect(events.map(({ type }) => type)).toEqual(['prompt', 'touch', 'sample', 'sample', 'sample']);
    expect(events[3]).toMatchObject({ status: 'good', remaining: 1 });
  });

  it('leaves nothing in the key when it is interrupted', async () => {
    const { run, authenticator } = await deskWith('bio');
    const stop = new AbortController();
    show(authenticator);
    const ran = await run('fingerprints add', {
      typed: [PIN],
      interrupted: stop.signal,
      onStderr: (text) => text.startsWith('good') && stop.abort(new Error('SIGINT')),
    });
    expect([ran.exit, authenticator.state.templates, authenticator.reader.waiting]).toEqual([6, [], false]);
  });

  it('refuses a name that the key would cut, and an id of none', async () => {
    const { json, authenticator } = await deskWith('bio');
    const long = await json(`fingerprints add --name ${'x'.repeat(33)}`, { typed: [PIN] });
    expect([long.object.error.code, long.terminal]).toEqual(['ERR_CTAP_STORAGE_FULL', '']);
    show(authenticator);
    await json('fingerprints add', { typed: [PIN] });
    expect((await json('fingerprints remove ffffffffff --yes', { typed: [PIN] })).object.error.code).toBe(
      'ERR_CTAP_NO_SUCH_ID',
    );
    expect(authenticator.state.templates).toHaveLength(1);
  });

  it('of a key without a reader is refused before anything is asked', async () => {
    const { json } = await deskWith('2.1');
    for (const line of ['list', 'add', 'remove 0a', 'rename 0a thumb']) {
      const ran = await json(`fingerprints ${line}`, { typed: [PIN] });
      expect([ran.object.error.code, ran.terminal]).toEqual(['ERR_CTAP_UNSUPPORTED', '']);
    }
  });

  it('of a key without a PIN says that it needs one', async () => {
    const { json } = desk(key('bio'));
    expect((await json('fingerprints add', { typed: [] })).object.error.code).toBe('ERR_CTAP_PIN_NOT_SET');
  });
});
