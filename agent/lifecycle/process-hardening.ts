/**
 * The first thing that the daemon does: after it, neither a core dump nor another process of the same uid gets at the
 * keys in its memory (prctl(2) PR_SET_DUMPABLE, setrlimit(2) RLIMIT_CORE). The host's calls are handed in.
 */
export interface ProcessControls {
  readonly forbidDumping: () => void;
  readonly forbidCoreFiles: () => void;
  readonly isDumpable: () => boolean;
}

export interface HardeningOutcome {
  readonly dumpable: boolean;
  /** What could not be done, in words; empty: everything was. The daemon logs it and goes on: `doctor` shows it. */
  readonly shortcomings: readonly string[];
}

/** Hardens this process as far as the host lets it. Never throws. */
export function hardenProcess(controls: ProcessControls): HardeningOutcome {
  const shortcomings: string[] = [];
  const attempt = (what: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      shortcomings.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  let dumpable = true;
  attempt('core files', controls.forbidCoreFiles);
  attempt('dumping', controls.forbidDumping);
  attempt('reading back', () => {
    dumpable = controls.isDumpable();
  });
  return { dumpable, shortcomings };
}
