/** `key add` and `key revoke`, as commander sees them: the keys of the own container, not what is on a key. */
import type { Command } from 'commander';
import type { CommonOptions } from '../context.ts';
import type { FdOf } from '../secret-sources.ts';
import { parseKeyId } from '../values.ts';

export type KeySetChoice =
  | { readonly name: 'key add'; readonly label: string | null; readonly fds: FdOf }
  | { readonly name: 'key revoke'; readonly id: string; readonly fds: FdOf };

type Values = CommonOptions & Readonly<Record<string, unknown>>;

interface Tools {
  /** With the descriptors of an unlock. */
  readonly addUnlock: (parent: Command, name: string, description: string) => Command;
  readonly fdsOf: (options: Values) => FdOf;
  readonly examples: (command: Command, ...lines: readonly string[]) => Command;
  readonly choose: (choice: KeySetChoice & { readonly common: CommonOptions }) => void;
}

export function addKeySet(key: Command, { addUnlock, fdsOf, examples, choose }: Tools): void {
  const add = addUnlock(key, 'add', 'enrol another security key into your container; takes a whole unlock').option(
    '--name <text>',
    'what it is to be called; by its model where it is left out',
  );
  add.action((o: Values & { name?: string }) =>
    choose({ name: 'key add', common: o, label: o.name ?? null, fds: fdsOf(o) }),
  );
  examples(add, 'unlockctl key add', "unlockctl key add --name 'the one in the safe'");

  const revoke = addUnlock(key, 'revoke', 'a security key opens your container no more; takes a whole unlock').argument(
    '<id>',
    'as `unlockctl status` lists it',
    parseKeyId,
  );
  revoke.action((id: string, o: Values) => choose({ name: 'key revoke', common: o, id, fds: fdsOf(o) }));
  examples(revoke, 'unlockctl key revoke 1f0c9a2b');
}
