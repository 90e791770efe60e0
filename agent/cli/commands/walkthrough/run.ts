/**
 * `walkthrough run`: each walkthrough on a fresh machine of the lane, one after the other. Whatever ends a run (a failed
 * step, a broken lane, Ctrl-C), the lane is closed first, and the evidence of what was done is written.
 */
import { milliseconds } from '../../../../drivers/base/brand.ts';
import { isUnlockdError } from '../../../../drivers/base/errors.ts';
import type { HardwareOptions } from '../../../lanes/hardware-options.ts';
import type { LaneSeams } from '../../../lanes/seams.ts';
import type { EvidenceBuilder } from '../../../report/evidence.ts';
import { renderReport } from '../../../report/page.ts';
import { stepWords } from '../../../report/step-words.ts';
import { junitXml } from '../../../walkthrough/junit.ts';
import type { LaneName } from '../../../walkthrough/lane.ts';
import { lackOf } from '../../../walkthrough/not-here.ts';
import { observedLane } from '../../../walkthrough/observed-lane.ts';
import { eventWords } from '../../../walkthrough/person.ts';
import { runWalkthrough, type StepResult } from '../../../walkthrough/run.ts';
import {
  addTallies,
  NO_TALLY,
  shortcoming,
  tallyOf,
  tallyWords,
  type WalkthroughRun,
} from '../../../walkthrough/tally.ts';
import type { Context } from '../../context.ts';
import type { CtlDeps } from '../../deps.ts';
import { EXIT, type ExitCode } from '../../exit-codes.ts';
import { writeBytes } from '../../file-io.ts';
import { reasonTree, toFailure } from '../../output.ts';
import { evidenceOf, followSenses, tellDevices } from './evidence-of-run.ts';
import { readNamed, type WalkthroughFile } from './files.ts';
import type { RunChoice } from './options.ts';
import { elapsedWords, type Progress, progressOn, stepLines } from './progress.ts';
import { checkRecording, recordingOf } from './recording.ts';
import { jsonProgress, runFacts } from './run-json.ts';
import { reportPaths } from './run-paths.ts';

/** No further walkthrough comes to anything after this. */
const ENDS_ALL: ReadonlySet<string> = new Set([
  ...['ERR_LANE_MISSING', 'ERR_LANE_UNKNOWN', 'ERR_LANE_NOT_RESTORED', 'ERR_OPERATOR_ABORTED'],
  ...['ERR_OPERATOR_INVALID', 'ERR_OPERATOR_NO_TERMINAL', 'ERR_OPERATOR_UNREACHABLE'],
]);
/** Another walkthrough may need less, or destroy nothing. */
const ENDS_ONE: ReadonlySet<string> = new Set(['ERR_LANE_HARDWARE', 'ERR_LANE_DESTRUCTIVE']);

interface Under {
  readonly deps: CtlDeps;
  readonly lanes: Awaited<ReturnType<CtlDeps['lanes']>>;
  readonly lane: LaneName;
  readonly hardware: () => Promise<HardwareOptions>;
  readonly progress: Progress;
  readonly choice: RunChoice;
}

interface OneRun {
  readonly run: WalkthroughRun;
  /** What ended it early; null: nothing did. */
  readonly thrown: { readonly error: unknown } | null;
}

/** Opens the lane, runs all steps, closes the lane. @throws whatever ended it early, the lane being closed */
async function runOn(
  { walkthrough }: WalkthroughFile,
  { deps, lanes, lane: name, hardware, progress }: Under,
  evidence: EvidenceBuilder | null,
  results: StepResult[],
  seams: LaneSeams | null,
): Promise<void> {
  const { clock, interrupted: signal } = deps;
  const entropy = seams?.entropy('person') ?? lanes.entropy;
  const options = {
    clock,
    entropy: lanes.entropy,
    ...(seams === null ? {} : { seams }),
    signal,
    progress: (words: string) => progress.busy(words),
    finding: (words: string) => {
      evidence?.finding(words);
      progress.say(`  ${words}`);
    },
    hardware,
  };
  const lane = await lanes.open(name, walkthrough, options);
  const over = new AbortController();
  let following: Promise<void> = Promise.resolve();
  try {
    if (evidence !== null) {
      // Of a lane without what is given nobody asks anything.
      if (lackOf(walkthrough.given, lane.lacks ?? {}) === null) await tellDevices(evidence, lane, signal);
      following = followSenses(evidence, lane, over.signal);
    }
    await runWalkthrough(walkthrough, {
      lane: observedLane(lane, (event) => {
        evidence?.ceremonyEvent(event);
        progress.event(eventWords(event));
      }),
      clock,
      entropy,
      signal,
      onStepBegun: (step, index) => {
        evidence?.stepBegun(step, index);
        progress.stepBegun(step, index);
      },
      onStep: (result, index) => {
        results.push(result);
        evidence?.stepEnded(result);
        progress.stepEnded(result, index);
      },
    });
  } finally {
    progress.busy('closing the lane');
    over.abort();
    await lane[Symbol.asyncDispose]();
    await following;
  }
}

