/** A stand-in for the package `@abandonware/noble`, in a folder of its own, and the scanner's process to run it in. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../../' : '../../../../', import.meta.url));
const ROOM = 'drivers/linux/bluetooth';
const SOURCES = [
  'scanner-program',
  'scanner-frames',
  'scanner-noble',
  'scanner-process',
  'scanner',
  'radio-confinement',
];

/** The compiled program; built where a source is newer. */
export function scannerProgram(): string {
  const built = (name: string) => join(ROOT, 'dist', ROOM, `${name}.js`);
  const fresh = (name: string) =>
    existsSync(built(name)) && statSync(built(name)).mtimeMs >= statSync(join(ROOT, ROOM, `${name}.ts`)).mtimeMs;
  // What does not pass the type check elsewhere is compiled all the same.
  if (!SOURCES.every(fresh)) spawnSync(process.execPath, [join(ROOT, 'test/support/project/build.mjs')]);
  return built('scanner-program');
}

/** What every fake begins with: a package that is an emitter, as the real one. */
const BASE = `
const { EventEmitter } = require('node:events');
const noble = new EventEmitter();
noble.state = 'unknown';
noble.scanning = false;
noble.startScanning = () => { noble.scanning = true; };
noble.stopScanning = () => { noble.scanning = false; };
noble.power = (state) => { noble.state = state; noble.emit('stateChange', state); };
/** As the real one: an object for each address, kept for ever. */
const known = new Map();
noble.hear = (address, rssi, addressType = 'random') => {
  let peripheral = known.get(address);
  if (peripheral === undefined) {
    peripheral = {
      id: address.replaceAll(':', ''), uuid: address.replaceAll(':', ''), address, addressType, connectable: true,
      advertisement: { localName: undefined, txPowerLevel: undefined, manufacturerData: undefined, serviceData: [] },
      rssi, services: null, mtu: null, state: 'disconnected',
    };
    known.set(address, peripheral);
  }
  peripheral.rssi = rssi;
  noble.emit('discover', peripheral);
};
module.exports = noble;
`;

export interface FakePackage extends Disposable {
  /** What `NobleScanner` takes as \`packages\`. */
  readonly from: string;
  readonly folder: string;
}

/** @param behaviour JavaScript that runs when the package is loaded; null: it is not installed */
export function fakeNoble(behaviour: string | null): FakePackage {
  const folder = mkdtempSync(join(tmpdir(), 'fake-noble-'));
  // Whoever the scanner becomes has to read it.
  chmodSync(folder, 0o755);
  if (behaviour !== null) {
    const place = join(folder, 'node_modules/@abandonware/noble');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name: '@abandonware/noble', main: 'index.js' }));
    writeFileSync(join(place, 'index.js'), `${BASE}\n${behaviour}\n`);
  }
  return {
    from: join(folder, 'beside.js'),
    folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
