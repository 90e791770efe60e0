/**
 * Loaded before anything else of the daemon. SIGUSR1 makes Node open its inspector, through which whoever reaches it
 * reads every secret of the process; a handler of ours takes the signal away from it, and an inspector that was opened
 * in the moments before is closed. Until the daemon can forget something, the signal to forget is no reason to die.
 */
import inspector from 'node:inspector';
import { FORGET_SIGNAL } from './suspend.ts';

process.on('SIGUSR1', () => undefined);
process.on(FORGET_SIGNAL, () => undefined);
if (inspector.url() !== undefined) inspector.close();
