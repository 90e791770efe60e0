/** A chain of certificates as an organisation has one, made by openssl: root, intermediate, server. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Thumbprints } from '../../../drivers/linux/wifi/certificate.ts';

export interface Chain {
  /** PEM of the root alone. */
  readonly root: string;
  /** PEM of the server and the intermediate, as the server shows them; and its key. */
  readonly shown: string;
  readonly key: string;
  /** Of the root, as openssl computes them. */
  readonly thumbprints: Thumbprints;
  readonly rootDer: Uint8Array;
}

export const SERVER_NAME = 'radius.lab.example';

/** @param name of the organisation: another one makes other certificates */
export function makeChain(folder: string, name: string): Chain {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const openssl = (...argv: readonly string[]): string =>
    execFileSync('openssl', argv, { cwd: place, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const write = (file: string, text: string) => writeFileSync(join(place, file), text);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const ca = 'basicConstraints=critical,CA:TRUE';
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'root.key',
    '-out',
    'root.pem',
    '-subj',
    `/O=${name}/CN=Root`,
    '-addext',
    ca,
  );
  write('ca.ext', `${ca}\nkeyUsage=keyCertSign\n`);
  write('server.ext', `extendedKeyUsage=serverAuth\nsubjectAltName=DNS:${SERVER_NAME}\n`);
  const sign = (what: string, by: string, subject: string, extensions: string) => {
    openssl('req', ...key, '-keyout', `${what}.key`, '-out', `${what}.csr`, '-subj', subject);
    const from = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial'];
    openssl('x509', '-req', '-in', `${what}.csr`, ...from, '-out', `${what}.pem`, '-extfile', extensions);
  };
  sign('between', 'root', `/O=${name}/CN=Intermediate`, 'ca.ext');
  sign('server', 'between', `/CN=${SERVER_NAME}`, 'server.ext');
  write(
    'shown.pem',
    readFileSync(join(place, 'server.pem'), 'utf8') + readFileSync(join(place, 'between.pem'), 'utf8'),
  );
  openssl('x509', '-in', 'root.pem', '-outform', 'der', '-out', 'root.der');
  const thumbprint = (hash: string): string =>
    openssl('x509', '-in', 'root.pem', '-noout', '-fingerprint', hash)
      .replace(/^.*=/, '')
      .replaceAll(':', '')
      .trim()
      .toLowerCase();
  return {
    root: join(place, 'root.pem'),
    shown: join(place, 'shown.pem'),
    key: join(place, 'server.key'),
    thumbprints: { sha1: thumbprint('-sha1'), sha256: thumbprint('-sha256') },
    rootDer: new Uint8Array(readFileSync(join(place, 'root.der'))),
  };
}
