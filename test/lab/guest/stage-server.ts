/** The socket of the stage: one connection, one line with a request, one line with its answer. */
import { createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import type { StageRequest } from '../../../agent/lanes/lab-stage.ts';
import type { Stage } from './stage.ts';

/** Requests are carried out one after the other: a person has two hands, and one head. */
export async function serveStage(stage: Stage, path: string): Promise<Server> {
  let last: Promise<unknown> = Promise.resolve();
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    createInterface({ input: socket }).once('line', (line) => {
      const request = JSON.parse(line) as StageRequest;
      const answer = last.then(() => stage.answer(request));
      last = answer;
      answer.then((value) => socket.end(`${JSON.stringify(value)}\n`)).catch(() => socket.destroy());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return server;
}
