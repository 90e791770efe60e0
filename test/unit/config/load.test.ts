import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MAX_CONFIG_BYTES } from '../../../agent/config/file.ts';
import { describeConfig, loadConfig, socketPath } from '../../../agent/config/load.ts';
import { keyLines } from '../../../agent/config/positions.ts';
import { allSettings } from '../../../agent/config/settings.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unlockd-config-'));
  path = join(folder, 'unlockd.toml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const load = (toml: string | Uint8Array, env = {}, flags = {}) => {
  writeFileSync(path, toml, { mode: 0o600 });
  return loadConfig({ file: path, env, flags });
};
const row = (config: ReturnType<typeof load>, key: string) => describeConfig(config).find((r) => r.key === key);
const refusal = (action: () => unknown): { code: string; message: string } => {
  try {
    action();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was refused');
};

describe('the configuration', () => {
  test('has a default, a unit and a meaning for every setting, and the default passes its own check', () => {
    const config = load('');
    for (const { key, setting } of allSettings()) {
      expect(setting.problem(setting.fallback), key).toBeNull();
      expect(row(config, key)).toEqual({
        key,
        value: setting.fallback,
        unit: expect.stringMatching(/./),
        default: setting.fallback,
        origin: 'default',
        meaning: expect.stringMatching(/\.$/),
      });
    }
    expect(config.paths.stateDir).toBe('/var/lib/unlockd');
    expect(socketPath(config)).toBe('/run/unlockd/unlockd.sock');
  });

  test('takes file over default, environment over file, flag over environment, and says where from', () => {
    const toml = '# hello\n[unlock]\nsoft_limit_tries = 4\ntouch_timeout_seconds = 20\nfor_seconds = 60\n';
    const config = load(
      toml,
      { UNLOCKD_UNLOCK_TOUCH_TIMEOUT_SECONDS: '21', UNLOCKD_UNLOCK_FOR_SECONDS: '61' },
      { 'unlock.for_seconds': '62' },
    );
    expect(config.unlock).toMatchObject({ softLimitTries: 4, touchTimeoutSeconds: 21, forSeconds: 62 });
    expect(row(config, 'unlock.soft_limit_tries')?.origin).toBe(`file:${path}:3`);
    expect(row(config, 'unlock.touch_timeout_seconds')?.origin).toBe('env:UNLOCKD_UNLOCK_TOUCH_TIMEOUT_SECONDS');
    expect(row(config, 'unlock.for_seconds')?.origin).toBe('flag');
    expect(row(config, 'unlock.attempt_retries')?.origin).toBe('default');
  });

  test('reads numbers in hexadecimal and booleans from the environment', () => {
    const config = load('', { UNLOCKD_TPM_ROOT_KEY_HANDLE: '0x81000002', UNLOCKD_HID_ENABLED: 'false' });
    expect([config.tpm.rootKeyHandle, config.hid.enabled]).toEqual([0x81000002, false]);
  });

  test('reads models of security keys as a list of AAGUIDs', () => {
    const models = '756E6C6F-636b-642d-7669-727475616c21, 00000000-0000-0000-0000-000000000001';
    expect(load(`[hid]\nallowed_aaguids = "${models}"\n`).hid.allowedAaguids).toBe(models);
    for (const wrong of ['756e6c6f636b642d7669727475616c21', 'any', `${models},`]) {
      expect(() => load(`[hid]\nallowed_aaguids = "${wrong}"\n`)).toThrow(
        expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }),
      );
    }
  });

  test('is frozen', () => {
    const config = load('');
    expect([config, ...Object.values(config)].every(Object.isFrozen)).toBe(true);
  });

  test.each<[string, string, string]>([
    ['an unknown key', '[paths]\n\nstate_dri = "/x"\n', ':3: paths.state_dri: there is no such key'],
    ['an unknown section', '\n[pathes]\n', ':2: pathes: there is no such section'],
    ['a key without section', 'state_dir = "/x"\n', ':1: state_dir: there is no such section'],
    ['a section that is a value', 'paths = 3\n', ':1: paths: has to be a section'],
    ['a section that is a list', '[[paths]]\n', ':1: paths: has to be a section'],
    ['an unknown key in an inline table', 'log = { levl = "info" }\n', ':1: log.levl: there is no such key'],
    ['a number as text', '[unlock]\nsoft_limit_tries = "5"\n', ':2: unlock.soft_limit_tries: '],
    ['a number out of range', '[unlock]\nsoft_limit_tries = 32\n', ':2: unlock.soft_limit_tries: '],
    ['a fraction', '[unlock]\nsoft_limit_tries = 1.5\n', ':2: unlock.soft_limit_tries: '],
    ['a date', '[unlock]\nsoft_limit_tries = 2020-01-01\n', ':2: unlock.soft_limit_tries: '],
    ['a relative path', '[paths]\nstate_dir = "x"\n', ':2: paths.state_dir: has to be an absolute path'],
    ['a path with a zero', '[paths]\nstate_dir = "/x\\u0000"\n', ':2: paths.state_dir: has to be an absolute path'],
    ['a socket that is too long', `[paths]\nsocket = "/${'x'.repeat(107)}"\n`, ':2: paths.socket: '],
    ['a TCTI of two lines', '[tpm]\ntcti = "device:\\n"\n', ':2: tpm.tcti: has to be a TCTI string'],
    ['a level that does not exist', '[log]\nlevel = "loud"\n', ':2: log.level: '],
    ['a key given twice', '[log]\nlevel = "info"\nlevel = "warn"\n', ':3:1: '],
    ['what is not TOML', '[log\n', ':1:'],
    ['a number beyond what a number holds', '[unlock]\nfor_seconds = 9007199254740993\n', ':2:'],
    ['depth without end', `x = ${'['.repeat(2000)}`, ':1:'],
  ])('refuses %s, with its position', (_, toml, message) => {
    expect(refusal(() => load(toml))).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining(`${path}${message}`),
    });
  });

  test('refuses unknown settings in flags and in the environment, and leaves other variables alone', () => {
    expect(refusal(() => load('', {}, { 'unlock.tries': '3' })).message).toContain('flag: unlock.tries');
    expect(refusal(() => load('', { UNLOCKD_TPM_TCT: 'x' })).message).toContain('env:UNLOCKD_TPM_TCT');
    expect(refusal(() => load('', { UNLOCKD_UNLOCK_FOR_SECONDS: 'soon' })).code).toBe('ERR_CONFIG_INVALID');
    expect(() => load('', { UNLOCKD_SOMETHING: 'x', TPM_TCTI: 'x' })).not.toThrow();
  });
});

