/** Programs that tests run in the world of the bridge (hal-mocks/umockdev), to their end or as children. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { type BridgeAddress, bridgeArgv, SYSTEM_PYTHON } from '../../../hal-mocks/umockdev/bridge.ts';

export {
  type BridgeAddress,
  bridgeArgv,
  missingCommand,
  missingForBridge,
  missingPythonModule,
  STARTS_NO_PROGRAMS,
  SYSTEM_PYTHON,
} from '../../../hal-mocks/umockdev/bridge.ts';

export interface Finished {
  /** 128 + n when signal n ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `command` under the bridge. Ending the child (SIGTERM) ends the command. */
export function startUnderBridge(
  at: BridgeAddress,
  command: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const [program = SYSTEM_PYTHON, ...args] = bridgeArgv(at, command);
  return spawn(program, args, options);
}

/** Collects what a child with piped output says, until it ends. */
export function finished(child: ChildProcess): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (status) => {
      resolve({
        status: status ?? -1,
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
      });
    });
  });
}

/** Runs a program to its end. @param input what it reads on standard input */
export function runToEnd(
  command: readonly string[],
  options: SpawnOptions & { input?: string } = {},
): Promise<Finished> {
  const [program = 'false', ...args] = command;
  const { input, ...rest } = options;
  const child = spawn(program, args, { timeout: 50_000, ...rest, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  return finished(child);
}

/** Runs `command` under the bridge to its end. */
export const runUnderBridge = (
  at: BridgeAddress,
  command: readonly string[],
  options: SpawnOptions & { input?: string } = {},
): Promise<Finished> => runToEnd(bridgeArgv(at, command), options);
