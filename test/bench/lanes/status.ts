/** `unlockctl status` as a whole process against `node -e 0`: what the product adds to the start of its platform. */
import { spawn } from 'node:child_process';
import { timed } from '../bare-parts.ts';
import { CTL, startBenchDaemon } from '../daemon.ts';
import { comparedLane, type Lane } from '../lane.ts';
import { enrolSelf } from '../person.ts';

const WARM_UP = 5;
const ROUNDS = 40;
const LIMIT = 2.5;

const run = (args: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    child.once('error', reject);
    child.once('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`${args.join(' ')}: status ${status}`));
    });
  });

export async function statusLane(): Promise<Lane> {
  await using daemon = await startBenchDaemon();
  await enrolSelf(daemon.client);
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const status = await timed(() => run([CTL, 'status', '--socket', daemon.socketPath]));
    const nothing = await timed(() => run(['-e', '0']));
    if (round < 0) continue;
    ours.push(status);
    bare.push(nothing);
  }
  return comparedLane({
    name: 'cli/status',
    unit: 'ms',
    ours,
    other: { what: 'node -e 0', samples: bare },
    limit: LIMIT,
  });
}
