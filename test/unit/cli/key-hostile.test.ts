/** `key …` with a key that lies: every command ends with an answer or a typed error, and prints nothing that acts on a terminal. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CborMap, CborValue } from '../../../drivers/fido2/wire/cbor.ts';
import type { Behaviour } from '../../../hal-mocks/fido2/behaviour.ts';
import { deepNesting, hugeClaim, indefiniteMap, trailingBytes } from '../../../hal-mocks/fido2/lies.ts';
import { deskWith, PIN } from '../../support/cli/keys.ts';

const COMMANDS = [
  'list',
  'info',
  'wink',
  'pin change',
  'credentials list',
  'credentials rename 00 --name x',
  'credentials delete 00 --yes',
  'fingerprints list',
  'fingerprints add',
  'fingerprints remove 00 --yes',
  'config always-uv on',
  'config min-pin-length 6 --yes',
  'blobs list',
  'blobs get 00',
] as const;

/** What a person would type who has one PIN for everything. */
const typed = Array.from({ length: 12 }, () => PIN);
/** Anything that moves a cursor, or hides what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const ACTING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** Ends as something that this program knows, whatever it is. */
async function endsWell(line: string, behaviour: Behaviour): Promise<void> {
  const { authenticator, json, run } = await deskWith('bio', [['a.example', 'first']]);
  authenticator.reader.onWait(() => queueMicrotask(() => authenticator.reader.show('thumb')));
  const stop = authenticator.misbehave(behaviour);
  const { object, exit } = await json(line, { typed });
  expect([line, behaviour.name, object.ok || String(object.error.code)]).not.toContain('ERR_CLI_INTERNAL');
  expect(exit === 0).toBe(object.ok);
  const words = await run(line, { typed });
  expect(words.stdout + words.stderr).not.toMatch(ACTING);
  stop();
}

/** Replaces one value somewhere in an answer, by its number among all values in it. */
function corrupt(map: CborMap, at: number, value: CborValue): CborMap {
  let left = at;
  const walk = (old: CborValue): CborValue => {
    if (left-- === 0) return value;
    if (Array.isArray(old)) return old.map(walk);
    if (old instanceof Map) return new Map([...old].map(([name, inner]) => [name, walk(inner)]));
    return old;
  };
  return new Map([...map].map(([name, inner]) => [name, walk(inner)]));
}

const VALUES: readonly CborValue[] = [
  null,
  true,
  0,
  -1,
  0xffff_ffff,
  '',
  '\u001b[2J\n\u202eroot\u0000',
  new Uint8Array(0),
  new Uint8Array(300).fill(0xff),
  [],
  new Map(),
  [new Map<string, CborValue>([['id', new Uint8Array(4)]])],
];

describe('key commands, with a key that', () => {
  it.each<[string, () => Behaviour]>([
    ['nests without end', () => deepNesting(3000)],
    ['claims to send more than there is', () => hugeClaim()],
    ['sends maps without a length', () => indefiniteMap()],
    ['sends more than its answer', () => trailingBytes(0, 1)],
  ])('%s, end with an error of the key', async (_what, behaviour) => {
    for (const line of ['list', 'credentials list', 'fingerprints list', 'blobs list'])
      await endsWell(line, behaviour());
  });

  it('sends anything in the place of anything, end as something that is known', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...COMMANDS),
        fc.nat(3),
        fc.nat(25),
        fc.constantFrom(...VALUES),
        async (line, skip, at, value) => {
          let answers = 0;
          await endsWell(line, {
            name: `answer ${skip}, value ${at}`,
            reply: (reply) =>
              reply.body === null || answers++ < skip ? reply : { ...reply, body: corrupt(reply.body, at, value) },
          });
        },
      ),
      { numRuns: 60 },
    );
  });
});
