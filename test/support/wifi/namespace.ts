/** A network namespace of a test's own, and the programs in it. Needs root. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { missingCommand } from '../umockdev/bridge.ts';
import { endChild } from './mock-service.ts';

/** What is missing for namespaces, for the title of what is skipped; null: nothing. */
export function missingForNamespaces(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const missing = missingCommand('ip', 'iproute2');
  if (missing !== null) return missing;
  try {
    new Namespace()[Symbol.dispose]();
    return null;
  } catch {
    return 'this machine allows no network namespaces';
  }
}

export class Namespace implements Disposable {
  readonly name = `unlockd-${randomBytes(4).toString('hex')}`;

  constructor() {
    execFileSync('ip', ['netns', 'add', this.name], { stdio: 'ignore' });
  }

  /** Runs `ip` in it. */
  ip(...argv: readonly string[]): void {
    execFileSync('ip', ['-n', this.name, ...argv], { stdio: 'ignore' });
  }

  /** Starts a program in it; whoever starts it ends it. */
  start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.name, ...argv], {
      stdio: 'ignore',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...env },
    });
  }

  [Symbol.dispose](): void {
    execFileSync('ip', ['netns', 'del', this.name], { stdio: 'ignore' });
  }
}

/** Ends programs in the order given. */
export async function endAll(children: readonly (ChildProcess | null)[]): Promise<void> {
  for (const child of children) await endChild(child);
}
