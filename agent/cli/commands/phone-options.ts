/** `phone list|add|remove` and `biometric add|remove`, as commander sees them. */
import { Argument, type Command } from 'commander';
import type { CommonOptions } from '../context.ts';
import type { FdOf } from '../secret-sources.ts';
import { parseAddress } from '../values.ts';

export type PhoneChoice =
  | { readonly name: 'phone list' }
  | { readonly name: 'phone add'; readonly address: string; readonly fds: FdOf }
  | { readonly name: 'phone remove'; readonly address: string; readonly user: string | null }
  | {
      readonly name: 'biometric add' | 'biometric remove';
      readonly modality: 'fingerprint' | 'face';
      readonly fds: FdOf;
    };

type Values = CommonOptions & Readonly<Record<string, unknown>>;

interface Tools {
  readonly add: (parent: Command, name: string, description: string) => Command;
  /** With the descriptors of an unlock. */
  readonly addUnlock: (parent: Command, name: string, description: string) => Command;
  readonly fdsOf: (options: Values) => FdOf;
  readonly examples: (command: Command, ...lines: readonly string[]) => Command;
  readonly choose: (choice: PhoneChoice & { readonly common: CommonOptions }) => void;
}

export function addPhones(program: Command, tools: Tools): void {
  const { add, addUnlock, fdsOf, examples, choose } = tools;
  const phone = program.command('phone').description('your phone as a factor, by a proof over Bluetooth');
  const list = add(phone, 'list', 'your enrolled phones, and paired ones that could be enrolled');
  list.action((o: Values) => choose({ name: 'phone list', common: o }));
  examples(list, 'unlockctl phone list');
  const address = () => new Argument('<address>', 'as `phone list` shows it').argParser(parseAddress);
  const enrol = addUnlock(phone, 'add', 'enrol a paired phone; takes a whole unlock').addArgument(address());
  enrol.action((given: string, o: Values) => choose({ name: 'phone add', common: o, address: given, fds: fdsOf(o) }));
  examples(enrol, 'unlockctl phone add a0:b1:c2:d3:e4:f5');
  const remove = add(phone, 'remove', 'your phone counts no more; as root that of another user')
    .addArgument(address())
    .option('--user <name>', 'whose phone: a user name or a uid');
  remove.action((given: string, o: Values & { user?: string }) =>
    choose({ name: 'phone remove', common: o, address: given, user: o.user ?? null }),
  );
  examples(remove, 'unlockctl phone remove a0:b1:c2:d3:e4:f5');

  const biometric = program.command('biometric').description('your finger or face, as the system recognises it');
  const modality = () => new Argument('<modality>').choices(['fingerprint', 'face']);
  for (const [verb, what] of [
    ['add', 'it counts from now on; takes a whole unlock'],
    ['remove', 'it counts no more; takes a whole unlock'],
  ] as const) {
    const command = addUnlock(biometric, verb, what).addArgument(modality());
    command.action((given: 'fingerprint' | 'face', o: Values) =>
      choose({ name: `biometric ${verb}`, common: o, modality: given, fds: fdsOf(o) }),
    );
    examples(command, `unlockctl biometric ${verb} fingerprint`);
  }
}
