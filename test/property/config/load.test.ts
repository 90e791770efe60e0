import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { describeConfig, loadConfig } from '../../../agent/config/load.ts';
import { allSettings } from '../../../agent/config/settings.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'unlockd-config-'));
const file = join(folder, 'unlockd.toml');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = [...allSettings()];
const value = fc.oneof(
  fc.constantFrom('true', '"/x"', '5', '-1', '1e3', '"info"', '[1]', '{ a = 1 }', '2020-01-01', 'nan', '"'),
  fc.string({ maxLength: 12 }),
);
const lines = fc.oneof(
  fc.tuple(fc.constantFrom(...settings), value).map(([{ section, name }, v]) => `[${section}]\n${name} = ${v}`),
  fc.string({ maxLength: 20 }),
);

test('any file is a configuration with a row for every setting, or a typed error', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(lines, { maxLength: 4 }).map((all) => Buffer.from(all.join('\n'))),
        fc.uint8Array({ maxLength: 200 }),
      ),
      (bytes) => {
        writeFileSync(file, bytes, { mode: 0o600 });
        try {
          expect(describeConfig(loadConfig({ file, env: {} }))).toHaveLength(settings.length);
        } catch (error) {
          expect(isUnlockdError(error, 'ERR_CONFIG_INVALID', 'ERR_CONFIG_UNREADABLE')).toBe(true);
        }
      },
    ),
    { numRuns: 1500 },
  );
});
