import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concat } from '../../../drivers/base/bytes.ts';
import { onlyCertificate } from '../../../drivers/linux/wifi/certificate.ts';
import { pinnedRoot } from '../../../drivers/linux/wifi/pinned-root.ts';
import type { EapProfile, TrustAnchor } from '../../../drivers/linux/wifi/profile.ts';
import { missingCommand } from '../../support/umockdev/bridge.ts';
import { type Chain, makeChain } from '../../support/wifi/certificates.ts';

const missing = missingCommand('openssl', 'openssl');
const asRoot = process.getuid?.() === 0;

describe.skipIf(missing !== null)(
  `the root that a profile pins${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let folder: string;
    let corp: Chain;
    let pem: Uint8Array;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'unlockd-pinned-'));
      corp = makeChain(folder, 'Corp');
      pem = new Uint8Array(readFileSync(corp.root));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const ask = (trust: TrustAnchor, more: Partial<EapProfile> = {}) =>
      pinnedRoot({ methods: ['peap'], trust, serverName: null, innerTls: false, ...more });
    const file = (name: string, bytes: Uint8Array, mode = 0o644): TrustAnchor => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      chmodSync(path, mode);
      return { kind: 'file', path };
    };
    const expected = () => ({ ...corp.thumbprints, source: 'profile', serverName: null });

    it('is the certificate in the profile itself, as DER or as PEM', async () => {
      expect(await ask({ kind: 'bytes', bytes: corp.rootDer })).toEqual(expected());
      expect(await ask({ kind: 'bytes', bytes: pem })).toEqual(expected());
    });

    it('is the certificate in the file that it names', async () => {
      expect(await ask(file('root.pem', pem))).toEqual(expected());
      expect(await ask(file('root.der', corp.rootDer))).toEqual(expected());
    });

    it('carries the name that the server has to have', async () => {
      const trust = { kind: 'bytes', bytes: corp.rootDer } as const;
      expect(await ask(trust, { serverName: 'lab.example' })).toMatchObject({ serverName: 'lab.example' });
    });

    it.each([
      ['the system store', { kind: 'store' }],
      ['nothing', { kind: 'none' }],
      ['no bytes', { kind: 'bytes', bytes: new Uint8Array(0) }],
      ['bytes that are no certificate', { kind: 'bytes', bytes: new Uint8Array(500).fill(0x30) }],
      ['far too many bytes', { kind: 'bytes', bytes: new Uint8Array(1 << 20) }],
      ['a file that is not there', { kind: 'file', path: '/nonexistent/ca.pem' }],
      ['a path that depends on where we are', { kind: 'file', path: 'root.pem' }],
      ['a folder', { kind: 'file', path: '/etc' }],
      ['a device', { kind: 'file', path: '/dev/zero' }],
    ] as const)('is none for %s', async (_, trust) => {
      expect(await ask(trust)).toBeNull();
    });

    it('is none where there are two: nobody knows which one it was', async () => {
      const other = makeChain(folder, 'Other');
      const both = concat(pem, new Uint8Array(readFileSync(other.root)));
      expect(await ask(file('both.pem', both))).toBeNull();
      expect(await ask({ kind: 'bytes', bytes: concat(corp.rootDer, other.rootDer) })).toBeNull();
      expect(await ask({ kind: 'bytes', bytes: concat(corp.rootDer, Uint8Array.of(0)) })).toBeNull();
    });

    it.each([['pwd'], ['fast'], ['leap'], ['md5'], ['peap', 'pwd'], []])(
      'is none for methods that check no chain: %s',
      async (...methods) => {
        expect(await ask({ kind: 'bytes', bytes: corp.rootDer }, { methods })).toBeNull();
      },
    );

    it('is none where others may have exchanged the file, or a folder above it', async () => {
      expect(await ask(file('open.pem', pem, 0o666))).toBeNull();
      expect(await ask(file('group.pem', pem, 0o664))).toBeNull();
      const shared = join(folder, 'shared');
      mkdirSync(shared);
      chmodSync(shared, 0o777);
      expect(await ask(file('shared/root.pem', pem))).toBeNull();
    });

    it('follows a link to what it points to, and judges that', async () => {
      symlinkSync(join(folder, 'root.pem'), join(folder, 'link.pem'));
      symlinkSync(join(folder, 'open.pem'), join(folder, 'link-to-open.pem'));
      expect(await ask({ kind: 'file', path: join(folder, 'link.pem') })).toEqual(expected());
      expect(await ask({ kind: 'file', path: join(folder, 'link-to-open.pem') })).toBeNull();
    });

    it('does not wait at a pipe', async () => {
      execFileSync('mkfifo', ['-m', '600', join(folder, 'pipe')]);
      expect(await ask({ kind: 'file', path: join(folder, 'pipe') })).toBeNull();
    });

    it.skipIf(!asRoot)("is none where the file is somebody else's (skipped without root)", async () => {
      const trust = file('theirs.pem', pem);
      chownSync(join(folder, 'theirs.pem'), 65534, 65534);
      expect(await ask(trust)).toBeNull();
    });

    it('of bytes that only look like one is none', () => {
      expect(
        onlyCertificate(new TextEncoder().encode('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')),
      ).toBeNull();
    });
  },
);
