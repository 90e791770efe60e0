/**
 * The options of the commands that read and write policies in their forms: set, show, import, export, sign. Only what the
 * parser needs; what they do is loaded when it is done.
 */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { CommonOptions } from '../../context.ts';
import { parseGuid, parseVersion } from '../../values.ts';

export const IMPORT_FORMATS = ['auto', 'toml', 'json', 'reg', 'intune', 'csp', 'xml', 'strings'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];
export const EXPORT_FORMATS = ['toml', 'json', 'reg', 'oma', 'strings'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export type PolicyFormsChoice =
  | { readonly name: 'policy show'; readonly toml: boolean }
  | { readonly name: 'policy set'; readonly file: string; readonly check: boolean }
  | {
      readonly name: 'policy import';
      readonly files: readonly string[];
      readonly format: ImportFormat;
      readonly output: string | null;
      readonly set: boolean;
    }
  | {
      readonly name: 'policy export';
      readonly file: string | null;
      readonly format: ExportFormat;
      readonly output: string | null;
      readonly tenant: string | null;
    }
  | {
      readonly name: 'policy sign';
      readonly file: string;
      readonly key: string;
      readonly version: number;
      readonly output: string | null;
    };

/** What the program's own file knows how to do. */
export interface Registering {
  readonly add: (parent: Command, name: string, description: string) => Command;
  readonly examples: (command: Command, ...lines: readonly string[]) => Command;
  readonly choose: (choice: PolicyFormsChoice & { readonly common: CommonOptions }) => void;
}

type Values = CommonOptions;
const OUTPUT = ['-o, --output <file>', 'write it to a file'] as const;

/** Adds the commands to `policy`. */
export function addPolicyForms(policy: Command, { add, examples, choose }: Registering): void {
  const show = add(policy, 'show', 'the policy and what it means').option('--toml', 'then the document as TOML');
  show.action((o: Values & { toml?: true }) => choose({ name: 'policy show', common: o, toml: o.toml === true }));
  examples(show, 'unlockctl policy show', 'unlockctl policy show --toml');

  const set = add(policy, 'set', 'set the policy, as root').argument(
    '<file>',
    'TOML, JSON, a signed document or a Windows policy; - for standard input',
  );
  set.option('--check', 'say what it would give up against the policy that is set now, and set nothing');
  set.action((file: string, o: Values & { check?: true }) =>
    choose({ name: 'policy set', common: o, file, check: o.check === true }),
  );
  examples(set, 'sudo unlockctl policy set policy.toml', 'unlockctl policy set policy.toml --check');

  const bring = add(policy, 'import', 'read a Windows policy as a document of this product, without the daemon')
    .argument('<file...>', 'files of one machine; the stronger source wins; - for standard input')
    .addOption(new Option('--format <format>', 'how the files are to be read').choices(IMPORT_FORMATS).default('auto'))
    .option(...OUTPUT)
    .option('--set', 'set it as the policy of this machine, as root');
  bring.action((files: string[], o: Values & { format: ImportFormat; output?: string; set?: true }) =>
    choose({
      name: 'policy import',
      common: o,
      files,
      format: o.format,
      output: o.output ?? null,
      set: o.set === true,
    }),
  );
  examples(
    bring,
    'unlockctl policy import hello.reg -o policy.toml',
    'unlockctl policy import gpo.reg intune.json --json',
    'sudo unlockctl policy import profile.json --format intune --set',
  );

  const give = add(
    policy,
    'export',
    'write a policy in another form: of a file without the daemon, or the one that is set',
  )
    .argument('[file]', 'in any form; - for standard input; left out: the policy of this machine')
    .addOption(
      new Option('--format <format>', 'reg, oma (Intune profile) and strings are for Windows')
        .choices(EXPORT_FORMATS)
        .default('toml'),
    )
    .option(...OUTPUT)
    .addOption(new Option('--tenant <guid>', 'the tenant that Intune’s PIN nodes belong to').argParser(parseGuid));
  give.action((file: string | undefined, o: Values & { format: ExportFormat; output?: string; tenant?: string }) =>
    choose({
      name: 'policy export',
      common: o,
      file: file ?? null,
      format: o.format,
      output: o.output ?? null,
      tenant: o.tenant ?? null,
    }),
  );
  examples(
    give,
    'unlockctl policy export > policy.toml',
    'unlockctl policy export policy.toml --format reg -o hello.reg',
    'unlockctl policy export --format oma --tenant 11111111-2222-3333-4444-555555555555',
  );

  const sign = add(policy, 'sign', 'sign a policy document for machines that take signed ones only, without the daemon')
    .argument('<file>', 'in any form; - for standard input')
    .requiredOption('--key <file>', 'private key, Ed25519, PEM (PKCS #8)')
    .addOption(
      new Option('--document-version <n>', 'higher than that of every document signed before')
        .argParser(parseVersion)
        .makeOptionMandatory(),
    )
    .option(...OUTPUT);
  sign.action((file: string, o: Values & { key: string; documentVersion: number; output?: string }) =>
    choose({
      name: 'policy sign',
      common: o,
      file,
      key: o.key,
      version: o.documentVersion,
      output: o.output ?? null,
    }),
  );
  examples(
    sign,
    'openssl genpkey -algorithm ed25519 -out document-key.pem',
    'unlockctl policy sign policy.toml --key document-key.pem --document-version 7 -o policy.signed.json',
  );
}
