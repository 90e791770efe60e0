/** A stand-in for the package node-wifi in a folder of its own, and the process that asks it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const NAME = 'drivers/linux/wifi/node-wifi-program';

/** The compiled program; built where its source is newer. */
export function nodeWifiProgram(): string {
  const built = join(ROOT, 'dist', `${NAME}.js`);
  const fresh = existsSync(built) && statSync(built).mtimeMs >= statSync(join(ROOT, `${NAME}.ts`)).mtimeMs;
  // What does not pass the type check elsewhere is compiled all the same.
  if (!fresh) spawnSync(process.execPath, [join(ROOT, 'test/support/project/build.mjs')]);
  return built;
}

export interface FakeNodeWifi extends Disposable {
  /** A file beside whose `node_modules` the package is. */
  readonly packages: string;
  readonly folder: string;
}

/** @param asked the body of `getCurrentConnections`, JavaScript; null: the package is not installed */
export function fakeNodeWifi(asked: string | null): FakeNodeWifi {
  const folder = mkdtempSync(join(tmpdir(), 'unlockd-node-wifi-'));
  if (asked !== null) {
    const place = join(folder, 'node_modules/node-wifi');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'node-wifi', main: 'index.js' }));
    // As the real one: the language of the process is overwritten when it is loaded, and `init` exchanges what it exports.
    const text = `Object.assign(process.env, { LANG: 'en_US.UTF-8', LC_ALL: 'en_US.UTF-8', LC_MESSAGES: 'en_US.UTF-8' });
const fs = require('node:fs');
exports.getCurrentConnections = () => { throw new Error('ERROR : use init before'); };
exports.init = () => { exports.getCurrentConnections = () => { ${asked} }; };
`;
    writeFileSync(join(place, 'index.js'), text);
  }
  return {
    packages: join(folder, 'beside.js'),
    folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
