/**
 * `key …` as commander sees it: what can be done with a security key itself, without the daemon. What a key is to a container
 * (enrolled, revoked) is added to the same group elsewhere.
 */
import { Argument, type Command, Option } from 'commander';
import { UnlockdError } from '../../../../drivers/base/errors.ts';
import type { SecretSlotIn } from '../../../api/ports.ts';
import type { CommonOptions } from '../../context.ts';
import type { FdOf } from '../../secret-sources.ts';
import { parseKeyItemId, parsePinLength } from '../../values.ts';

/** What each of them is given. */
interface Base {
  /** Path of the key; null: the only one, or the one that is touched. */
  readonly device: string | null;
  readonly fds: FdOf;
}

export type KeyChoice = Base &
  (
    | { readonly name: 'key list' | 'key info' | 'key wink' | 'key pin set' | 'key pin change' }
    | { readonly name: 'key reset'; readonly yes: boolean }
    | { readonly name: 'key credentials list'; readonly rpId: string | null }
    | { readonly name: 'key credentials delete'; readonly id: string; readonly yes: boolean }
    | {
        readonly name: 'key credentials rename';
        readonly id: string;
        readonly accountName: string | null;
        readonly displayName: string | null;
      }
    | { readonly name: 'key fingerprints list' }
    | { readonly name: 'key fingerprints add'; readonly finger: string | null }
    | { readonly name: 'key fingerprints rename'; readonly id: string; readonly finger: string }
    | { readonly name: 'key fingerprints remove'; readonly id: string; readonly yes: boolean }
    | { readonly name: 'key config always-uv'; readonly on: boolean }
    | {
        readonly name: 'key config min-pin-length';
        readonly length: number | null;
        readonly rpIds: readonly string[] | null;
        readonly yes: boolean;
      }
    | { readonly name: 'key config force-pin-change' }
    | { readonly name: 'key config enterprise-attestation'; readonly yes: boolean }
    | { readonly name: 'key blobs list' }
    | { readonly name: 'key blobs get'; readonly id: string; readonly output: string | null }
    | { readonly name: 'key blobs set'; readonly id: string; readonly file: string }
    | { readonly name: 'key blobs delete'; readonly id: string; readonly yes: boolean }
  );

type Values = CommonOptions &
  Readonly<Record<string, unknown>> & { readonly device?: string; readonly yes?: true; readonly output?: string };

export interface KeyTools {
  readonly addFds: (command: Command, slots: readonly SecretSlotIn[]) => Command;
  readonly fdsOf: (options: Values) => FdOf;
  readonly examples: (command: Command, ...lines: readonly string[]) => Command;
  readonly choose: (choice: KeyChoice & { readonly common: CommonOptions }) => void;
}

const KEY_PIN: readonly SecretSlotIn[] = ['key-pin'];
const WITHOUT_ASKING = 'do not ask for the word that confirms it';

