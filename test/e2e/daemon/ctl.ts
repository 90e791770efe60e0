/** The real command line as another user of the machine, or with a command behind `--`; from the build. */
import { spawn } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILD, Stage } from '../../demo/stage.ts';
import { requireBuild } from '../demo/built.ts';

const CTL = join(BUILD, 'agent/ctl.js');
/** A user without a name. Not `nobody`: 65534 is what the kernel says of users whom it cannot name. */
export const STRANGER = 54321;
export const OVERFLOW = 65534;

/** Why another user cannot be played here, for the title of what is skipped; null: it can. */
export { otherUserMissing as notRoot } from '../../support/other-user.ts';

interface CtlRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What `--json` answered. */
  readonly answer: Readonly<Record<string, unknown>>;
  readonly code: string | null;
}

interface CtlOptions {
  readonly uid?: number;
  /** One line for descriptor 3. */
  readonly secret?: string;
  readonly json?: boolean;
}

/** Runs `unlockctl` to its end. */
export function ctl(socket: string, args: readonly string[], options: CtlOptions = {}): Promise<CtlRun> {
  const { uid, secret, json = true } = options;
  const common = ['--socket', socket, ...(json ? ['--json'] : [])];
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const line = [...args.slice(0, end), ...common, ...args.slice(end)];
  const who = uid === undefined ? {} : { uid, gid: uid };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CTL, ...line], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      timeout: 50_000,
      ...who,
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    const descriptor = child.stdio[3];
    if (descriptor && 'end' in descriptor) {
      descriptor.on('error', () => undefined);
      descriptor.end(secret === undefined ? '' : `${secret}\n`);
    }
    child.once('error', reject);
    child.once('close', (status) => {
      const answer = stdout.startsWith('{') ? (JSON.parse(stdout) as Record<string, unknown>) : {};
      const code = (answer.error as { code?: string } | undefined)?.code ?? null;
      resolve({ status: status ?? -1, stdout, stderr, answer, code });
    });
  });
}

/**
 * A stage with its daemon running on a machine that is set up, and its own user enrolled.
 * @returns with the user's recovery sheet
 */
export async function enrolledStage(
  pin: string,
  settings: readonly string[] = [],
): Promise<{ stage: Stage; sheet: string }> {
  requireBuild();
  const stage = await Stage.set({ settings });
  try {
    await stage.startDaemon();
    const setup = await stage.ctlWithSheet(['setup']);
    if (!setup.answer.ok) throw new Error(`unlockctl setup: ${setup.stderr}`);
    const enrolled = await stage.ctlWithSheet(['enrol', '--new-pin-fd', '5'], [pin]);
    if (!enrolled.answer.ok) throw new Error(`unlockctl enrol: ${enrolled.stderr}`);
    return { stage, sheet: enrolled.sheet };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

/** Lets every user reach the socket of a stage, as /run does; the state folder stays closed. */
export const openToAll = (stage: Stage): Promise<void> => chmod(stage.folder, 0o711);
