/** What the hardware lane is handed: the daemon that the command line talks to, this terminal, and what the person allows. */
import { listKeys } from '../../../keys/list.ts';
import type { HardwareOptions } from '../../../lanes/hardware-options.ts';
import { openHands, operatorChoice } from '../../../operator/choice.ts';
import { requireTypedWord } from '../../confirm.ts';
import type { Context } from '../../context.ts';
import { SECRET_LINE_BYTES } from '../../deps.ts';
import { sheetPlace } from '../../sheet.ts';
import type { HardwareChoice } from './hardware-choice.ts';

const SHEET = 'Recovery sheet of the machine owner: it resets the lockout of the TPM. Keep it apart from the machine.';

/** Looking at a key wants neither a touch nor a PIN. */
const NOTHING_ASKED = {
  onTouch: () => undefined,
  onInsert: () => undefined,
  requestKeyPin: () => Promise.reject(new TypeError('a key that is looked at wants no PIN')),
};

/** @param tell what a person is told who looks on while a machine does the steps @throws {ERR_OPERATOR_INVALID} */
export async function hardwareOptions(
  context: Context,
  choice: HardwareChoice,
  tell: (words: string) => void,
): Promise<HardwareOptions> {
  const { deps, client, socketPath } = context;
  const { clock, uid } = deps;
  const who = operatorChoice(choice.operator);
  const { hid, entropy } = await deps.keyHost();
  const isPerson = who.kind === 'terminal';
  const { token, yes } = choice;
  return {
    client,
    socketPath,
    uid,
    hid,
    describeKeys: async ({ signal }) => {
      const keys = await listKeys({ hid, clock, entropy, signal, ...NOTHING_ASKED });
      await hid.released?.();
      return keys;
    },
    hands: () => openHands(who, { token, clock, tell }),
    ownDaemon: choice.ownDaemon,
    destructive: choice.destructive,
    confirm: async (what, word) => {
      if (!yes) await requireTypedWord(context, what, word);
    },
    readKeyPin: isPerson
      ? async (prompt, { signal }) => {
          const terminal = context.terminal();
          if (terminal === null) throw new TypeError('the operator has a terminal and the command line has none');
          return await terminal.readHidden(prompt, { limit: SECRET_LINE_BYTES, signal });
        }
      : null,
    showSheet: isPerson ? (sheet) => sheetPlace(context, undefined).show(sheet, SHEET) : null,
    phones: choice.phones,
    roots: choice.roots,
  };
}
