/**
 * `--record` and `--replay`: the seams of a run kept on a tape, or played from one. The tape has what went over the seams, and no
 * PIN and no key: those went encrypted, under secrets drawn from a seed. The seed stands in a file of its own, because
 * whoever has both knows every secret of the run. So only lanes whose devices are made for one run can be recorded.
 */
import { createHash } from 'node:crypto';
import { milliseconds } from '../../drivers/base/brand.ts';
import { fromHex, toHex } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { OperatorHal } from '../../drivers/hal/operator.ts';
import type { TapeEntry } from '../../hal-mocks/recording/tape.ts';
import type { LaneName } from '../walkthrough/lane.ts';
import type { LaneSeams } from './seams.ts';

/** What a run is recorded with, or played from. */
export interface Recording extends AsyncDisposable {
  readonly seams: LaneSeams;
  /** What the program did otherwise than recorded, the first of it; null: nothing so far. */
  deviation(): UnlockdError | null;
  /** When the lane is closed. @param outcomes of the steps @throws {ERR_REPLAY_DEVIATED} */
  finish(outcomes: readonly string[]): void;
}

export interface RecordedRun extends Recording {
  /** After {@link finish}: the tape, and the seed as text. */
  readonly files: () => { readonly tape: Uint8Array; readonly seed: string };
}

interface Of {
  readonly lane: LaneName;
  /** The bytes of the file of the walkthrough. */
  readonly file: Uint8Array;
}

/** Why a lane cannot be recorded; null: it can. */
function notRecordable(lane: LaneName): string | null {
  switch (lane) {
    case 'mock':
      return null;
    case 'emulator':
    case 'lab':
      return 'its daemon is a process of its own, which opens the devices itself';
    case 'hardware':
      return 'with the seed of a run, what a real key and a real TPM said under it could be read';
  }
}

/** @throws {ERR_CLI_USAGE} */
function requireRecordable(lane: LaneName): void {
  const why = notRecordable(lane);
  if (why !== null) throw new UnlockdError('ERR_CLI_USAGE', `a run on the ${lane} lane cannot be recorded: ${why}`);
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const OPERATOR = 'operator';
/** The longest time that a timer of Node.js takes. */
const LONGEST = milliseconds(2 ** 31 - 1);

/** Told each physical step before it is done. */
function told(hal: OperatorHal, tell: (step: unknown) => void): OperatorHal {
  const { perform } = hal;
  return {
    touch: async (options) => {
      tell({ do: 'touch' });
      await hal.touch(options);
    },
    insert: async (device, options) => {
      tell({ do: 'insert', device });
      await hal.insert(device, options);
    },
    remove: async (device, options) => {
      tell({ do: 'remove', device });
      await hal.remove(device, options);
    },
    ...(perform === undefined
      ? {}
      : {
          perform: async (step, options) => {
            tell(step);
            return await perform.call(hal, step, options);
          },
        }),
  };
}

/** @param entropy what the seed is drawn from @throws {ERR_CLI_USAGE} for a lane that cannot be recorded */
export async function recordRun({ lane, file }: Of, entropy: Entropy): Promise<RecordedRun> {
  requireRecordable(lane);
  const [{ TapeRecorder, jsonBytes }, { recordHid, recordTpm }, { SEED_BYTES, seedName, seededEntropy }] =
    await Promise.all([
      import('../../hal-mocks/recording/tape.ts'),
      import('../../hal-mocks/recording/record-seams.ts'),
      import('../../hal-mocks/recording/seeded-entropy.ts'),
    ]);
  const seed = entropy.bytes(SEED_BYTES);
  const tape = new TapeRecorder({ recording: 1, walkthrough: digestOf(file), lane, seed: seedName(seed) });
  const over = new AbortController();
  let written: Uint8Array | null = null;
  return {
    seams: {
      isPlayed: false,
      entropy: (of) => seededEntropy(seed, of),
      tpm: (hal) => recordTpm(hal, tape),
      hid: (hal) => recordHid(hal, tape, over.signal),
      operator: (hal) =>
        told(hal, (step) =>
          tape.note({ seam: 'api', direction: 'out', channel: OPERATOR, kind: 'step', bytes: jsonBytes(step) }),
        ),
    },
    deviation: () => null,
    finish: (outcomes) => {
      over.abort();
      written ??= tape.finish(outcomes);
    },
    files: () => ({ tape: written ?? tape.finish([]), seed: `${toHex(seed)}\n` }),
    [Symbol.asyncDispose]: async () => {
      over.abort();
      seed.fill(0);
    },
  };
}

/** @throws {ERR_RECORDING_INVALID} */
function seedOf(text: string): Uint8Array {
  const hex = text.trim();
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new UnlockdError('ERR_RECORDING_INVALID', 'the seed of the recording is not 64 hexadecimal digits');
  }
  return fromHex(hex);
}

/**
 * @param recorded what {@link RecordedRun.files} gave
 * @throws {ERR_RECORDING_INVALID} also when it is of another walkthrough, of another lane, or of another seed
 */
export async function replayRun(
  { lane, file }: Of,
  recorded: { readonly tape: Uint8Array; readonly seed: string },
  clock: Clock,
): Promise<Recording> {
  requireRecordable(lane);
  const [{ jsonBytes, readTape }, { Replay }, { PLUGS, ReplayHid, ReplayTpm }, { LOOKS }, { seedName, seededEntropy }] =
    await Promise.all([
      import('../../hal-mocks/recording/tape.ts'),
      import('../../hal-mocks/recording/replay.ts'),
      import('../../hal-mocks/recording/replay-seams.ts'),
      import('../../hal-mocks/recording/looks.ts'),
      import('../../hal-mocks/recording/seeded-entropy.ts'),
    ]);
  const seed = seedOf(recorded.seed);
  const { head, entries, end } = readTape(recorded.tape);
  const refuse = (why: string) =>
    new UnlockdError('ERR_RECORDING_INVALID', `this recording is not of this run: ${why}`);
  if (head.seed !== seedName(seed)) throw refuse('its seed is another one');
  if (head.walkthrough !== digestOf(file)) throw refuse('the file of its walkthrough was another one, or was changed');
  if (head.lane !== lane) throw refuse(`its lane was ${head.lane}`);
  const [keys, tpm] = [new ReplayHid(), new ReplayTpm()];
  const over = new AbortController();
  // No device and no process keeps this program alive while it waits for its own deadlines.
  void clock.sleep(LONGEST, { signal: over.signal }).catch(() => undefined);
  const tell = (entry: TapeEntry) => (entry.channel === PLUGS ? keys.plug(entry) : tpm.see(entry));
  const replay = new Replay(entries, { clock, unasked: { channels: [PLUGS, LOOKS], tell } });
  return {
    seams: {
      isPlayed: true,
      entropy: (of) => seededEntropy(seed, of),
      tpm: ({ description }) => tpm.hal(replay, description),
      hid: () => keys.hal(replay),
      operator: (hal) => told(hal, (step) => replay.out(OPERATOR, 'step', jsonBytes(step))),
    },
    deviation: () => replay.deviation,
    finish: (outcomes) => {
      replay.finish();
      if (outcomes.join() === end.join()) return;
      const words = `the steps ended otherwise: ${outcomes.join(', ')}; recorded were ${end.join(', ')}`;
      throw new UnlockdError('ERR_REPLAY_DEVIATED', `the run is not the one that was recorded: ${words}`);
    },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      seed.fill(0);
    },
  };
}
