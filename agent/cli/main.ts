#!/usr/bin/env node
/** The entry of `unlockctl`: the arguments and this process go in, the exit code comes out. */
import { runCtl } from './run.ts';
import { systemDeps } from './system-deps.ts';

const argv = process.argv.slice(2);
const { deps, load } = systemDeps({ doctorProbes: null });
if (argv[0] !== 'status') await load();
// An open event stream or terminal must not keep the program, and its exit code, waiting.
process.exit(await runCtl(argv, deps));
