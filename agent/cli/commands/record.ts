/**
 * `events --record`: what the machine senses, as a trace that `policy simulate` and `policy explain` take. It holds addresses
 * and names of the surroundings, so only its owner may read it.
 */
import { milliseconds } from '../../../drivers/base/brand.ts';
import type { SignalChange } from '../../api/ports.ts';
import { checkedEntry } from '../../policy/forms/trace.ts';
import { type TraceEntry, type TraceHeader, traceHeader, traceLine } from '../../policy/study/trace.ts';
import type { Context } from '../context.ts';
import { openLines } from '../file-io.ts';

const MINUTE_MS = 60_000;

/** The clock of the recording, at the beginning of the minute that it begins in: time windows open on the minute. */
function headerAt({ deps }: Context, now: number, simulated: boolean): TraceHeader {
  const wall = deps.clock.wall();
  const into = Math.min(now, wall % MINUTE_MS);
  const clock = {
    monotonicMs: now - into,
    wall: new Date(wall - into).toISOString(),
    localTime: deps.clock.localTime(),
  };
  return traceHeader(clock, deps.uid, simulated);
}

const entryOf = (change: Exclude<SignalChange, { type: 'gesture' }>): TraceEntry =>
  checkedEntry(change.type === 'lost' ? { lost: change.kind, at: change.now } : change.signal);

/**
 * Records until it is interrupted or the time is over.
 * @param forSeconds null: until it is interrupted
 */
export async function recordCommand(
  context: Context,
  { file, forSeconds }: { readonly file: string; readonly forSeconds: number | null },
): Promise<void> {
  const { client, deps, output } = context;
  const over = new AbortController();
  const signal = AbortSignal.any([deps.interrupted, over.signal]);
  const { now, signals } = await client.signals({ signal });
  const lines = openLines(file);
  const stopTimer =
    forSeconds === null ? () => {} : deps.clock.timer(milliseconds(forSeconds * 1000), () => over.abort());
  let count = 0;
  try {
    lines.write(
      traceLine(
        headerAt(
          context,
          now,
          signals.some(({ simulated }) => simulated),
        ),
      ),
    );
    for await (const change of client.watchSignals({ signal })) {
      // Nobody has presented anything: a trace is of what was sensed.
      if (change.type === 'gesture') continue;
      lines.write(traceLine(entryOf(change)));
      count++;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stopTimer();
    lines.close();
  }
  output.result({ file, signals: count }, () => [`${count} signals are in ${file}.`]);
}
