/** A network namespace of a test's own, and the programs in it; gone with them. Needs root. */
import { execFileSync } from 'node:child_process';
import { Started } from '../network/network-lab.ts';
import { missingCommand } from '../umockdev/bridge.ts';

/** What is missing for namespaces, for the title of what is skipped; null: nothing. */
export function missingForNamespaces(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need root: run it as root';
  return missingCommand('ip', 'iproute2') ?? missingCommand('nsenter', 'util-linux');
}

export class Namespace implements AsyncDisposable {
  readonly #holder: Started;
  /** Of a process in it, by which others find it. */
  readonly pid: string;

  private constructor(holder: Started, pid: string) {
    this.#holder = holder;
    this.pid = pid;
  }

  static async create(): Promise<Namespace> {
    const holder = new Started(['unshare', '--net', 'sh', '-c', 'echo ready $$ && exec sleep 600']);
    await holder.until('\n');
    const [, pid] = /^ready (\d+)$/m.exec(holder.said) ?? [];
    if (pid === undefined) throw new Error(`no namespace: ${holder.said}`);
    return new Namespace(holder, pid);
  }

  #in(argv: readonly string[]): readonly string[] {
    return ['-t', this.pid, '-n', ...argv];
  }

  /** Runs `ip` in it. */
  ip(...argv: readonly string[]): void {
    execFileSync('nsenter', this.#in(['ip', ...argv]), { stdio: 'ignore' });
  }

  /** Starts a program in it; whoever starts it ends it. */
  start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
    return new Started(['nsenter', ...this.#in(argv)], { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.kill();
  }
}
