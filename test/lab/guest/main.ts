/**
 * The program of the lab's guest: the stage, and the command line beside it, which runs the walkthrough on the lab lane as
 * it would on any other. Ends with the status of the command line, or with one of its own when strangers disagree.
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OUT } from './programs.ts';
import { Stage } from './stage.ts';
import { serveStage } from './stage-server.ts';

const STAGE_SOCKET = '/run/unlockd-stage.sock';
const RUNNER = fileURLToPath(new URL('./run.js', import.meta.url));

const say = (line: string): void =>
  appendFileSync(`${OUT}/stage.log`, `${(performance.now() / 1000).toFixed(1)} s  ${line}\n`);

const stage = new Stage(say);
const server = await serveStage(stage, STAGE_SOCKET);
const child = spawn(process.execPath, [RUNNER, `${OUT}/walkthrough.yaml`], {
  stdio: 'inherit',
  env: { ...process.env, UNLOCKD_LAB_STAGE: STAGE_SOCKET },
});
const status = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 70)));
say(`the walkthrough ended with ${status}`);
server.close();
// The kernel holds whoever exits while it waits at /dev/uhid.
await stage[Symbol.asyncDispose]();
process.exit(status);