describe('the configuration file', () => {
  test('is chosen by the flag before the variable', () => {
    writeFileSync(path, '[log]\nlevel = "debug"\n', { mode: 0o600 });
    expect(loadConfig({ env: { UNLOCKD_CONFIG: path } }).log.level).toBe('debug');
    const other = join(folder, 'other.toml');
    writeFileSync(other, '[log]\nlevel = "warn"\n', { mode: 0o600 });
    expect(loadConfig({ file: other, env: { UNLOCKD_CONFIG: path } }).log.level).toBe('warn');
  });

  test('has to be there when it was chosen', () => {
    expect(refusal(() => loadConfig({ file: path, env: {} })).code).toBe('ERR_CONFIG_UNREADABLE');
  });

  test.each([
    ['everybody may write', 0o602],
    ['everybody and the group may write', 0o666],
  ])('is refused when %s', (_, mode) => {
    writeFileSync(path, '');
    chmodSync(path, mode);
    expect(refusal(() => loadConfig({ file: path, env: {} })).code).toBe('ERR_CONFIG_PERMISSION');
  });

  test('of another user is refused', () => {
    writeFileSync(path, '', { mode: 0o600 });
    if (process.geteuid?.() === 0) chownSync(path, 12_345, 12_345);
    const owner = process.geteuid?.() === 0 ? { uid: 0, gid: 0 } : { uid: 4_000_000, gid: 4_000_000 };
    expect(refusal(() => loadConfig({ file: path, env: {}, owner })).code).toBe('ERR_CONFIG_PERMISSION');
  });

  test('is refused when it is a folder, a named pipe, too large, or not text', () => {
    expect(refusal(() => loadConfig({ file: folder, env: {} })).code).toBe('ERR_CONFIG_UNREADABLE');
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    expect(refusal(() => loadConfig({ file: pipe, env: {} })).message).toContain('is not a regular file');
    expect(refusal(() => load('#'.repeat(MAX_CONFIG_BYTES + 1))).message).toContain('is larger than');
    expect(() => load('#'.repeat(MAX_CONFIG_BYTES))).not.toThrow();
    expect(refusal(() => load(Uint8Array.of(0x23, 0xff, 0x0a))).message).toContain('is not UTF-8 text');
  });
});

test('keys are found in every way of writing them', () => {
  const toml = ['top.inner = 1', '[ a ]', "'b' = 2", '"c" = """', 'd = 3', '"""', 'e = 4', '[x.y]', 'z = 5'].join('\n');
  expect(Object.fromEntries(keyLines(toml))).toEqual({
    top: 1,
    'top.inner': 1,
    a: 2,
    'a.b': 3,
    'a.c': 4,
    'a.e': 7,
    'x.y': 8,
    x: 9,
    'x.y.z': 9,
  });
});
