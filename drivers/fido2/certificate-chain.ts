/** Chains of X.509 certificates (RFC 5280 §6, as far as attestation and metadata need it): validity, issuers, authorities. */
import type { X509Certificate } from 'node:crypto';
import type { UnixMs } from '../base/brand.ts';
import { bytesEqual } from '../base/bytes.ts';
import { readCertificate } from './attestation-certificate.ts';

function isValidAt(certificate: X509Certificate, at: UnixMs): boolean {
  try {
    return Date.parse(certificate.validFrom) <= at && at <= Date.parse(certificate.validTo);
  } catch {
    return false;
  }
}

/** Whether `issuer` has signed `certificate`. Both are as hostile as any bytes. */
function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** Whether the chain (leaf first) ends in one of `roots`, or in what one of them has issued. */
export function chainsTo(chain: readonly X509Certificate[], roots: readonly Uint8Array[], at: UnixMs): boolean {
  if (!chain.every((certificate) => isValidAt(certificate, at))) return false;
  const linked = chain.every((certificate, i) => {
    const issuer = chain[i + 1];
    return issuer === undefined || hasIssued(issuer, certificate);
  });
  const last = chain.at(-1);
  if (!linked || last === undefined) return false;
  return roots.some((der) => {
    if (bytesEqual(der, last.raw)) return true;
    const root = readCertificate(der);
    return isValidAt(root, at) && hasIssued(root, last);
  });
}
