#!/usr/bin/env node
/**
 * The entry of `unlockctl`: the arguments and this process go in, the exit code comes out. What a command needs is
 * loaded when it is chosen: `status` has to be quick.
 */
import { runCtl } from './cli/run.ts';
import { systemDeps } from './cli/system-deps.ts';
import { VERSION } from './version.ts';

const argv = process.argv.slice(2);
const { deps, load } = systemDeps({
  version: VERSION,
  peerOf: async (socket) => (await import('../drivers/linux/peer-credentials.ts')).peerCredentials(socket),
  openPipe: async () => (await import('../drivers/linux/pipe.ts')).openPipe(),
  keyHost: async () => {
    const [{ openLinuxHid }, { systemEntropy }] = await Promise.all([
      import('../drivers/linux/hid/linux-hid.ts'),
      import('../drivers/base/entropy.ts'),
    ]);
    return { hid: openLinuxHid(), entropy: systemEntropy };
  },
  lanes: async () => {
    const [{ openLane: open }, { recordRun: record, replayRun: replay }, { systemEntropy: entropy }] =
      await Promise.all([
        import('./lanes/index.ts'),
        import('./lanes/recording.ts'),
        import('../drivers/base/entropy.ts'),
      ]);
    return { open, entropy, record, replay };
  },
  doctorProbes: async () => (await import('./doctor-probes.ts')).doctorProbes(),
});
if (argv[0] !== 'status') await load();
// An open event stream or terminal must not keep the program, and its exit code, waiting.
process.exit(await runCtl(argv, deps));
