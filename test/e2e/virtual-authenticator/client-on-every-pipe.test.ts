/**
 * The client's suite (test/scenario/fido2), which runs in process, on every other pipe: TCP, UDP, and the unmodified node-hid on
 * emulated /dev/hidraw nodes, where the virtual keys live in the process of the client and a bridge beside it. The list of cases
 * is the same. A case that a pipe cannot carry is skipped by name with its reason, and those are counted here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bridgeArgv } from '../../../hal-mocks/umockdev/bridge.ts';
import { PIPE_VARIABLE, type Pipe } from '../../support/fido2/pipe.ts';
import { startPortRelay } from '../../support/fido2/port-relay.ts';
import { finished, missingForBridge } from '../../support/umockdev/bridge.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** As many keys as one case has at once, and two to spare. */
const PORTS = 8;
const WITHIN_MS = 600_000;

/** One process, one thread beside it: under the bridge nothing may start programs. */
const RUNNER = [
  process.execPath,
  `${ROOT}node_modules/vitest/vitest.mjs`,
  'run',
  '--config',
  'test/support/fido2/suite.config.ts',
];

interface Case {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

/** @returns every case of the suite, as the runner reports it */
async function casesOf(child: ChildProcess): Promise<readonly Case[]> {
  const { status, stdout, stderr } = await finished(child);
  const begin = stdout.indexOf('{');
  if (begin < 0) expect.fail(`status ${status}: ${stderr.slice(-4000)}`);
  const { testResults } = JSON.parse(stdout.slice(begin)) as { testResults: readonly { assertionResults: Case[] }[] };
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}

const environment = (pipe: Pipe, more: Readonly<Record<string, string>> = {}) => ({
  ...process.env,
  ...more,
  [PIPE_VARIABLE]: pipe,
  NO_COLOR: '1',
});

/** All pass, and what is skipped says why. */
function expectWhole(cases: readonly Case[]): void {
  const failed = cases.filter(({ status }) => status === 'failed');
  expect(failed.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]?.slice(0, 300)}`)).toEqual(
    [],
  );
  const skipped = cases.filter(({ status }) => status !== 'passed').map(({ fullName }) => fullName);
  expect(skipped.filter((name) => !name.includes('(not on '))).toEqual([]);
  expect(skipped.length).toBeLessThan(15);
  expect(cases.length - skipped.length).toBeGreaterThan(190);
}

describe('our client does what it does in process', () => {
  it.each(['tcp', 'udp'] as const)(
    'over %s',
    async (pipe) => {
      const [program = '', ...args] = RUNNER;
      const stdio = ['ignore', 'pipe', 'pipe'] as const;
      expectWhole(await casesOf(spawn(program, args, { cwd: ROOT, env: environment(pipe), stdio: [...stdio] })));
    },
    WITHIN_MS,
  );

  const missing = missingForBridge();
  it.skipIf(missing !== null)(
    `through node-hid and /dev/hidraw${missing === null ? '' : ` (${missing})`}`,
    async () => {
      await using relay = await startPortRelay(PORTS);
      const [program = '', ...args] = bridgeArgv(relay.bridge, RUNNER, { eventsFd: 3 });
      const env = environment('hidraw', relay.environment);
      const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
      createInterface({ input: child.stdio[3] as Readable }).on('line', relay.tell);
      expectWhole(await casesOf(child));
    },
    WITHIN_MS,
  );
});
