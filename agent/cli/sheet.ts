/**
 * Recovery sheets: shown once, on the terminal or on the descriptor that `--sheet-fd` names, and never on standard
 * output unless that is what was named.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { Context } from './context.ts';
import { printable } from './output.ts';

export interface SheetPlace {
  /** @throws {ERR_CLI_SHEET_NOT_SHOWN} when there is no place for it */
  require(): void;
  show(sheet: Secret, title: string): void;
}

const RULE = '-'.repeat(64);

export function sheetPlace(context: Context, fd: number | undefined): SheetPlace {
  const none = (): UnlockdError =>
    new UnlockdError('ERR_CLI_SHEET_NOT_SHOWN', 'there is no terminal to show the recovery sheet on');
  return {
    require: () => {
      if (fd === undefined && context.terminal() === null) throw none();
    },
    show: (sheet, title) => {
      if (fd !== undefined) {
        context.deps.descriptors.write(fd, sheet.expose());
        context.deps.descriptors.write(fd, Uint8Array.of(0x0a));
        return;
      }
      const terminal = context.terminal();
      if (terminal === null) throw none();
      // The only place where a secret becomes a string: it is about to stand on a screen.
      const text = new TextDecoder().decode(sheet.expose());
      terminal.write(`\n${RULE}\n${printable(title)}\n\n${printable(text)}\n${RULE}\n\n`);
    },
  };
}
