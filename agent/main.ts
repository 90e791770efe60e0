#!/usr/bin/env -S node --disallow-code-generation-from-strings --max-semi-space-size=1
/** The entry of `unlockd`: the signals are in order before the rest of the program is even loaded. */
import './lifecycle/early-signals.ts';

const { runDaemon } = await import('./daemon.ts');
process.exit(await runDaemon());
