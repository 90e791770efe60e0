/**
 * A run that is recorded can be replayed without its devices, byte for byte; what differs, or is left over, fails. And no secret
 * of the run is in its tape or in its report: every `Secret` that this process made is looked for.
 */
import { describe, expect, it, vi } from 'vitest';
import { openLane } from '../../../agent/lanes/index.ts';
import { type Recording, recordRun, replayRun } from '../../../agent/lanes/recording.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { EvidenceBuilder } from '../../../agent/report/evidence.ts';
import { renderReport } from '../../../agent/report/page.ts';
import { observedLane } from '../../../agent/walkthrough/observed-lane.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { runWalkthrough } from '../../../agent/walkthrough/run.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { readTape, type TapeEntry, TapeRecorder } from '../../../hal-mocks/recording/tape.ts';
import { laneOptions } from '../../support/walkthrough/lane-options.ts';

const TEXT = `walkthrough: 1
name: To be recorded
about: A wrong PIN, a key that is pulled, a forgotten PIN.
given:
  keys: { blue: plugged }
steps:
  - enrol: { pin: mine }
  - unlock: { pin: [wrong, mine] }
  - remove: blue
  - unlock: { pin: mine }
    expect: { verdict: refused }
  - insert: blue
  - recover: { pin: newer }
  - unlock: { pin: newer }
`;
const FILE = { lane: 'mock', file: new TextEncoder().encode(TEXT) } as const;

interface Ran {
  readonly outcomes: readonly string[];
  readonly page: string;
}

/** Runs it over the seams of the recording, and ends that. */
async function run(recording: Recording): Promise<Ran> {
  const walkthrough = readWalkthrough(TEXT, checkedDocument);
  const { seams } = recording;
  const options = { ...laneOptions(), seams };
  const { clock, signal } = options;
  const evidence = new EvidenceBuilder({
    clock,
    walkthrough,
    file: null,
    lane: { name: 'mock', about: null, simulated: [] },
  });
  const outcomes: string[] = [];
  {
    await using lane = await openLane('mock', walkthrough, options);
    await runWalkthrough(walkthrough, {
      lane: observedLane(lane, (event) => evidence.ceremonyEvent(event)),
      clock,
      entropy: seams.entropy('person'),
      signal,
      onStepBegun: (step, index) => evidence.stepBegun(step, index),
      onStep: (result) => {
        outcomes.push([result.outcome, ...result.why].join(': '));
        evidence.stepEnded(result);
      },
    });
  }
  recording.finish(outcomes);
  return { outcomes, page: renderReport(evidence.finish()) };
}

/** The secrets in `text`, by how they stand there. Short ones are found by chance. */
const leaks = (text: Buffer, secrets: readonly Buffer[]): readonly string[] =>
  secrets.flatMap((secret) =>
    [secret, ...(['hex', 'base64', 'base64url'] as const).map((form) => Buffer.from(secret.toString(form)))].flatMap(
      (form) => (text.includes(form) ? [`${secret.length} bytes: ${secret.toString('hex')}`] : []),
    ),
  );
const SHORTEST = 6;

const again = (tape: Uint8Array, change: (entries: readonly TapeEntry[]) => readonly TapeEntry[]): Uint8Array => {
  const { head, entries, end } = readTape(tape);
  const recorder = new TapeRecorder(head);
  for (const entry of change(entries)) recorder.note(entry);
  return recorder.finish(end);
};

describe('a recorded run', { timeout: 240_000 }, async () => {
  const secrets: Buffer[] = [];
  const take = Secret.take.bind(Secret);
  const spy = vi.spyOn(Secret, 'take').mockImplementation((bytes) => {
    secrets.push(Buffer.from(bytes));
    return take(bytes);
  });
  const recorded = await recordRun(FILE, systemEntropy);
  const first = await run(recorded);
  spy.mockRestore();
  const files = recorded.files();

  it('came to what it should', () => {
    expect(first.outcomes).toEqual(Array.from({ length: 7 }, () => 'passed'));
  });

  it('has no secret in its tape and none in its report', () => {
    const long = secrets.filter(({ length }) => length >= SHORTEST);
    // PINs, the recovery sheet, what the key derived, the container's keys.
    expect(long.length).toBeGreaterThan(30);
    expect(long.some((secret) => /^\d{8}$/.test(secret.toString('latin1')))).toBe(true);
    expect(leaks(Buffer.from(first.page), long)).toEqual([]);
    expect(leaks(Buffer.from(files.tape), long)).toEqual([]);
    expect(leaks(Buffer.concat([Buffer.from('x'), long[0] ?? Buffer.alloc(0)]), long)).not.toEqual([]);
  });

  it('is the same again without TPM and keys', async () => {
    await using replayed = await replayRun(FILE, files, systemClock);
    expect((await run(replayed)).outcomes).toEqual(first.outcomes);
  });

  it('fails where one byte that goes to the TPM is another one', async () => {
    const tape = again(files.tape, (entries) => {
      const at = entries.findLastIndex(({ kind }) => kind === 'command');
      return entries.map((entry, i) => (i === at ? { ...entry, bytes: entry.bytes.map((byte) => byte ^ 1) } : entry));
    });
    await using replayed = await replayRun(FILE, { ...files, tape }, systemClock);
    await expect(run(replayed)).rejects.toThrow(/ \(tpm \d+, asked: command\): from byte 0 on it was 81/);
    expect(replayed.deviation()?.code).toBe('ERR_REPLAY_DEVIATED');
  });

  it('fails where something is left over', async () => {
    const more = { seam: 'tpm', direction: 'out', channel: 'tpm 999', kind: 'open', bytes: new Uint8Array() } as const;
    const tape = again(files.tape, (entries) => [...entries, more]);
    await using replayed = await replayRun(FILE, { ...files, tape }, systemClock);
    await expect(run(replayed)).rejects.toThrow('1 entries are left over, the first is entry');
  });

  it.each([
    ['another seed', { seed: '00'.repeat(32) }, {}, 'its seed is another one'],
    ['no seed', { seed: 'hello' }, {}, 'not 64 hexadecimal digits'],
    ['another walkthrough', {}, { file: new Uint8Array(3) }, 'the file of its walkthrough was another one'],
    ['a tape that was cut off', { tape: files.tape.slice(0, -20) }, {}, 'this is no recording'],
    ['a tape that is none', { tape: new TextEncoder().encode('hello') }, {}, 'this is no recording'],
  ])('is refused with %s', async (_what, file, of, message) => {
    await expect(replayRun({ ...FILE, ...of }, { ...files, ...file }, systemClock)).rejects.toMatchObject({
      code: 'ERR_RECORDING_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it.each(['emulator', 'lab', 'hardware'] as const)('is none on the %s lane, which says why', async (lane) => {
    await expect(recordRun({ ...FILE, lane }, systemEntropy)).rejects.toThrow(
      `a run on the ${lane} lane cannot be recorded: `,
    );
  });
});
