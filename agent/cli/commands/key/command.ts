/**
 * `unlockctl key …`: each command is one operation of `agent/keys`, the questions before it and the words after it. Works
 * without the daemon, as whoever may open the key.
 */
import { narrowed, withKey } from '../../../keys/session.ts';
import type { Context } from '../../context.ts';
import { accountsCommand } from './accounts.ts';
import { blobsCommand } from './blobs.ts';
import { fingersCommand } from './fingers.ts';
import { infoCommand, listCommand, winkCommand } from './look.ts';
import type { KeyChoice } from './options.ts';
import { type KeyWork, keyWork } from './person.ts';
import { pinCommand } from './pin.ts';
import { resetCommand } from './reset.ts';
import { settingsCommand } from './settings.ts';

async function run(work: KeyWork, choice: KeyChoice): Promise<void> {
  const ceremony = await narrowed(work.ceremony, choice.device);
  switch (choice.name) {
    case 'key list':
      return listCommand(work, ceremony);
    case 'key wink':
      return winkCommand(work, ceremony);
    case 'key reset':
      return resetCommand(work, ceremony, choice.yes);
    case 'key info':
      return withKey(ceremony, (key) => infoCommand(work, key));
    case 'key pin set':
    case 'key pin change':
      return pinCommand(work, ceremony, choice.name === 'key pin set');
    case 'key credentials list':
    case 'key credentials delete':
    case 'key credentials rename':
      return withKey(ceremony, (key) => accountsCommand(work, key, choice));
    case 'key fingerprints list':
    case 'key fingerprints add':
    case 'key fingerprints rename':
    case 'key fingerprints remove':
      return withKey(ceremony, (key) => fingersCommand(work, key, choice));
    case 'key blobs list':
    case 'key blobs get':
    case 'key blobs set':
    case 'key blobs delete':
      return blobsCommand(work, ceremony, choice);
    default:
      return settingsCommand(work, ceremony, choice);
  }
}

/** @throws what the operation throws */
export async function keyCommand(context: Context, choice: KeyChoice): Promise<void> {
  const work = await keyWork(context, choice);
  try {
    await run(work, choice);
  } finally {
    await work.endPrompts();
    // The host has to have its devices back before the process ends.
    await work.ceremony.hid.released?.();
  }
}
