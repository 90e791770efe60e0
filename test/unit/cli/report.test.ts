/** `unlockctl report diff` and `report verify`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { headOf } from '../../../agent/report/chain.ts';
import { renderReport } from '../../../agent/report/page.ts';
import { ctl } from '../../support/cli/fake-deps.ts';
import { sample } from '../../support/report/sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'unlockd-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const run = (...args: readonly string[]) => ctl('/nowhere', ['report', ...args]);

describe('unlockctl report', async () => {
  const evidence = await sample();
  const page = renderReport(evidence);
  const whole = file('whole.html', page);
  const altered = file('altered.html', page.replace('"outcome":"failed"', '"outcome":"passed"'));
  const other = file('other.json', JSON.stringify(await sample({ last: { outcome: 'passed', why: [] } })));

  it('verify says that a report is whole, and its last hash', async () => {
    const ran = await run('verify', whole, '--head', headOf(evidence).toUpperCase());
    expect(ran.exit).toBe(0);
    expect(ran.stdout).toMatch(/^The chain of its \d+ entries is whole\.$/m);
    expect(ran.stdout).toContain('The page shows what its evidence says.');
    expect(ran.stdout).toContain(`last hash: ${headOf(evidence)}\n`);
  });

  it('verify finds a change of the evidence, and another last hash, and ends with 1', async () => {
    const ran = await run('verify', altered);
    expect(ran.exit).toBe(1);
    expect(ran.stdout).toContain('✗ steps, devices or tracks are not those that the log ended with');
    const json = await run('verify', whole, '--head', '0'.repeat(64), '--json');
    expect(json.exit).toBe(1);
    expect(JSON.parse(json.stdout).result.faults).toHaveLength(1);
    expect((await run('verify', whole, '--head', '123')).exit).toBe(2);
  });

  it('diff tells what came out otherwise, and with --exit-code ends with 1', async () => {
    const ran = await run('diff', whole, other);
    expect(ran.exit).toBe(0);
    expect(ran.stdout).toContain(
      'step 5: unlock: PIN mine, touch never: outcome\n  A: failed: no reason says “touch”\n  B: passed\n',
    );
    expect((await run('diff', whole, other, '--exit-code')).exit).toBe(1);
    const same = await run('diff', whole, whole, '--exit-code');
    expect([same.exit, same.stdout]).toEqual([0, expect.stringContaining('They came to the same.')]);
    expect(JSON.parse((await run('diff', whole, other, '--json')).stdout).result.differences).toHaveLength(1);
  });

  it('refuses what is no report, with the name of the file, and ends with 2', async () => {
    const ran = await run('diff', whole, file('no.html', '<p>'));
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toMatch(/no\.html: this is no report: .* \(ERR_REPORT_INVALID\)/);
    expect((await run('verify', file('bytes', Uint8Array.of(0xff, 0xfe)))).stderr).toContain('not text in UTF-8');
    expect((await run('verify', join(folder, 'nowhere'))).stderr).toContain('ERR_CLI_FILE');
  });
});
