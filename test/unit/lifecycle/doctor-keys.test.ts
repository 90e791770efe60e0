/** What `unlockctl doctor` says of security keys and of the file that says which may be enrolled. */
import { describe, expect, it } from 'vitest';
import {
  type KeyFact,
  keyFindings,
  type MetadataFact,
  metadataFindings,
} from '../../../agent/lifecycle/doctor-keys.ts';

const key: KeyFact & { readonly problem: null } = {
  name: 'A key at /dev/hidraw0',
  problem: null,
  versions: ['FIDO_2_1'],
  hmacSecret: true,
  pin: 'set',
  pinTriesLeft: 8,
  pinNeedsReplug: false,
  pinMustChange: false,
  fingerprints: 'no-reader',
  fingerprintTriesLeft: null,
};
const saidOf = (change: Partial<typeof key>) =>
  keyFindings([{ ...key, ...change }]).map(({ level, text }) => `${level} ${text.replace(`${key.name}: `, '')}`);

describe('doctor, of security keys', () => {
  it('says that there is none', () => {
    expect(keyFindings([])).toEqual([
      { check: 'keys', level: 'info', text: 'no security key is plugged in', cure: null },
    ]);
  });

  it('says what one can and has left', () => {
    expect(saidOf({})).toEqual(['ok speaks FIDO_2_1, has hmac-secret', 'ok PIN set, 8 tries left']);
  });

  it.each<[string, Partial<typeof key>, string]>([
    ['no hmac-secret', { hmacSecret: false }, 'warning speaks FIDO_2_1, has no hmac-secret'],
    ['no PIN', { pin: 'not-set', pinTriesLeft: null }, 'info has no PIN'],
    ['no way to have a PIN', { pin: 'not-supported', pinTriesLeft: null }, 'info takes no PIN'],
    ['three tries left', { pinTriesLeft: 3 }, 'warning PIN set, 3 tries left'],
    ['a blocked PIN', { pinTriesLeft: 0 }, 'problem its PIN is blocked'],
    ['to be plugged in anew', { pinNeedsReplug: true }, 'warning takes no PIN now'],
    ['a PIN that has to be changed', { pinMustChange: true }, 'warning its PIN has to be changed'],
    ['a reader without a finger', { fingerprints: 'none-enrolled' }, 'info knows no finger'],
    ['a finger', { fingerprints: 'enrolled', fingerprintTriesLeft: 5 }, 'ok knows a finger, 5 tries left'],
    ['a blocked reader', { fingerprints: 'enrolled', fingerprintTriesLeft: 0 }, 'warning knows a finger, 0 tries left'],
  ])('names a key with %s', (_, change, expected) => {
    expect(saidOf(change)).toContain(expected);
  });

  it('gives the reason and the cure of one that may not be opened', () => {
    const problem = { code: 'ERR_HAL_PERMISSION', message: 'no rule gives access', cure: 'Install the rule.' };
    expect(keyFindings([{ name: 'A key', problem }])).toEqual([
      {
        check: 'keys',
        level: 'warning',
        text: 'A key: no rule gives access (ERR_HAL_PERMISSION)',
        cure: 'Install the rule.',
      },
    ]);
  });
});

describe('doctor, of the metadata file', () => {
  const file: MetadataFact = { path: '/etc/unlockd/mds', problem: null, models: 12, signed: true, ageDays: 3 };

  it('says nothing where none is named', () => expect(metadataFindings(null)).toEqual([]));

  it.each<[Partial<MetadataFact>, string, string]>([
    [{}, 'ok', '/etc/unlockd/mds: 12 models, signed, 3 days old'],
    [{ signed: false, ageDays: null }, 'ok', '/etc/unlockd/mds: 12 models, not signed'],
    [{ ageDays: 91 }, 'warning', '/etc/unlockd/mds: 12 models, signed, 91 days old'],
    [
      { problem: { code: 'ERR_CTAP_METADATA_FILE', message: 'the signature is wrong', cure: 'Get it anew.' } },
      'problem',
      '/etc/unlockd/mds: the signature is wrong (ERR_CTAP_METADATA_FILE); no key is enrolled',
    ],
  ])('says how it is: %j', (change, level, text) => {
    expect(metadataFindings({ ...file, ...change })).toMatchObject([{ level, text }]);
  });
});
