/** The options of `walkthrough run` that are about real hardware. Only what the parser needs. */
import type { Command } from 'commander';
import { UnlockdError } from '../../../../drivers/base/errors.ts';
import { parseAddress, parseHash } from '../../values.ts';

export interface HardwareChoice {
  /** `terminal`, or a URL. */
  readonly operator: string;
  readonly token: string | null;
  readonly destructive: boolean;
  readonly yes: boolean;
  readonly ownDaemon: string | null;
  readonly phones: ReadonlyMap<string, string>;
  readonly roots: ReadonlyMap<string, string>;
}

export interface HardwareValues {
  readonly operator: string;
  readonly operatorToken?: string;
  readonly destructive?: true;
  readonly yes?: true;
  readonly ownDaemon?: string;
  readonly phone: ReadonlyMap<string, string>;
  readonly root: ReadonlyMap<string, string>;
}

/** `mine=a0:b1:…`, once for each name. @throws {ERR_CLI_USAGE} */
const named =
  (parse: (text: string) => string) =>
  (text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> => {
    const [name = '', ...rest] = text.split('=');
    if (!/^[a-z][a-z0-9-]{0,31}$/.test(name) || rest.length === 0) {
      throw new UnlockdError(
        'ERR_CLI_USAGE',
        `"${text}" names nothing: write NAME=VALUE, the name as the walkthrough has it`,
      );
    }
    return new Map([...before, [name, parse(rest.join('='))]]);
  };

export const addHardware = (run: Command): Command =>
  run
    .option('--operator <who>', 'hardware lane: who does the physical steps, a URL of a machine or this', 'terminal')
    .option('--operator-token <file>', 'hardware lane: the token for that machine, in a file that only you can read')
    .option('--destructive', 'hardware lane: replace policies and enrolments, set a TPM up')
    .option('--yes', 'hardware lane: no typed confirmation for what is not blank')
    .option('--own-daemon <folder>', 'hardware lane: with a daemon of the run, which keeps its state there')
    .option('--phone <name=address>', 'hardware lane: which phone is meant', named(parseAddress), new Map())
    .option('--root <name=sha256>', 'hardware lane: which root of a Wi-Fi is meant', named(parseHash), new Map());

export const hardwareChoice = (o: HardwareValues): HardwareChoice => ({
  operator: o.operator,
  token: o.operatorToken ?? null,
  destructive: o.destructive === true,
  yes: o.yes === true,
  ownDaemon: o.ownDaemon ?? null,
  phones: o.phone,
  roots: o.root,
});
