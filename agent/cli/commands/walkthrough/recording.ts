/**
 * `walkthrough run --record` and `--replay`: files of a recording. The seed stands beside it in a file of its own, both for their
 * owner alone: with both, every PIN of that run can be had.
 */
import { UnlockdError } from '../../../../drivers/base/errors.ts';
import type { Recording } from '../../../lanes/recording.ts';
import type { CtlDeps } from '../../deps.ts';
import { readBytes, writePrivate } from '../../file-io.ts';
import type { WalkthroughFile } from './files.ts';
import type { RunChoice } from './options.ts';

/** Where the seed of a recording stands. */
export const seedPath = (path: string): string => `${path}.seed`;

export interface RunRecording extends AsyncDisposable {
  readonly recording: Recording;
  /** For the evidence; null: the devices were there. */
  readonly finding: string | null;
  /** When the lane is closed. @throws {ERR_REPLAY_DEVIATED | ERR_CLI_FILE} */
  finish(outcomes: readonly string[]): void;
}

/** @throws {ERR_CLI_USAGE} where what was chosen does not go together */
export function checkRecording({ files, record, replay }: RunChoice): void {
  if (record === null && replay === null) return;
  if (record !== null && replay !== null) {
    throw new UnlockdError('ERR_CLI_USAGE', 'a run is recorded or replayed, not both at once');
  }
  if (files.length !== 1) throw new UnlockdError('ERR_CLI_USAGE', 'a recording is of one walkthrough: name just one');
}

/**
 * @returns null: the run is neither recorded nor replayed
 * @throws {ERR_CLI_USAGE | ERR_CLI_FILE | ERR_RECORDING_INVALID}
 */
export async function recordingOf(
  { lane, record, replay }: RunChoice,
  { bytes: file }: WalkthroughFile,
  { lanes, clock }: { readonly lanes: Awaited<ReturnType<CtlDeps['lanes']>>; readonly clock: CtlDeps['clock'] },
): Promise<RunRecording | null> {
  if (record !== null) {
    const recorded = await lanes.record({ lane, file }, lanes.entropy);
    return {
      recording: recorded,
      finding: null,
      finish: (outcomes) => {
        recorded.finish(outcomes);
        const { tape, seed } = recorded.files();
        writePrivate(record, tape);
        writePrivate(seedPath(record), seed);
      },
      [Symbol.asyncDispose]: () => recorded[Symbol.asyncDispose](),
    };
  }
  if (replay === null) return null;
  const seed = new TextDecoder().decode(readBytes(seedPath(replay)));
  const recording = await lanes.replay({ lane, file }, { tape: readBytes(replay), seed }, clock);
  return {
    recording,
    finding: 'Replayed: no TPM and no security key was there. What they said had been recorded, and came again.',
    finish: (outcomes) => recording.finish(outcomes),
    [Symbol.asyncDispose]: () => recording[Symbol.asyncDispose](),
  };
}
