/** `npm run demo`: the packages of the demo, the build, then the demo with the arguments passed on. */
import { runProgram } from './run-program.mjs';

process.exitCode = runProgram('demo', process.argv.slice(2));
