/**
 * The pages and parts of pages that are generated from the code. `npm run docs` writes them; a test compares.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_CONFIG_FILE, envName } from '../../../agent/config/load.ts';
import { allSettings } from '../../../agent/config/settings.ts';
import { walkthroughJsonSchema } from '../../../agent/walkthrough/json-schema.ts';
import { ERROR_CODES } from '../../../drivers/base/errors.ts';
import { lanesPage } from '../walkthrough/not-here.ts';
import { importTable } from './import-check.ts';
import { policyReference } from './policy-reference.ts';
import { PROJECT_ROOT } from './source-tree.ts';

export interface GeneratedDoc {
  /** Relative to the project. */
  readonly path: string;
  readonly content: string;
}

const FAMILIES: readonly (readonly [prefix: string, title: string])[] = [
  ['ERR_HAL_', 'Devices and the host'],
  ['ERR_TPM_', 'The TPM'],
  ['ERR_CTAP_', 'Security keys'],
  ['ERR_POLICY_', 'The unlock policy'],
  ['ERR_', 'Containers, state, configuration and programs'],
];

/** Backticks of the sources stay; a pipe would end the table cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function errorReference(): string {
  const lines = [
    '# Error codes',
    '',
    'Generated from `drivers/base/codes/` by `npm run docs`; do not edit.',
    '',
    'Programs switch on the code. The message may change, the code does not. `detail` carries numbers and names for',
    'programs, never a secret.',
  ];
  const rest = new Set(Object.keys(ERROR_CODES));
  for (const [prefix, title] of FAMILIES) {
    const codes = [...rest].filter((code) => code.startsWith(prefix)).sort();
    if (codes.length === 0) continue;
    lines.push('', `## ${title}`, '', '| code | cause | cure |', '|---|---|---|');
    for (const code of codes) {
      rest.delete(code);
      const doc = ERROR_CODES[code as keyof typeof ERROR_CODES];
      lines.push(`| \`${code}\` | ${cell(doc.cause)} | ${cell(doc.cure)} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** `0x81000001` as the TPM tools write it; a text that is empty says so. */
function defaultWords(unit: string, value: string | number | boolean): string {
  if (value === '') return 'empty';
  return `\`${unit === 'TPM handle' ? `0x${Number(value).toString(16)}` : value}\``;
}

function configurationReference(): string {
  const lines = [
    '# Configuration of the daemon',
    '',
    'Generated from `agent/config/settings.ts` by `npm run docs`; do not edit.',
    '',
    `The file is \`${DEFAULT_CONFIG_FILE}\`, or the one that \`--config\` or \`UNLOCKD_CONFIG\` names; it is TOML, and only root`,
    'or the user of the daemon may be able to write it. An [example](../operations/unlockd.toml) is beside the unit file. Later',
    'ones win: default, file, environment, `unlockd --set section.key=value`. What is not in this table is an error that names',
    'the line. `unlockctl doctor` shows every value that it sees with where it comes from.',
  ];
  let open = '';
  for (const { section, name, key, setting } of allSettings()) {
    if (section !== open)
      lines.push(
        '',
        `## \`[${section}]\``,
        '',
        '| key | default | unit | meaning | environment |',
        '|---|---|---|---|---|',
      );
    open = section;
    const { unit, fallback, meaning } = setting;
    lines.push(`| \`${name}\` | ${defaultWords(unit, fallback)} | ${unit} | ${cell(meaning)} | \`${envName(key)}\` |`);
  }
  return `${lines.join('\n')}\n`;
}

const START = '<!-- generated: import table -->';
const END = '<!-- end of the import table -->';

/** The architecture page with its import table renewed; all else stays as it is. */
function architecture(): string {
  const page = readFileSync(join(PROJECT_ROOT, 'docs/architecture.md'), 'utf8');
  const [before, after] = [page.indexOf(START), page.indexOf(END)];
  if (before < 0 || after < before) throw new Error('docs/architecture.md has lost the marks around its import table');
  return `${page.slice(0, before)}${START}\n\n${importTable()}\n\n${page.slice(after)}`;
}

/** Every generated page as it ought to be. */
export function generatedDocs(): GeneratedDoc[] {
  return [
    { path: 'docs/reference/errors.md', content: errorReference() },
    { path: 'docs/reference/configuration.md', content: configurationReference() },
    { path: 'docs/architecture.md', content: architecture() },
    ...policyReference(),
    { path: 'docs/reference/walkthrough-lanes.md', content: lanesPage() },
    {
      path: 'docs/reference/walkthrough.schema.json',
      content: `${JSON.stringify(walkthroughJsonSchema(), null, 2)}\n`,
    },
  ];
}
