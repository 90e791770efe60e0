/**
 * The process that asks the package node-wifi: `node node-wifi-program.js PACKAGES`. The package overwrites the language
 * of its process and throws out of callbacks on names that an access point may choose, neither of which may happen to the
 * daemon. Asks once, prints one line of JSON and ends; with 3 where the package is not installed.
 */
import { createRequire } from 'node:module';

const NOT_INSTALLED = 3;

/** What is used of it. */
interface NodeWifi {
  init(options: { readonly iface: string | null }): unknown;
  getCurrentConnections(): Promise<unknown>;
}

const isNodeWifi = (value: unknown): value is NodeWifi =>
  typeof value === 'object' &&
  value !== null &&
  ['init', 'getCurrentConnections'].every((name) => typeof Reflect.get(value, name) === 'function');

/** @returns null: not installed; @throws whatever the package throws when it is loaded */
function load(from: string): NodeWifi | null {
  const require = createRequire(from);
  try {
    require.resolve('node-wifi');
  } catch {
    return null;
  }
  const loaded: unknown = require('node-wifi');
  if (!isNodeWifi(loaded)) throw new TypeError('the package node-wifi has none of the functions it should have');
  // What it exports is exchanged by `init`.
  loaded.init({ iface: null });
  return loaded;
}

const [packages = import.meta.url] = process.argv.slice(2);
const wifi = load(packages);
if (wifi === null) process.exitCode = NOT_INSTALLED;
else process.stdout.write(`${JSON.stringify(await wifi.getCurrentConnections())}\n`);
