/**
 * The program of the lab's guest: the stage, and `unlockctl` beside it, which runs the walkthrough on the lab lane as it
 * would on any other. Then strangers are asked whether what it said is so. Ends with the status of `unlockctl`.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { JOB_FOLDER, REPORT, RESULT, STRANGERS } from '../outcome.ts';
import { OUT } from './programs.ts';
import { Stage } from './stage.ts';
import { serveStage } from './stage-server.ts';

const STAGE_SOCKET = '/run/unlockd-stage.sock';
const CTL = fileURLToPath(new URL('../../../agent/ctl.js', import.meta.url));
/** Of a program that was killed. */
const KILLED = 70;

const say = (line: string): void =>
  appendFileSync(`${OUT}/stage.log`, `${(performance.now() / 1000).toFixed(1)} s  ${line}\n`);

const files = readdirSync(`${OUT}/${JOB_FOLDER}`).map((name) => `${OUT}/${JOB_FOLDER}/${name}`);
const stage = new Stage(say);
const server = await serveStage(stage, STAGE_SOCKET);
const run = ['walkthrough', 'run', ...files, '--lane', 'lab', '--json', '--report', `${OUT}/${REPORT}`];
const child = spawn(process.execPath, [CTL, ...run], {
  stdio: ['ignore', openSync(`${OUT}/${RESULT}`, 'w'), 'inherit'],
  env: { ...process.env, UNLOCKD_LAB_STAGE: STAGE_SOCKET },
});
const status = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? KILLED)));
say(`unlockctl ended with ${status}`);
server.close();
// One that could not be asked has not confirmed anything.
const compared = await stage
  .strangers()
  .catch((error: Error) => [{ what: 'the strangers', ours: 'could be asked', theirs: error.message }]);
writeFileSync(`${OUT}/${STRANGERS}`, JSON.stringify(compared));
// The kernel holds whoever exits while it waits at /dev/uhid.
await stage[Symbol.asyncDispose]();
process.exit(status);
