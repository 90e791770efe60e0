/** Metadata BLOBs (FIDO Metadata Service 3 §3.1.7) as a service signs them, or somebody who would like to be it. */
import { sign } from 'node:crypto';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { type Certificate, certificate, type Pair, subjectOf } from './certificates.ts';

export const SERVICE = subjectOf('metadata', 'mds.fidoalliance.org');
const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url');

/** @param chain whose certificates stand in the header, the signer's first */
export function signedMetadata(
  payload: object | string,
  chain: readonly Certificate[],
  signer: Pair,
  header: object = { alg: 'ES256' },
): string {
  const x5c = chain.map(({ der }) => Buffer.from(der).toString('base64'));
  const head = { typ: 'JWT', x5c, ...header };
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const signed = `${base64url(JSON.stringify(head))}.${base64url(text)}`;
  const key = signer.privateKey;
  const form = key.asymmetricKeyType === 'ec' ? ({ key, dsaEncoding: 'ieee-p1363' } as const) : key;
  return `${signed}.${base64url(sign('sha256', utf8(signed), form))}`;
}

/** A root, and a signer whom it vouches for. */
export function metadataService(): { readonly root: Certificate; readonly signer: Certificate } {
  const root = certificate({ subject: subjectOf('root', 'a root'), authority: true });
  return { root, signer: certificate({ subject: SERVICE, issuer: root }) };
}
