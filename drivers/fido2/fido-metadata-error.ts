/** The one error of metadata files: it says where. */
import { UnlockdError } from '../base/errors.ts';

export const wrongMetadata = (where: string, reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_CTAP_METADATA_FILE', `the metadata file: ${where} ${reason}`, {
    detail: { where, reason },
    cause,
  });
