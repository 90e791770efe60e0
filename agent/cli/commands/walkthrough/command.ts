/** `walkthrough check`, `list` and `new`: everything about walkthroughs that needs neither a daemon nor a device. */
import { shippedWalkthroughs } from '../../../walkthrough/shipped.ts';
import { STARTING_FILE } from '../../../walkthrough/starting-file.ts';
import type { Context } from '../../context.ts';
import { readBytes, writeNewFile } from '../../file-io.ts';
import { nameOf, parseFile } from './files.ts';
import type { WalkthroughChoice } from './options.ts';

const stepsWords = (count: number): string => `${count} ${count === 1 ? 'step' : 'steps'}`;

export function walkthroughCommand(
  { output }: Context,
  choice: Exclude<WalkthroughChoice, { name: 'walkthrough run' }>,
): void {
  switch (choice.name) {
    case 'walkthrough check': {
      const valid = choice.files.map((file) => {
        const { name, steps } = parseFile(file, readBytes(file));
        return { file, name, steps: steps.length };
      });
      output.result({ valid }, () =>
        valid.map(({ file, name, steps }) => `${nameOf(file)}: ${name}: ${stepsWords(steps)}, valid`),
      );
      return;
    }
    case 'walkthrough list': {
      const walkthroughs = shippedWalkthroughs().map(({ name, path, text }) => {
        const { name: title, about, steps } = parseFile(path, new TextEncoder().encode(text));
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
