/**
 * The configuration: defaults, then the file, then the environment, then flags; each value knows where it comes from.
 * Only `--config` and UNLOCKD_CONFIG choose the file. Whatever is not in the table of settings is an error.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { type ConfigFile, readConfigFile, thisProcess } from './file.ts';
import { type AnySetting, allSettings, type Sections, type Setting } from './settings.ts';

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;

/** All settings, in camel case: `config.paths.stateDir`. Units as in the table of settings. */
export type Config = {
  readonly [S in keyof Sections]: {
    readonly [K in keyof Sections[S] & string as Camel<K>]: Sections[S][K] extends Setting<infer T> ? T : never;
  };
};

export const DEFAULT_CONFIG_FILE = '/etc/unlockd/unlockd.toml';

export interface ConfigSources {
  /** The value of `--config`. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Settings by dotted key, as `--set tpm.tcti=...` gives them. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Whose files are trusted besides root's; default: this process. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export interface ConfigRow {
  readonly key: string;
  readonly value: string | number | boolean;
  readonly unit: string;
  readonly default: string | number | boolean;
  /** `default`, `file:/etc/unlockd/unlockd.toml:12`, `env:UNLOCKD_TPM_TCTI` or `flag`. */
  readonly origin: string;
  readonly meaning: string;
}

const rowsOf = new WeakMap<Config, readonly ConfigRow[]>();

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
/** The environment variable of a setting: `UNLOCKD_TPM_TCTI`. */
export const envName = (key: string): string => `UNLOCKD_${key.replace('.', '_').toUpperCase()}`;

const invalid = (where: string, key: string, reason: string): UnlockdError =>
  new UnlockdError('ERR_CONFIG_INVALID', `${where}: ${key}: ${reason}`, { detail: { key, where } });

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** Text from the environment or a flag as the kind of value that the setting has; anything else stays text. */
function fromText(value: string, setting: AnySetting): unknown {
  if (typeof setting.fallback === 'number' && /^(-?\d{1,15}|0x[0-9a-f]{1,8})$/i.test(value)) return Number(value);
  if (typeof setting.fallback === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

function requireKnown(sources: ConfigSources, file: ConfigFile | null): void {
  const known = new Map([...allSettings()].map(({ section, key }) => [key, section]));
  const sections = new Set(known.values());
  for (const [section, table] of Object.entries(file?.document ?? {})) {
    const at = (key: string): string => `${file?.path}:${file?.lines.get(key) ?? file?.lines.get(section) ?? 1}`;
    if (!sections.has(section)) throw invalid(at(section), section, 'there is no such section');
    if (!isTable(table)) throw invalid(at(section), section, 'has to be a section');
    for (const name of Object.keys(table)) {
      const key = `${section}.${name}`;
      if (!known.has(key)) throw invalid(at(key), key, 'there is no such key');
    }
  }
  for (const key of Object.keys(sources.flags ?? {})) {
    if (!known.has(key)) throw invalid('flag', key, 'there is no such key');
  }
  const names = new Set([...known.keys()].map(envName));
  for (const name of Object.keys(sources.env)) {
    const meant = [...sections].some((section) => name.startsWith(`UNLOCKD_${section.toUpperCase()}_`));
    if (meant && !names.has(name)) throw invalid(`env:${name}`, name, 'there is no such key');
  }
}

function chosenFile(sources: ConfigSources): ConfigFile | null {
  const owner = sources.owner ?? thisProcess();
  const chosen = sources.file ?? (sources.env.UNLOCKD_CONFIG || undefined);
  const file = readConfigFile(chosen ?? DEFAULT_CONFIG_FILE, owner);
  if (file === null && chosen !== undefined) {
    throw new UnlockdError('ERR_CONFIG_UNREADABLE', `${chosen}: there is no such file`, { detail: { path: chosen } });
  }
  return file;
}

function pick(key: string, setting: AnySetting, raw: unknown, file: ConfigFile | null, sources: ConfigSources) {
  const flag = sources.flags?.[key];
  if (flag !== undefined) return { origin: 'flag', value: fromText(flag, setting) };
  const variable = sources.env[envName(key)];
  if (variable !== undefined) return { origin: `env:${envName(key)}`, value: fromText(variable, setting) };
  if (raw !== undefined) {
    const line = file?.lines.get(key) ?? file?.lines.get(key.split('.')[0] ?? '') ?? 1;
    return { origin: `file:${file?.path}:${line}`, value: raw };
  }
  return { origin: 'default', value: setting.fallback as unknown };
}

/**
 * Loads and checks the configuration. A missing default file means defaults; a missing file that was chosen is an error.
 * @throws {ERR_CONFIG_INVALID} with file, line and key {ERR_CONFIG_UNREADABLE} {ERR_CONFIG_PERMISSION}
 */
export function loadConfig(sources: ConfigSources): Config {
  const file = chosenFile(sources);
  requireKnown(sources, file);
  const rows: ConfigRow[] = [];
  const values: Record<string, Record<string, string | number | boolean>> = {};
  for (const { section, name, key, setting } of allSettings()) {
    const table = file?.document[section];
    const raw = isTable(table) ? table[name] : undefined;
    const { origin, value } = pick(key, setting, raw, file, sources);
    const problem = setting.problem(value);
    if (problem !== null) throw invalid(origin.replace(/^file:/, ''), key, problem);
    // `problem` has said that it is one of these.
    const checked = value as string | number | boolean;
    const { unit, fallback, meaning } = setting;
    rows.push({ key, value: checked, unit, default: fallback, origin, meaning });
    values[section] = { ...values[section], [camel(name)]: checked };
  }
  for (const section of Object.values(values)) Object.freeze(section);
  // The table that the type is made of is the table that was just walked through.
  const config = Object.freeze(values) as unknown as Config;
  rowsOf.set(config, rows);
  return config;
}

/** Every setting with value, unit, default and origin, in the order of the table. */
export const describeConfig = (config: Config): readonly ConfigRow[] => rowsOf.get(config) ?? [];

/** The socket of the API: as configured, or `unlockd.sock` in the run folder. */
export const socketPath = (config: Config): string => config.paths.socket || `${config.paths.runDir}/unlockd.sock`;
