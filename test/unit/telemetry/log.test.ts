import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LogFields } from '../../../agent/telemetry/fields.ts';
import { openLog } from '../../../agent/telemetry/log.ts';
import { traceToLog } from '../../../agent/telemetry/trace-log.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';

const memory = (level: 'info' | 'trace' | 'silent') => {
  const lines: string[] = [];
  const log = openLog({ level, file: null, name: 'test', sink: { write: (line) => void lines.push(line) } });
  return {
    log,
    text: () => lines.join(''),
    objects: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
};
const CANARY = 'canary-314159';

describe('the log', () => {
  test('writes message, level, program, time and known fields', () => {
    const { log, objects } = memory('info');
    log.info('unlocked', { uid: 1000, strength: 'bound-2', detail: { ms: 12 } });
    expect(objects()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        program: 'test',
        uid: 1000,
        strength: 'bound-2',
        detail: { ms: 12 },
        msg: 'unlocked',
      },
    ]);
  });

  test('leaves out whatever is not a known field with a plain value', () => {
    const { log, text } = memory('info');
    const secret = Secret.take(utf8(CANARY));
    const hostile = {
      pin: CANARY,
      body: CANARY,
      code: { toJSON: () => CANARY },
      path: utf8(CANARY),
      label: [CANARY],
      device: secret,
      detail: { inner: { deep: CANARY }, bytes: utf8(CANARY), secret, fine: 1 },
    };
    log.info('hello', hostile as unknown as LogFields);
    log.with({ pin: CANARY } as unknown as LogFields).info('child');
    expect(text()).not.toContain(CANARY);
    expect(text()).not.toContain('314159');
    expect(text()).not.toContain('"99,');
    expect(text()).toContain('"detail":{"fine":1}');
  });

  test('shows the message of our own errors and hides that of others', () => {
    const { log, text, objects } = memory('info');
    const inner = Object.assign(new SyntaxError(`unexpected ${CANARY}`), { code: 'EBAD' });
    log.error(
      'failed',
      {},
      new UnlockdError('ERR_POLICY_INVALID', 'then[1]: no', { detail: { element: 'then[1]' }, cause: inner }),
    );
    log.error('failed', {}, CANARY);
    expect(text()).not.toContain(CANARY);
    expect(objects()[0]?.error).toMatchObject({
      code: 'ERR_POLICY_INVALID',
      message: 'then[1]: no',
      detail: { element: 'then[1]' },
      cause: { name: 'SyntaxError', code: 'EBAD', frames: expect.arrayContaining([expect.stringMatching(/^at /)]) },
    });
  });

  test('ends at a chain of causes that has no end', () => {
    const { log, objects } = memory('info');
    const error = new UnlockdError('ERR_HAL_IO', 'round');
    Object.defineProperty(error, 'cause', { value: error });
    log.error('failed', {}, error);
    expect(objects()).toHaveLength(1);
  });

  test('writes only what its level lets through', () => {
    const { log, text } = memory('silent');
    log.fatal('no');
    expect(text()).toBe('');
    expect(log.enabled('fatal')).toBe(false);
  });

  test('appends to a file that only its owner reads', () => {
    const folder = mkdtempSync(join(tmpdir(), 'unlockd-log-'));
    try {
      const file = join(folder, 'log');
      for (const message of ['one', 'two']) openLog({ level: 'info', file, name: 'test' }).info(message);
      expect(
        readFileSync(file, 'utf8')
          .split('\n')
          .map((line) => line && JSON.parse(line).msg),
      ).toEqual(['one', 'two', '']);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(() => openLog({ level: 'info', file: join(folder, 'none', 'log'), name: 'test' })).toThrow(
        expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('wire traffic', () => {
  test('is shown by name and length, never by its bytes', () => {
    const { log, text, objects } = memory('trace');
    const sink = traceToLog(log);
    const command = Uint8Array.of(0x80, 0x02, 0, 0, 0, 12, 0, 0, 0x01, 0x5e, 0x31, 0x41);
    sink({ seam: 'tpm', direction: 'out', bytes: command, label: 'TPM2_Unseal' });
    sink({ seam: 'tpm', direction: 'out', bytes: command });
    sink({ seam: 'tpm', direction: 'in', bytes: Uint8Array.of(0x80, 0x01) });
    sink({ seam: 'hid', direction: 'in', bytes: utf8(CANARY) });
    expect(objects().map(({ seam, direction, label, bytes }) => [seam, direction, label, bytes])).toEqual([
      ['tpm', 'out', 'TPM2_Unseal', 12],
      ['tpm', 'out', 'command 0x15e', 12],
      ['tpm', 'in', 'frame', 2],
      ['hid', 'in', 'frame', CANARY.length],
    ]);
    expect(text()).not.toContain(CANARY);
  });

  test('costs nothing while its level is off', () => {
    const { log, text } = memory('info');
    traceToLog(log)({
      seam: 'tpm',
      direction: 'out',
      get bytes(): Uint8Array {
        throw new Error('looked at');
      },
    });
    expect(text()).toBe('');
  });
});