/** @returns the group `key`, for further commands of it */
export function addKeyCommands(program: Command, tools: KeyTools): Command {
  const { addFds, fdsOf, examples, choose } = tools;
  const key = program
    .command('key')
    .description('security keys: what is on them (without the daemon), and which open your container');

  const add = (parent: Command, name: string, what: string, slots: readonly SecretSlotIn[] = []): Command =>
    addFds(
      parent
        .command(name)
        .description(what)
        .allowExcessArguments(false)
        .addOption(new Option('--json', 'print one JSON object on stdout and nothing else'))
        .addOption(new Option('--device <path>', 'the key at this path, as `key list` shows it')),
      slots,
    );
  const destroying = (parent: Command, name: string, what: string, slots: readonly SecretSlotIn[]): Command =>
    add(parent, name, what, slots).option('--yes', WITHOUT_ASKING);
  const base = (o: Values) => ({ common: o, device: o.device ?? null, fds: fdsOf(o) });
  const id = (list: string) =>
    new Argument('<id>', `as \`${list}\` shows it, or how it begins`).argParser(parseKeyItemId);

  const list = add(key, 'list', 'the keys that are plugged in, and what each is and can');
  list.action((o: Values) => choose({ ...base(o), name: 'key list' }));
  examples(list, 'unlockctl key list', 'unlockctl key list --json');
  const info = add(key, 'info', 'everything that a key says of itself, and the tries that are left');
  info.action((o: Values) => choose({ ...base(o), name: 'key info' }));
  examples(info, 'unlockctl key info', 'unlockctl key info --device /dev/hidraw3');
  const wink = add(key, 'wink', 'make every key blink for a moment, or the one at a path');
  wink.action((o: Values) => choose({ ...base(o), name: 'key wink' }));
  examples(wink, 'unlockctl key wink', 'unlockctl key wink --device /dev/hidraw3');

  const pin = key.command('pin').description('the PIN of a key');
  const set = add(pin, 'set', 'give a key without a PIN its first one', ['new-pin']);
  set.action((o: Values) => choose({ ...base(o), name: 'key pin set' }));
  examples(set, 'unlockctl key pin set', 'unlockctl key pin set --new-pin-fd 3 3<pin.txt');
  const change = add(pin, 'change', 'change the PIN of a key', ['key-pin', 'new-pin']);
  change.action((o: Values) => choose({ ...base(o), name: 'key pin change' }));
  examples(change, 'unlockctl key pin change');

  const credentials = key.command('credentials').description('the accounts that a key stores');
  const stored = add(credentials, 'list', 'the accounts that a key stores, and how many more fit', KEY_PIN).argument(
    '[rp-id]',
    'of this relying party only',
  );
  stored.action((rpId: string | undefined, o: Values) =>
    choose({ ...base(o), name: 'key credentials list', rpId: rpId ?? null }),
  );
  examples(stored, 'unlockctl key credentials list', 'unlockctl key credentials list example.org --json');
  const erase = destroying(credentials, 'delete', 'delete an account from a key, for ever', KEY_PIN).addArgument(
    id('key credentials list'),
  );
  erase.action((given: string, o: Values) =>
    choose({ ...base(o), name: 'key credentials delete', id: given, yes: o.yes === true }),
  );
  examples(erase, 'unlockctl key credentials delete 5f3a');
  const rename = add(credentials, 'rename', 'change the names of an account on a key', KEY_PIN)
    .addArgument(id('key credentials list'))
    .option('--name <name>', 'how the account is called')
    .option('--display-name <name>', 'how its owner is called');
  rename.action((given: string, o: Values & { name?: string; displayName?: string }) => {
    if (o.name === undefined && o.displayName === undefined) {
      throw new UnlockdError('ERR_CLI_USAGE', 'give --name, --display-name or both');
    }
    const names = { accountName: o.name ?? null, displayName: o.displayName ?? null };
    choose({ ...base(o), name: 'key credentials rename', id: given, ...names });
  });
  examples(rename, "unlockctl key credentials rename 5f3a --name work --display-name 'At work'");

  const fingerprints = key.command('fingerprints').description('the fingers that a key with a reader knows');
  const fingers = add(fingerprints, 'list', 'the fingers that a key knows', KEY_PIN);
  fingers.action((o: Values) => choose({ ...base(o), name: 'key fingerprints list' }));
  examples(fingers, 'unlockctl key fingerprints list');
  const enrol = add(fingerprints, 'add', 'teach a key a finger, sample by sample', KEY_PIN).option(
    '--name <name>',
    'how the finger is called',
  );
  enrol.action((o: Values & { name?: string }) =>
    choose({ ...base(o), name: 'key fingerprints add', finger: o.name ?? null }),
  );
  examples(enrol, "unlockctl key fingerprints add --name 'right thumb'");
  const call = add(fingerprints, 'rename', 'call a finger something else', KEY_PIN)
    .addArgument(id('key fingerprints list'))
    .argument('<name>', 'how it is called from now on');
  call.action((given: string, finger: string, o: Values) =>
    choose({ ...base(o), name: 'key fingerprints rename', id: given, finger }),
  );
  examples(call, "unlockctl key fingerprints rename 0a1b 'left thumb'");
  const forget = destroying(fingerprints, 'remove', 'make a key forget a finger', KEY_PIN).addArgument(
    id('key fingerprints list'),
  );
  forget.action((given: string, o: Values) =>
    choose({ ...base(o), name: 'key fingerprints remove', id: given, yes: o.yes === true }),
  );
  examples(forget, 'unlockctl key fingerprints remove 0a1b');

  const config = key.command('config').description('the settings of a key; `key info` shows them');
  const always = add(config, 'always-uv', 'whether a key wants its PIN or a finger at every use', KEY_PIN).addArgument(
    new Argument('<state>').choices(['on', 'off']),
  );
  always.action((state: 'on' | 'off', o: Values) =>
    choose({ ...base(o), name: 'key config always-uv', on: state === 'on' }),
  );
  examples(always, 'unlockctl key config always-uv on');
  const least = destroying(config, 'min-pin-length', 'how long a PIN has to be at least; it can only grow', KEY_PIN)
    .addArgument(new Argument('[length]', 'characters, 4 to 63').argParser(parsePinLength))
    .option(
      '--show-to <rp-id>',
      'who may ask a key for it; can be given several times',
      (rpId: string, all: readonly string[] | undefined) => [...(all ?? []), rpId],
    );
  least.action((length: number | undefined, o: Values & { showTo?: readonly string[] }) => {
    if (length === undefined && o.showTo === undefined) {
      throw new UnlockdError('ERR_CLI_USAGE', 'give a length, --show-to or both');
    }
    const change = { length: length ?? null, rpIds: o.showTo ?? null };
    choose({ ...base(o), name: 'key config min-pin-length', ...change, yes: o.yes === true });
  });
  examples(
    least,
    'unlockctl key config min-pin-length 8',
    'unlockctl key config min-pin-length --show-to example.org --show-to example.com',
  );
  const force = add(config, 'force-pin-change', 'make a key insist on a new PIN before it is used again', KEY_PIN);
  force.action((o: Values) => choose({ ...base(o), name: 'key config force-pin-change' }));
  examples(force, 'unlockctl key config force-pin-change');
  const enterprise = destroying(
    config,
    'enterprise-attestation',
    'let a key tell some relying parties which key it is; for ever',
    KEY_PIN,
  );
  enterprise.action((o: Values) =>
    choose({ ...base(o), name: 'key config enterprise-attestation', yes: o.yes === true }),
  );
  examples(enterprise, 'unlockctl key config enterprise-attestation');

  const owner = () =>
    new Argument('<id>', 'of the account, or key:FILE with the blob’s own key: 32 bytes, or their base64').argParser(
      (text: string) => (text.startsWith('key:') && text.length > 'key:'.length ? text : parseKeyItemId(text)),
    );
  const blobs = key.command('blobs').description('what a key keeps for its accounts beside their keys');
  const kept = add(blobs, 'list', 'the large blobs on a key, and whose they are', KEY_PIN);
  kept.action((o: Values) => choose({ ...base(o), name: 'key blobs list' }));
  examples(kept, 'unlockctl key blobs list');
  const get = add(blobs, 'get', 'read the large blob of an account', KEY_PIN)
    .addArgument(owner())
    .option('-o, --output <file>', 'write it to a file');
  get.action((given: string, o: Values) =>
    choose({ ...base(o), name: 'key blobs get', id: given, output: o.output ?? null }),
  );
  examples(get, 'unlockctl key blobs get 5f3a -o blob.bin', 'unlockctl key blobs get key:blob.key -o blob.bin');
  const put = add(blobs, 'set', 'store a large blob for an account', KEY_PIN)
    .addArgument(owner())
    .argument('<file>', 'what to store; - for standard input');
  put.action((given: string, file: string, o: Values) =>
    choose({ ...base(o), name: 'key blobs set', id: given, file }),
  );
  examples(put, 'unlockctl key blobs set 5f3a blob.bin');
  const drop = destroying(blobs, 'delete', 'delete the large blob of an account, for ever', KEY_PIN).addArgument(
    owner(),
  );
  drop.action((given: string, o: Values) =>
    choose({ ...base(o), name: 'key blobs delete', id: given, yes: o.yes === true }),
  );
  examples(drop, 'unlockctl key blobs delete 5f3a');

  const reset = destroying(key, 'reset', 'make a key forget its PIN, its fingers and every account, for ever', []);
  reset.action((o: Values) => choose({ ...base(o), name: 'key reset', yes: o.yes === true }));
  examples(reset, 'unlockctl key reset');
  return key;
}
