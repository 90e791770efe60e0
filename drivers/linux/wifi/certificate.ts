/** Thumbprints of certificates, and whether what a profile pins is one certificate at all (RFC 5280, RFC 7468). */
import { createHash, X509Certificate } from 'node:crypto';

export interface Thumbprints {
  /** Lower-case hexadecimal, of the DER certificate. */
  readonly sha1: string;
  readonly sha256: string;
}

/** Larger is no certificate. */
export const MAX_CERTIFICATE_BYTES = 64 * 1024;

export const thumbprintsOf = (der: Uint8Array): Thumbprints => ({
  sha1: createHash('sha1').update(der).digest('hex'),
  sha256: createHash('sha256').update(der).digest('hex'),
});

const PEM_BEGIN = '-----BEGIN ';

/** @returns the DER of the only certificate in `bytes` (DER, or PEM with one block); null: none, several, or more than that */
export function onlyCertificate(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length === 0 || bytes.length > MAX_CERTIFICATE_BYTES) return null;
  try {
    const { raw } = new X509Certificate(bytes);
    const blocks = Buffer.from(bytes).toString('latin1').split(PEM_BEGIN).length - 1;
    // DER without anything after it; where the text of PEM stands within DER, this holds first.
    return raw.equals(bytes) || blocks === 1 ? new Uint8Array(raw) : null;
  } catch {
    return null;
  }
}
