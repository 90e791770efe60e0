/** `walkthrough check`, `list` and `new`: everything about walkthroughs that needs neither a daemon nor a device. */
import { isUnlockdError, UnlockdError } from '../../../../drivers/base/errors.ts';
import { checkedDocument } from '../../../policy/forms/native-json.ts';
import { readWalkthrough } from '../../../walkthrough/read.ts';
import type { Walkthrough } from '../../../walkthrough/schema.ts';
import { shippedWalkthroughs } from '../../../walkthrough/shipped.ts';
import { STARTING_FILE } from '../../../walkthrough/starting-file.ts';
import type { Context } from '../../context.ts';
import { readBytes, writeNewFile } from '../../file-io.ts';
import type { WalkthroughChoice } from './options.ts';

const nameOf = (path: string): string => (path === '-' ? 'standard input' : path);

/** @throws {ERR_WALKTHROUGH_INVALID} with file, line and column in the message */
function read(path: string, bytes: Uint8Array): Walkthrough {
  try {
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      throw new UnlockdError('ERR_WALKTHROUGH_INVALID', 'this is not text in UTF-8', { cause });
    }
    return readWalkthrough(text, checkedDocument);
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_WALKTHROUGH_INVALID')) throw error;
    const { line, column } = error.detail;
    const at = line === undefined ? '' : `:${line}:${column}`;
    const message = error.message.replace(/^line \d+ column \d+: /, '');
    const detail = { path, ...error.detail };
    throw new UnlockdError(error.code, `${nameOf(path)}${at}: ${message}`, { detail, cause: error });
  }
}

const stepsWords = (count: number): string => `${count} ${count === 1 ? 'step' : 'steps'}`;

export function walkthroughCommand({ output }: Context, choice: WalkthroughChoice): void {
  switch (choice.name) {
    case 'walkthrough check': {
      const valid = choice.files.map((file) => {
        const { name, steps } = read(file, readBytes(file));
        return { file, name, steps: steps.length };
      });
      output.result({ valid }, () =>
        valid.map(({ file, name, steps }) => `${nameOf(file)}: ${name}: ${stepsWords(steps)}, valid`),
      );
      return;
    }
    case 'walkthrough list': {
      const walkthroughs = shippedWalkthroughs().map(({ name, path, text }) => {
        const { name: title, about, steps } = read(path, new TextEncoder().encode(text));
        return { name, title, about: about.trim(), steps: steps.length, path };
      });
      output.result({ walkthroughs }, () =>
        walkthroughs.flatMap(({ name, title, steps, path }) => [
          `${name}: ${title} (${stepsWords(steps)})`,
          `  ${path}`,
        ]),
      );
      return;
    }
    case 'walkthrough new': {
      const { output: file } = choice;
      if (file !== null) writeNewFile(file, STARTING_FILE);
      output.result({ file, text: STARTING_FILE }, () =>
        file === null
          ? STARTING_FILE.trimEnd().split('\n')
          : [`${file} is written: check it with \`unlockctl walkthrough check\``],
      );
    }
  }
}
