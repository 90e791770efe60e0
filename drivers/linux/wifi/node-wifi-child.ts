/**
 * Asks the package node-wifi once and ends; a program of its own. The package overwrites the language of its process and
 * throws out of callbacks on names that an access point may choose, neither of which may happen to the daemon. Prints one
 * line of JSON; ends with 3 where the package is not installed.
 */
import type { Connection } from 'node-wifi';

const NOT_INSTALLED = 3;

async function load(): Promise<typeof import('node-wifi') | null> {
  try {
    return await import('node-wifi');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  }
}

const wifi = await load();
if (wifi === null) process.exitCode = NOT_INSTALLED;
else {
  wifi.default.init({ iface: null });
  const connections: readonly Connection[] = await wifi.default.getCurrentConnections();
  process.stdout.write(`${JSON.stringify(connections)}\n`);
}
