/** The radio process as a program of JavaScript: the real one, compiled where a source is newer, or one that a test wrote. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const ROOM = 'drivers/linux/bluetooth';

/** The compiled program. */
export function radioProgram(): string {
  const sources = readdirSync(join(ROOT, ROOM)).filter((name) => /^radio-.*\.ts$/.test(name));
  const fresh = (name: string) => {
    const built = join(ROOT, 'dist', ROOM, name.replace(/\.ts$/, '.js'));
    return existsSync(built) && statSync(built).mtimeMs >= statSync(join(ROOT, ROOM, name)).mtimeMs;
  };
  // What does not pass the type check elsewhere is compiled all the same.
  if (!sources.every(fresh)) spawnSync(process.execPath, [join(ROOT, 'test/support/project/build.mjs')]);
  return join(ROOT, 'dist', ROOM, 'radio-helper.js');
}

/**
 * A program that speaks the protocol, with a body of its own: `say(message)` sends, `raw(bytes)` sends anything, and
 * `heard(message)` is called for each message. It claims to be confined at once.
 */
export function fakeProgram(folder: string, name: string, body: string): string {
  const path = join(folder, `${name}.mjs`);
  const frames = `
let rest = Buffer.alloc(0);
const raw = (bytes) => process.stdout.write(bytes);
const say = (message) => {
  const json = Buffer.from(JSON.stringify(message));
  raw(Buffer.concat([Buffer.from([json.length >> 8, json.length & 255]), json]));
};
let heard = () => {};
process.stdin.on('data', (bytes) => {
  rest = Buffer.concat([rest, bytes]);
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    const length = rest.readUInt16BE(0);
    heard(JSON.parse(rest.subarray(2, 2 + length)));
    rest = rest.subarray(2 + length);
  }
});
process.stdin.on('end', () => process.exit(0));
say({ type: 'confined' });
const refused = { proved: false, reason: 'refused', detail: null };
`;
  writeFileSync(path, `${frames}${body}`);
  return path;
}