async function runOne(file: WalkthroughFile, under: Under, report: string | null): Promise<OneRun> {
  const { choice, deps, lane, lanes, progress } = under;
  const { clock, version } = deps;
  const begun = clock.now();
  const results: StepResult[] = [];
  await using recorded = await recordingOf(choice, file, { lanes, clock });
  // The machine is asked the same whether a report is wanted or not, so that a recording serves both.
  const evidence = report === null && recorded === null ? null : evidenceOf(file, lane, { clock, version });
  progress.begun(`${file.walkthrough.name} (${file.name}, ${lane} lane)`);
  if (recorded?.finding != null) {
    evidence?.finding(recorded.finding);
    progress.say(`  ${recorded.finding}`);
  }
  let thrown: OneRun['thrown'] = null;
  try {
    await runOn(file, under, evidence, results, recorded?.recording.seams ?? null);
    recorded?.finish(results.map(({ outcome }) => outcome));
  } catch (error) {
    // In a replay everything else comes of the first deviation.
    thrown = { error: recorded?.recording.deviation() ?? error };
  }
  const failure = thrown === null ? null : toFailure(thrown.error).refusal;
  const error = failure === null ? null : { code: failure.code, message: failure.message };
  if (evidence !== null && report !== null) {
    const end = error === null ? null : { aborted: `${error.message} (${error.code})` };
    writeBytes(report, renderReport(evidence.finish(end)));
  }
  const { name, walkthrough } = file;
  const run = { file: name, walkthrough, results, error, spanMs: milliseconds(clock.now() - begun) };
  return { run, thrown };
}

/** Of one run: what it came to, and in quiet what did not pass. */
function runLines(run: WalkthroughRun, choice: RunChoice): readonly string[] {
  const { walkthrough, file, results, spanMs } = run;
  const why = shortcoming(run, choice.strict);
  const isBad = ({ outcome }: StepResult) => outcome !== 'passed' && (outcome !== 'not here' || choice.strict);
  const bad = choice.quiet ? results.flatMap((result, index) => (isBad(result) ? stepLines(result, index) : [])) : [];
  const came = `${tallyWords(tallyOf(run))} in ${elapsedWords(spanMs)}`;
  const head = `${why === null ? '✓' : '✗'} ${walkthrough.name} (${file}): ${came}`;
  return [head, ...bad, ...(why === null ? [] : [`  not passed: ${why}`])];
}

function allWords(runs: readonly WalkthroughRun[], choice: RunChoice): readonly string[] {
  const lines = runs.flatMap((run) => runLines(run, choice));
  if (runs.length < 2) return lines;
  const all = runs.map(tallyOf).reduce(addTallies, NO_TALLY);
  return [...lines, `${runs.length} walkthroughs on the ${choice.lane} lane: ${tallyWords(all)}`];
}

function progressFor({ deps, output }: Context, { lane, quiet }: RunChoice): Progress {
  if (output.json && !quiet) return jsonProgress(output);
  // A person who is prompted reads in peace.
  const isLive = lane !== 'hardware' && deps.descriptors.isTerminal(2);
  const how = quiet ? 'silent' : isLive ? 'live' : 'lines';
  return progressOn(deps.stderr, how, deps.clock);
}

/**
 * @returns 0 when every run passed: see {@link shortcoming}
 * @throws what no walkthrough of the list could be run for: a mistake in one of them, a lane that lacks something, Ctrl-C
 */
export async function runCommand(context: Context, choice: RunChoice): Promise<ExitCode> {
  const { deps, output } = context;
  checkRecording(choice);
  const files = choice.files.map(readNamed);
  const reports =
    choice.report === null
      ? null
      : reportPaths(
          choice.report,
          files.map(({ name }) => name),
        );
  // What cannot be written is better known before than after.
  for (const path of [...(reports ?? []), ...(choice.junit === null ? [] : [choice.junit])]) writeBytes(path, '');
  using progress = progressFor(context, choice);
  const hardware = async () =>
    (await import('./hardware.ts')).hardwareOptions(context, choice.hardware, (words) => progress.say(words));
  const under = { deps, lanes: await deps.lanes(), lane: choice.lane, hardware, progress, choice };
  const runs: WalkthroughRun[] = [];
  let ending: OneRun['thrown'] = null;
  for (const [at, file] of files.entries()) {
    const { run, thrown } = await runOne(file, under, reports?.[at] ?? null);
    runs.push(run);
    if (thrown === null) continue;
    const code = isUnlockdError(thrown.error) ? thrown.error.code : '';
    const isLast = deps.interrupted.aborted || ENDS_ALL.has(code) || (files.length === 1 && ENDS_ONE.has(code));
    if (isLast) {
      ending = thrown;
      break;
    }
    progress.say(`  ${run.error?.message} (${run.error?.code})`);
    for (const line of reasonTree(toFailure(thrown.error).reasons)) progress.say(`  ${line}`);
  }
  progress[Symbol.dispose]();
  if (choice.junit !== null) writeBytes(choice.junit, junitXml(runs, choice.lane, stepWords));
  if (ending !== null) throw ending.error;
  const passed = runs.every((run) => shortcoming(run, choice.strict) === null);
  const walkthroughs = runs.map((run) => runFacts(run, choice.strict));
  output.result({ lane: choice.lane, passed, walkthroughs }, () => allWords(runs, choice));
  return passed ? EXIT.ok : EXIT.failure;
}
