/**
 * The root that a profile pins: when nobody has heard the chain of the login itself, the one certificate that the server
 * must have been verified by. Only where there is exactly one, and where nobody but the system could have exchanged it.
 */
import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { VerifiedRoot } from '../../hal/network.ts';
import { MAX_CERTIFICATE_BYTES, onlyCertificate, thumbprintsOf } from './certificate.ts';
import type { EapProfile } from './profile.ts';

/** Methods that begin with a TLS handshake in which the server has to show its chain; others prove no root. */
const WITH_SERVER_CERTIFICATE = ['peap', 'tls', 'ttls'];

export const showsCertificate = ({ methods }: EapProfile): boolean =>
  methods.length > 0 && methods.every((method) => WITH_SERVER_CERTIFICATE.includes(method));

const STICKY = 0o1000;
const OTHERS_MAY_WRITE = 0o022;

/** Whether only root and who runs this could have changed what stands at `path`, an absolute path without links. */
async function isOutOfReach(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    const { uid, mode } = await lstat(at);
    const own = uid === 0 || uid === process.getuid?.();
    const shared = (mode & OTHERS_MAY_WRITE) !== 0 && (at === path || (mode & STICKY) === 0);
    if (!own || shared) return false;
    if (at === dirname(at)) return true;
  }
}

/** @returns null: no regular file, too large, not to be read, or somebody else's */
async function readCertificateFile(path: string): Promise<Uint8Array | null> {
  if (!path.startsWith('/')) return null;
  try {
    const real = await realpath(path);
    if (!(await isOutOfReach(real))) return null;
    // A pipe or a device would keep whoever opens it waiting.
    const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const { size } = await file.stat().then((stat) => (stat.isFile() ? stat : { size: 0 }));
      if (size === 0 || size > MAX_CERTIFICATE_BYTES) return null;
      const bytes = new Uint8Array(size);
      const { bytesRead } = await file.read(bytes, 0, size, 0);
      return bytesRead === size ? bytes : null;
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

/** @returns null: the profile pins no root, or more than one, or its methods do not check any */
export async function pinnedRoot(eap: EapProfile): Promise<VerifiedRoot | null> {
  if (!showsCertificate(eap)) return null;
  const { trust, serverName } = eap;
  if (trust.kind !== 'bytes' && trust.kind !== 'file') return null;
  const bytes = trust.kind === 'bytes' ? trust.bytes : await readCertificateFile(trust.path);
  const der = bytes === null ? null : onlyCertificate(bytes);
  return der === null ? null : { ...thumbprintsOf(der), source: 'profile', serverName };
}
