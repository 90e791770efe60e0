/**
 * `unlockctl key …` against virtual security keys of this process: what is typed is scripted, touches come by themselves, and
 * no PIN that was typed may stand in anything that is printed.
 */
import { expect } from 'vitest';
import type { ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import type { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { opened, PIN, store } from '../fido2/managed-key.ts';
import { key, type Person, person } from '../fido2/person.ts';
import { ctl, type Ran, type Typed } from './fake-deps.ts';

export interface Desk {
  /** Whoever touches: see `willing`. */
  readonly person: Person;
  /** Runs `unlockctl key LINE`. */
  run(line: string, world?: Typed): Promise<Ran>;
  /** The same with `--json`: the one object on stdout, the lines of JSON on stderr. */
  json(line: string, world?: Typed): Promise<Ran & { readonly object: Answer; readonly events: readonly Line[] }>;
}

/** What a program reads. */
type Line = Readonly<Record<string, unknown>>;
type Answer = { readonly ok: boolean; readonly result: Line; readonly error: Line };

/** @param keys plugged in, in this order */
export function desk(...keys: readonly VirtualAuthenticator[]): Desk {
  return deskOf(person(...keys));
}

export function deskOf(someone: Person): Desk {
  const run: Desk['run'] = async (line, world = {}) => {
    const ran = await ctl('/nowhere', ['key', ...line.split(' ')], { hid: someone.hid, ...world });
    const secrets = [...(world.typed ?? []), ...Object.values(world.lines ?? {}).flat()].filter(
      (text): text is string => typeof text === 'string' && /^\d{4,}$/.test(text),
    );
    for (const pin of secrets) expect(ran.stdout + ran.stderr + ran.terminal).not.toContain(pin);
    return ran;
  };
  return {
    person: someone,
    run,
    json: async (line, world) => {
      const ran = await run(`${line} --json`, world);
      expect(ran.stdout.trimEnd().split('\n')).toHaveLength(1);
      const events = ran.stderr.split('\n').filter((text) => text !== '');
      return { ...ran, object: JSON.parse(ran.stdout), events: events.map((text) => JSON.parse(text)) };
    },
  };
}

/** A key of a kind with a PIN on the desk, and accounts stored on it. */
export async function deskWith(profile: ProfileName, accounts: readonly (readonly [string, string])[] = []) {
  const { authenticator, alice, session } = await opened(profile);
  const ids: string[] = [];
  const extensions = authenticator.profile.largeBlobs > 0 ? new Map([['largeBlobKey', true]]) : new Map();
  for (const [rpId, user] of accounts) {
    const { credential } = await store(alice, session, rpId, user, extensions);
    ids.push(Buffer.from(credential.credentialId).toString('hex'));
  }
  await session[Symbol.asyncDispose]();
  return { authenticator, ids, ...deskOf(alice) };
}

export { key, PIN };
