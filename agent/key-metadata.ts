/** The FIDO metadata that the settings name, read and where it is signed verified: for the daemon and for `unlockctl doctor`. */
import type { UnixMs } from '../drivers/base/brand.ts';
import { MAX_METADATA_FILE, parseMetadataRoots, readFidoMetadata } from '../drivers/fido2/security-key.ts';
import { readConfigText } from './config/file.ts';

type Metadata = ReturnType<typeof readFidoMetadata>;

/**
 * @returns null: no file is named
 * @throws {ERR_CONFIG_UNREADABLE | ERR_CONFIG_PERMISSION | ERR_CTAP_METADATA_FILE}
 */
export function readMetadata(
  { metadataFile, metadataRoot }: { readonly metadataFile: string; readonly metadataRoot: string },
  at: UnixMs,
): Metadata | null {
  if (metadataFile === '') return null;
  const roots = metadataRoot === '' ? [] : parseMetadataRoots(readConfigText(metadataRoot));
  return readFidoMetadata(readConfigText(metadataFile, undefined, MAX_METADATA_FILE), { roots, at });
}
