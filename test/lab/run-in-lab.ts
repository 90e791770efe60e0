/** Runs one walkthrough in a fresh guest, and keeps what it left: of a run that failed everything, else its report. */
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Image } from './guest-image/image.ts';
import { runMachine } from './guest-image/machine.ts';
import { JOB_FOLDER, type LabOutcome, outcomeOf, REPORT, RESULT, STRANGERS, strangersSay } from './outcome.ts';
import { startGuestTpm } from './tpm.ts';

/** A machine that does much else takes ten times what it takes alone. */
const LIMIT_SECONDS = 1500;
const MEMORY_MIB = 640;

export interface LabRun {
  readonly name: string;
  readonly outcome: LabOutcome;
  readonly steps: number;
  /** What programs that know nothing of this project have confirmed, one line each. */
  readonly strangers: readonly string[];
  readonly seconds: number;
  /** Folder of the logs; null: nothing was kept. */
  readonly kept: string | null;
}

export interface LabRunOptions {
  readonly image: Image;
  readonly project: string;
  /** Where what is kept goes. */
  readonly reports: string;
  /** Also of runs that passed. */
  readonly keep: boolean;
}

export async function runInLab(
  job: { readonly name: string; readonly text: string; readonly actions: readonly string[] },
  { image, project, reports, keep }: LabRunOptions,
): Promise<LabRun> {
  const began = performance.now();
  const fileName = basename(job.name, '.yaml').replace(/[^\w.-]+/g, '-');
  await using tpm = await startGuestTpm();
  using run = await runMachine({
    image,
    project,
    name: 'lab',
    memoryMiB: MEMORY_MIB,
    limitSeconds: LIMIT_SECONDS,
    devices: tpm.devices,
    files: { [`${JOB_FOLDER}/${fileName}.yaml`]: job.text },
    command: ({ node }) => `exec ${node} /project/dist/test/lab/guest/main.js\n`,
  });
  const strangers = strangersSay(run.file(STRANGERS));
  const came = outcomeOf(run.verdict, job.actions, run.file(RESULT));
  const isDenied = came.word === 'passed' && strangers.against.length > 0;
  const outcome: LabOutcome = isDenied ? { ...came, word: 'FAILED', why: strangers.against } : came;
  const place = join(reports, `${fileName}-${Date.now()}`);
  const report = join(run.folder, REPORT);
  let kept: string | null = null;
  if (keep || outcome.word !== 'passed') {
    cpSync(run.folder, place, { recursive: true });
    kept = place;
  } else if (existsSync(report)) {
    mkdirSync(place, { recursive: true });
    cpSync(report, join(place, REPORT));
    kept = place;
  }
  const seconds = (performance.now() - began) / 1000;
  return { name: job.name, outcome, steps: job.actions.length, strangers: strangers.lines, seconds, kept };
}
