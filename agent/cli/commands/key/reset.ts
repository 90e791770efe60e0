/** `key reset`: a warning, a typed word, the key out and in again, the command within its ten seconds, a touch. */
import { chosen, resetKey } from '../../../keys/reset.ts';
import { type KeyCeremony, withKey } from '../../../keys/session.ts';
import { requireTypedWord } from '../../confirm.ts';
import type { KeyWork } from './person.ts';
import { deviceWords } from './words.ts';

export async function resetCommand({ context, say, ceremony }: KeyWork, one: KeyCeremony, yes: boolean): Promise<void> {
  const key = await withKey(one, async ({ session }) => chosen(session));
  const name = deviceWords(key.device);
  if (!yes) {
    const what = `This makes ${name} forget its PIN, its fingers and every account and key that was made with it, for ever: logins, SSH keys, containers that it opens. Nobody can bring them back.`;
    await requireTypedWord(context, what, 'RESET');
  }
  // It may come back at another path: from here on every device is looked at.
  const device = await resetKey(key, ceremony, (what) => {
    const text =
      what === 'unplug'
        ? `Unplug ${name}`
        : 'Plug it in again, and touch it as soon as it blinks: it takes a reset only within ten seconds';
    say('insert', text, key.device);
  });
  context.output.result({ reset: device.path }, () => [
    `${deviceWords(device)} is as new: no PIN, no fingers, no accounts.`,
  ]);
}
