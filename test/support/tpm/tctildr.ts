/** Whether libtss2-tctildr and koffi are here. */
import { tctiLibrary } from '../../../drivers/linux/tpm/tctildr-library.ts';

/** Why a TCTI cannot be loaded here, or null. */
export const tctildrMissing = (): Promise<string | null> =>
  tctiLibrary().then(
    () => null,
    (error: unknown) => String(error),
  );
