/** What the bad-input tests have in common: what is kept, byte by byte, and a clock that people can set. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unixMs } from '../../../drivers/base/brand.ts';
import { type Clock, systemClock, wallTime } from '../../../drivers/base/clock.ts';
import { passwordAuth, type Tpm } from '../../../drivers/tpm2/index.ts';
import type { Outcome, TestAgent } from '../../support/service/test-agent.ts';
import { withTpm } from '../../support/tpm/driver.ts';

/** Everything that is kept, by path below the state folder; the count of tries is comfort and may change. */
export async function kept(folder: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith('.tries')) continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length + 1)] = (await readFile(path)).toString('hex');
  }
  return found;
}

/** A ceremony's end, for comparison: the code that the person sees, and the one behind it. */
export const endOf = ({ done, failed }: Outcome): string => {
  if (done !== null) return 'done';
  if (failed === null) return 'no end';
  const { code, detail } = failed.refusal;
  return typeof detail.cause === 'string' ? `${code}: ${detail.cause}` : code;
};

/** The refusals that a ceremony showed on its way. */
export const refusals = ({ events }: Outcome): readonly string[] =>
  events.flatMap((event) => (event.type === 'refused' ? [event.refusal.code] : []));

/** The clock of this machine with its civil time shifted, as somebody sets it. */
export class SettableClock implements Clock {
  /** Milliseconds. */
  shift = 0;
  readonly now = systemClock.now;
  readonly sleep = systemClock.sleep;
  readonly timer = systemClock.timer;

  wall() {
    return unixMs(systemClock.wall() + this.shift);
  }

  localTime() {
    return wallTime(this.wall());
  }
}

export const MINUTE = 60_000;
export const DAY = 86_400_000;

/** The TPM as another program of the machine uses it. */
export const onTpm = <T>(agent: TestAgent, use: (tpm: Tpm) => Promise<T>): Promise<T> =>
  withTpm(agent.swtpm.config, use);

export const FOREIGN = passwordAuth(new Uint8Array([0x66, 0x6f, 0x72, 0x65, 0x69, 0x67, 0x6e]));
