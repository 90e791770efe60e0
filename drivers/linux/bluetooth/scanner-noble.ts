/**
 * The one file that knows the package `@abandonware/noble`: optional, without types of its own here, and loaded only in
 * the scanner's process, since it throws where there is no Bluetooth, keeps every address for ever, and compiles native
 * code when it is installed.
 */
import { createRequire } from 'node:module';

/** What is used of it. */
export interface Noble {
  readonly state: unknown;
  on(event: string, listener: (value: unknown) => void): unknown;
  startScanning(services: readonly string[], allowDuplicates: boolean): unknown;
  stopScanning(): unknown;
}

const isNoble = (value: unknown): value is Noble =>
  typeof value === 'object' &&
  value !== null &&
  ['on', 'startScanning', 'stopScanning'].every((name) => typeof Reflect.get(value, name) === 'function');

export type LoadedNoble = { readonly noble: Noble } | { readonly missing: true };

/**
 * @param from a file beside whose `node_modules` it is looked for
 * @throws whatever the package throws when it is loaded; TypeError when it is another one
 */
export function loadNoble(from: string): LoadedNoble {
  const require = createRequire(from);
  try {
    require.resolve('@abandonware/noble');
  } catch {
    return { missing: true };
  }
  const loaded: unknown = require('@abandonware/noble');
  if (!isNoble(loaded)) throw new TypeError('the package @abandonware/noble has none of the functions it should have');
  return { noble: loaded };
}
