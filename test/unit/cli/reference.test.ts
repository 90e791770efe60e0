/** What `unlockctl` says about itself: help, exit codes, completion, the reference pages. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { completionScript } from '../../../agent/cli/completion.ts';
import { EXIT_ROWS, exitCodeOf, exitCodesPage } from '../../../agent/cli/exit-codes.ts';
import { allCommands, buildProgram, SHELLS } from '../../../agent/cli/program.ts';
import { cliPage } from '../../../agent/cli/reference.ts';
import { ERROR_CODES } from '../../../drivers/base/errors.ts';
import { ctl } from '../../support/cli/fake-deps.ts';
import { expectGolden } from '../../support/cli/golden.ts';

const program = buildProgram('1.2.3', () => undefined);
const leaves = allCommands(program).filter((command) => command.commands.length === 0 && command.name() !== 'help');
const nameOf = (command: (typeof leaves)[number]): string => {
  const { parent } = command;
  return parent === null || parent.name() === 'unlockctl' ? command.name() : `${nameOf(parent)} ${command.name()}`;
};

describe('the help', () => {
  it.each(leaves.map((command) => nameOf(command)))(
    'of `%s` says what it does, has examples and --json',
    async (name) => {
      const ran = await ctl('/nowhere', [...name.split(' '), '--help']);
      expect(ran.exit).toBe(0);
      expect(ran.stdout).toContain('Examples:\n');
      expect(ran.stdout).toContain('--json');
    },
  );

  it('has every command of the product', () => {
    expect(leaves.map(nameOf).sort()).toEqual(
      [
        'biometric add',
        'biometric remove',
        'completion',
        'doctor',
        'enrol',
        'events',
        'key add',
        'key blobs delete',
        'key blobs get',
        'key blobs list',
        'key blobs set',
        'key config always-uv',
        'key config enterprise-attestation',
        'key config force-pin-change',
        'key config min-pin-length',
        'key credentials delete',
        'key credentials list',
        'key credentials rename',
        'key fingerprints add',
        'key fingerprints list',
        'key fingerprints remove',
        'key fingerprints rename',
        'key info',
        'key list',
        'key pin change',
        'key pin set',
        'key reset',
        'key wink',
        'key revoke',
        'lock',
        'lockout reset',
        'phone add',
        'phone list',
        'phone remove',
        'pin change',
        'policy apply',
        'policy diff',
        'policy explain',
        'policy export',
        'policy import',
        'policy lint',
        'policy request',
        'policy risk',
        'policy set',
        'policy show',
        'policy sign',
        'policy simulate',
        'recover',
        'setup',
        'signals',
        'status',
        'unenrol',
        'unlock',
        'users',
        'report diff',
        'report verify',
        'walkthrough check',
        'walkthrough list',
        'walkthrough new',
        'walkthrough run',
      ].sort(),
    );
  });

  it('has no option that takes a PIN or a sheet itself', () => {
    const options = allCommands(program).flatMap((command) => command.options.map((option) => option.flags));
    const secret = options.filter((flags) => /pin|recovery|sheet/.test(flags));
    expect(secret.length).toBeGreaterThan(0);
    for (const flags of secret) expect(flags).toMatch(/^--[a-z-]+-fd <n>$/);
  });

  it('prints the version', async () => {
    expect((await ctl('/nowhere', ['--version'])).stdout).toBe('1.2.3\n');
  });

  it('without a command ends with 2', async () => {
    expect((await ctl('/nowhere', [])).exit).toBe(2);
  });

  it('stands in the reference as it is', () => expectGolden('docs/reference/cli.md', cliPage()));
});

describe('the exit codes', () => {
  it('stand in the reference as they are', () => expectGolden('docs/reference/exit-codes.md', exitCodesPage()));

  it('name only error codes that exist', () => {
    const known = Object.keys(ERROR_CODES);
    for (const pattern of EXIT_ROWS.flatMap(({ codes }) => codes)) {
      const some = pattern.endsWith('*')
        ? known.some((code) => code.startsWith(pattern.slice(0, -1)))
        : known.includes(pattern);
      expect(some, pattern).toBe(true);
    }
  });

  it('are never 0 for an error, known or not', () => {
    for (const code of [...Object.keys(ERROR_CODES), 'ERR_OF_THE_FUTURE', '']) expect(exitCodeOf(code)).not.toBe(0);
  });
});

describe('the completion script', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unlockd-completion-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const hasBash = existsSync('/bin/bash');

  it.each(SHELLS)('for %s names every command and option', (shell) => {
    const script = completionScript(program, shell);
    for (const command of allCommands(program)) {
      if (command.name() !== 'unlockctl') expect(script).toContain(command.name());
      for (const option of command.options) expect(script).toContain(String(option.long).slice(2));
    }
  });

  it.runIf(hasBash).each([
    ['unlockctl ', ['completion', 'doctor', 'setup']],
    ['unlockctl po', ['policy']],
    ['unlockctl policy ', ['show', 'set', 'request', 'apply']],
    ['unlockctl unlock --out', ['--out-fd']],
    ['unlockctl pin change --new', ['--new-pin-fd']],
    ['unlockctl key ', ['list', 'pin', 'reset', 'add']],
    ['unlockctl key credentials ', ['list', 'delete', 'rename']],
    ['unlockctl key config always-uv --k', ['--key-pin-fd']],
    ['unlockctl completion ', ['bash', 'fish', 'zsh']],
  ])('for bash (skipped where there is no bash) completes `%s`', (line, expected) => {
    const file = join(folder, 'unlockctl.bash');
    writeFileSync(file, completionScript(program, 'bash'));
    const words = line.split(' ');
    const driver = `. ${file}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _unlockctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const found = execFileSync('bash', ['-c', driver], { encoding: 'utf8' }).trim().split('\n');
    for (const word of expected) expect(found).toContain(word);
    const typed = words.at(-1) ?? '';
    for (const word of found) expect(word.startsWith(typed)).toBe(true);
  });
});
