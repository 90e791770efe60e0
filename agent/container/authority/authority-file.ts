/**
 * The file with the public key of a managed machine's authority (`policy.authority_file`): PEM, P-256. It is read when the
 * machine is set up, and never again; the key that counts is then in the state of the machine.
 */
import { readFileSync, statSync } from 'node:fs';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { MachineState } from '../state.ts';
import { authorityCoordinates } from './authority-key.ts';

/** A key in PEM has some 200 bytes; certificates in front of it some thousand. */
const MAX_BYTES = 65_536;

const invalid = (path: string, reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_CONFIG_INVALID', `policy.authority_file: ${path} ${reason}`, {
    detail: { key: 'policy.authority_file' },
    cause,
  });

/**
 * @param path empty: this machine signs by itself
 * @throws {ERR_CONFIG_INVALID} the file cannot be read or holds no P-256 public key
 */
export function readAuthorityFile(path: string): MachineState['managedAuthority'] {
  if (path === '') return null;
  let pem: string;
  try {
    const file = statSync(path);
    if (!file.isFile() || file.size > MAX_BYTES) throw new Error(`no file of at most ${MAX_BYTES} bytes`);
    pem = readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalid(path, 'cannot be read', cause);
  }
  try {
    return authorityCoordinates(pem);
  } catch (cause) {
    throw invalid(path, 'holds no P-256 public key', cause);
  }
}
