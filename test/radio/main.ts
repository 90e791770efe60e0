import { fileURLToPath } from 'node:url';
import { prepareImage } from './image.ts';
import { runMachine } from './machine.ts';

const image = prepareImage('/tmp/rl/cache', { kernel: process.env.K ?? 'linux-image-amd64', rebuild: false, say: (line) => process.stderr.write(`${line}\n`) });
process.stdout.write(JSON.stringify(image) + '\n');
using run = await runMachine({
  image,
  project: fileURLToPath(new URL('../../../', import.meta.url)),
  command: ({ node }) => process.argv[2] ||  `exec ${node} /project/dist/test/radio/guest/main.js`,
  memoryMiB: 512,
  limitSeconds: 200,
});
process.stdout.write(`${run.console}\n---\n${run.serial}\n${JSON.stringify(run.verdict)}\n`);
