import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { operatorChoice, readToken } from '../../../agent/operator/choice.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unlockd-token-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string, mode = 0o600): string {
  const path = join(folder, 'token');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

test.each(['http://127.0.0.1:8080', 'http://localhost:1/board', 'http://[::1]:9', 'https://robot.example/a'])(
  '%s is taken',
  (url) => {
    expect(operatorChoice(url)).toEqual({ kind: 'http', url: new URL(url) });
  },
);

test.each([
  ['robot', 'the operator is “terminal” or the URL of a machine, not “robot”'],
  ['ftp://127.0.0.1/', 'an operator speaks http: or https:'],
  ['http://192.0.2.7/', '192.0.2.7 is another machine: http: is for this one, use https: or a tunnel'],
  ['http://127.0.0.1.example/', '127.0.0.1.example is another machine: http: is for this one, use https: or a tunnel'],
  ['http://a:b@127.0.0.1/', 'a URL with a password in it is seen by everybody: the token belongs into a file'],
  ['http://127.0.0.1/?a', 'the URL of an operator has neither ? nor #'],
])('%s is refused', (text, message) => {
  expect(() => operatorChoice(text)).toThrow(expect.objectContaining({ code: 'ERR_OPERATOR_INVALID', message }));
});

test('a token is the one line of a file', () => {
  using token = readToken(file('abc.DEF-1==\n'));
  expect(new TextDecoder().decode(token.expose())).toBe('abc.DEF-1==');
});

test.each([
  ['that others may read', 'abc', 0o640, 'others may read the token; chmod 600'],
  ['with two lines', 'a\nb\n', 0o600, 'a token is one line'],
  ['with a header in it', 'a\r\nx: y', 0o600, 'a token is one line'],
  ['that is empty', '', 0o600, 'a token is one line'],
  ['that is too long', 'a'.repeat(513), 0o600, 'a token is one line'],
] as const)('a file %s is refused', (_name, text, mode, message) => {
  expect(() => readToken(file(text, mode))).toThrow(message);
});

test('a file that is none is refused', () => {
  expect(() => readToken(folder)).toThrow('is not a regular file');
  expect(() => readToken(join(folder, 'none'))).toThrow('cannot be opened (ENOENT)');
  symlinkSync('/dev/zero', join(folder, 'endless'));
  expect(() => readToken(join(folder, 'endless'))).toThrow('is not a regular file');
});
