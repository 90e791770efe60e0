/**
 * `npm run demo [-- --json]`: the whole unlock path on real parts, and an attacker at the end of it. Exit status 0 only
 * when every step came out as expected.
 */
import { join } from 'node:path';
import { type Arguments, readArguments } from './arguments.ts';
import { writeReport } from './report.ts';
import { Scene, type StepResult, type Watcher } from './scene.ts';
import { Stage } from './stage.ts';
import { Script } from './steps.ts';

const TTY = process.stdout.isTTY === true;
const paint = (code: number, text: string): string => (TTY ? `\u001b[${code}m${text}\u001b[0m` : text);
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const quiet: Watcher = { begin: () => undefined, end: () => undefined };

const terminal: Watcher = {
  begin: (name, expected) => {
    print(`\n${paint(1, name)}`);
    print(`  expected  ${expected}`);
  },
  end: ({ got, ok, ms, lines }: StepResult) => {
    print(`  got       ${got}`);
    for (const line of lines) print(paint(2, `            ${line}`));
    print(`  ${ok ? paint(32, '✓ as expected') : paint(31, '✗ NOT as expected')}  (${ms} ms)`);
  },
};

async function play(scene: Scene): Promise<void> {
  const stage = await Stage.set();
  const onSignal = () => {
    void stage.close().finally(() => process.exit(130));
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    await new Script(stage, scene).play();
    if (!scene.ok && stage.daemon) process.stderr.write(`the daemon said:\n${stage.daemon.output}\n`);
  } finally {
    await stage.close();
  }
}

function argumentsOrExit(): Arguments {
  const values = readArguments(process.argv.slice(2));
  if ('print' in values) {
    (values.status === 0 ? process.stdout : process.stderr).write(values.print);
    process.exit(values.status);
  }
  return values;
}

const values = argumentsOrExit();
const startedAt = new Date();
const report =
  values.report ?? join(process.cwd(), 'reports', `demo-${startedAt.toISOString().replace(/[:.]/g, '-')}.html`);
const scene = new Scene(values.json ? quiet : terminal);
if (!values.json) {
  print('unlockd: a PIN and a security key, enforced by the TPM.');
  print('Real parts: swtpm (a TPM 2.0 in software: a test double, it protects nothing), a FIDO2 authenticator behind');
  print(
    '/dev/hidraw0, the daemon, and the command line over its socket. Nothing outside a temporary folder is changed.',
  );
}
try {
  await play(scene);
} catch (error) {
  await scene.step('the stage', 'it stands', () => Promise.reject(error));
}
await writeReport(report, {
  startedAt,
  ok: scene.ok,
  steps: scene.results,
  parts: [
    ['TPM', 'swtpm over a UNIX socket'],
    ['security key', 'virtual FIDO2 authenticator, CTAP 2.1, behind /dev/hidraw0 (umockdev) and node-hid'],
    ['policy', 'first PIN, then security key'],
  ],
});
const steps = scene.results.map(({ name, expected, got, ok, ms }) => ({ name, expected, got, ok, ms }));
if (values.json) print(JSON.stringify({ ok: scene.ok, steps, report }));
else {
  const passed = scene.results.filter(({ ok }) => ok).length;
  print(`\n${passed} of ${scene.results.length} steps as expected. Report: ${report}`);
}
process.exit(scene.ok ? 0 : 1);
