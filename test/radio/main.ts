import { prepareImage } from './image.ts';
import { runMachine } from './machine.ts';
import { fileURLToPath } from 'node:url';
const image = prepareImage('/tmp/rl/cache', { rebuild: false, say: (line) => process.stderr.write(`${line}\n`) });
process.stdout.write(JSON.stringify(image) + '\n');
using run = await runMachine({ image, project: fileURLToPath(new URL('../../../', import.meta.url)), command: ({ node }) => process.argv[2] ?? `${node} -v; uname -a; exit 0`, memoryMiB: 512, limitSeconds: 100 });
process.stdout.write(`${run.console}\n---\n${run.serial}\n${JSON.stringify(run.verdict)}\n`);
