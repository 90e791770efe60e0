/** `phone list` and `phone remove`: one request each and its words. */
import type { PhoneLine } from '../../api/ports.ts';
import type { Context } from '../context.ts';
import { oneLine, refusalWords } from '../output.ts';

const WEAK: Readonly<Record<string, string>> = {
  unauthenticated: ', paired without comparing a number: pair anew',
  debug: ', paired with a debug key: pair anew',
  unknown: ', how it was paired is not known: the daemon cannot read the files of BlueZ',
};

/** Enrolled by a version that pinned none, or while the pairing's key could not be read. */
const unpinned = (address: string): string =>
  `, its pairing is not pinned, so that whatever is paired anew at its address counts as it: \`unlockctl phone add ${address}\` pins the pairing that is there now`;

function phoneWords({ address, name, uid, paired, key, pinned }: PhoneLine, own: number): string {
  const whose = uid === null ? 'paired, not enrolled' : uid === own ? 'enrolled' : `enrolled for uid ${uid}`;
  const lost = uid !== null && paired === false ? ', not paired any more, or paired anew: add it again' : '';
  const weak = key === null || key === 'authenticated' ? '' : (WEAK[key] ?? '');
  const loose = pinned === false ? unpinned(address) : '';
  return `${address}  ${name === null ? '(no name)' : oneLine(name)}: ${whose}${lost}${weak}${loose}`;
}

export async function phoneListCommand(context: Context): Promise<void> {
  const view = await context.client.phones({ signal: context.deps.interrupted });
  context.output.result({ ...view }, () => {
    const lines = view.phones.map((phone) => phoneWords(phone, context.deps.uid));
    const none = ['No phone is paired. Pair it first: `bluetoothctl`, and compare the number on both sides.'];
    const shown = lines.length === 0 && view.problem === null ? none : lines;
    return view.problem === null ? shown : [...shown, `Bluetooth cannot be asked: ${refusalWords(view.problem)}`];
  });
}

/** @param uid null: the caller's own */
export async function phoneRemoveCommand(context: Context, address: string, uid: number | null): Promise<void> {
  const result = await context.client.removePhone(address, uid, { signal: context.deps.interrupted });
  context.output.result({ ...result }, () => [`${address} counts no more.`]);
}
