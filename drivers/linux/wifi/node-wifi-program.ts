/**
 * The process that asks the package node-wifi: `node node-wifi-program.js PACKAGES`. The package overwrites the language
 * of its process and throws out of callbacks on names that an access point may choose, neither of which may happen to the
 * daemon. Asks once, prints one line of JSON and ends.
 */
import { createRequire } from 'node:module';

/** What is used of it. */
interface NodeWifi {
  init(options: { readonly iface: string | null }): unknown;
  getCurrentConnections(): Promise<unknown>;
}

const isNodeWifi = (value: unknown): value is NodeWifi =>
  typeof value === 'object' &&
  value !== null &&
  ['init', 'getCurrentConnections'].every((name) => typeof Reflect.get(value, name) === 'function');

/** @throws whatever the package throws when it is loaded; TypeError when it is another one */
function load(from: string): NodeWifi {
  const loaded: unknown = createRequire(from)('node-wifi');
  if (!isNodeWifi(loaded)) throw new TypeError('the package node-wifi has none of the functions it should have');
  // What it exports is exchanged by `init`.
  loaded.init({ iface: null });
  return loaded;
}

const [packages = import.meta.url] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await load(packages).getCurrentConnections())}\n`);
