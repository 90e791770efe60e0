/** `unlockctl` and the daemon around the service in memory, run as processes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { DIST, requireBuild } from '../../e2e/demo/built.ts';

const STRICT = '--disallow-code-generation-from-strings';

/** Both programs, from the build. */
const PROGRAMS = { ctl: join(DIST, 'agent/ctl.js'), daemon: join(DIST, 'test/support/api/fake-daemon.js') } as const;
export type Built = typeof PROGRAMS;

/** Makes them where they are missing or old, and lets other users of this machine run them. */
export function builtPrograms(): Built {
  requireBuild();
  execFileSync('chmod', ['-R', 'a+rX', DIST]);
  return PROGRAMS;
}

export interface Started {
  readonly child: ChildProcess;
  /** The first line: `ready`, or the code of an error. */
  readonly said: string;
  /** Ends the process and waits for it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts the daemon on `folder` and waits for its first line. */
export async function startDaemon(
  built: Built,
  folder: string,
  ids: { uid?: number; gid?: number } = {},
): Promise<Started> {
  const child = spawn(process.execPath, [STRICT, built.daemon, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    ...ids,
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const said = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.once('error', reject);
    child.once('close', () => resolve(text.trim()));
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.trim());
    });
  });
  return {
    child,
    said,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with `lines` on descriptor 3. */
export function finish(
  argv: readonly string[],
  options: { env?: Record<string, string>; lines?: string; uid?: number; gid?: number; input?: string } = {},
): Promise<Finished> {
  const [program = '', ...args] = argv;
  const { uid, gid } = options;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    cwd: '/',
    env: { PATH: process.env.PATH, ...options.env },
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  const out = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    out.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    out.stderr += chunk;
  });
  const lines = child.stdio[3] as NodeJS.WritableStream;
  lines.on('error', () => undefined);
  lines.end(options.lines ?? '');
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...out }));
  });
}
