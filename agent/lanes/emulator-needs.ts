/** What the emulator lane needs of a machine, looked at before anything is started; what is missing is said all at once. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { isDumpable } from '../../drivers/linux/process-hardening.ts';

/** The daemon as users run it: from the build, also when this file is run from its source. */
export const DAEMON_PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/agent/main.js' : '../main.js', import.meta.url),
);

export interface EmulatorNeeds {
  /** The optional package of native calls, without which no daemon runs. */
  readonly koffi: boolean;
  readonly root: boolean;
  readonly build: boolean;
  readonly swtpm: boolean;
  readonly bridge: boolean;
}

/** In words, each with what to do about it. Pure. */
export function missingWords({ koffi, root, build, swtpm, bridge }: EmulatorNeeds): readonly string[] {
  const packages = [...(swtpm ? [] : ['swtpm']), ...(bridge ? [] : ['umockdev python3-gi gir1.2-umockdev-1.0'])];
  return [
    ...(packages.length === 0 ? [] : [`apt-get install ${packages.join(' ')}`]),
    ...(koffi ? [] : ['npm install koffi']),
    ...(root ? [] : ['run it as root, of this machine or of a user namespace: `sudo`, or `unshare --map-root-user`']),
    ...(build ? [] : ['npm run build']),
  ];
}

function hasNativeCalls(): boolean {
  try {
    // Any native call does.
    isDumpable();
    return true;
  } catch (error) {
    if (isUnlockdError(error, 'ERR_HAL_MODULE_MISSING')) return false;
    throw error;
  }
}

/** @throws {ERR_LANE_MISSING} naming all that is missing */
export async function requireEmulatorNeeds(): Promise<void> {
  const [{ swtpmMissing }, { missingForBridge }] = await Promise.all([
    import('../../hal-mocks/tpm2/swtpm.ts'),
    import('../../hal-mocks/umockdev/bridge.ts'),
  ]);
  const missing = missingWords({
    koffi: hasNativeCalls(),
    // The daemon takes its set-up from root alone, and whoever runs the lane is both.
    root: process.getuid?.() === 0,
    build: existsSync(DAEMON_PROGRAM),
    swtpm: (await swtpmMissing()) === null,
    bridge: missingForBridge() === null,
  });
  if (missing.length === 0) return;
  throw new UnlockdError('ERR_LANE_MISSING', `the emulator lane cannot run here: ${missing.join('; ')}`, {
    detail: { lane: 'emulator', missing: missing.join('; ') },
  });
}
