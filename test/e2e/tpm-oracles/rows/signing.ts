/** Rows of the commands that sign and verify: Part 3 §18.2, §20.1, §20.2. */
import { toHex } from '../../../../drivers/base/bytes.ts';
import {
  certify,
  create,
  emptyAuth,
  encodeSignature,
  encodeTicket,
  type ObjectBlob,
  passwordAuth,
  SIGNING_KEY,
  sha256,
  sign,
  verifySignature,
} from '../../../../drivers/tpm2/index.ts';
import { reader, readTpm2b } from '../../../../drivers/tpm2/wire/marshal.ts';
import { type Bench, encrypting, hexOf, loadBoth, type Row, secret, signatureOf } from '../row.ts';

const wrong = passwordAuth(Buffer.from('wrong'));
const right = passwordAuth(Buffer.from('a key'));
const DIGEST = sha256(Buffer.from('a message'));

async function signingKey(bench: Bench): Promise<ObjectBlob> {
  const { session, uses } = await encrypting(bench);
  using authValue = secret('a key');
  const blob = await create(bench.tpm, bench.srk, SIGNING_KEY, { sensitive: { authValue }, sessions: uses });
  await session.close();
  return blob;
}

const keyOnBoth = async (bench: Bench) => (await loadBoth(bench, await signingKey(bench), 'key')).object;

/** TPMS_ATTEST (Part 2 §10.12.8) without the clock and the firmware version, which are each TPM's own. */
function attested(bytes: Uint8Array): unknown {
  const from = reader(bytes);
  const head = { magic: from.u32('magic'), type: from.u16('type') };
  const signer = toHex(readTpm2b(from, 'qualifiedSigner'));
  const extra = toHex(readTpm2b(from, 'extraData'));
  from.bytes(17 + 8, 'clockInfo and firmwareVersion');
  const name = toHex(readTpm2b(from, 'name'));
  const qualified = toHex(readTpm2b(from, 'qualifiedName'));
  from.end('TPMS_ATTEST');
  return { ...head, signer, extra, name, qualified };
}

export const SIGNING = {
  Sign: {
    agree: async (bench) => {
      await using key = await keyOnBoth(bench);
      const mine = await sign(bench.tpm, key, DIGEST, right);
      const their = await bench.esapi.text('sign', 'signature', {
        key: 'key',
        digest: toHex(DIGEST),
        auth: hexOf('a key'),
      });
      // Signatures are random: each is checked by the other side, and both tickets say the same.
      const ticket = await verifySignature(bench.tpm, key, DIGEST, signatureOf(their));
      const theirTicket = await bench.esapi.text('verify_signature', 'ticket', {
        key: 'key',
        digest: toHex(DIGEST),
        signature: toHex(encodeSignature(mine)),
      });
      return { ours: { ticket: toHex(encodeTicket(ticket)) }, theirs: { ticket: theirTicket } };
    },
    refuse: {
      rc: 0x9a2,
      ours: async (bench) => {
        await using key = await keyOnBoth(bench);
        await sign(bench.tpm, key, DIGEST, wrong);
      },
      theirs: ({ esapi }) => esapi.call('sign', { key: 'key', digest: toHex(DIGEST), auth: hexOf('wrong') }),
    },
  },
  VerifySignature: {
    agree: async (bench) => {
      await using key = await keyOnBoth(bench);
      const signature = await sign(bench.tpm, key, DIGEST, right);
      const ticket = await verifySignature(bench.tpm, key, DIGEST, signature);
      const args = { key: 'key', digest: toHex(DIGEST), signature: toHex(encodeSignature(signature)) };
      const theirs = await bench.esapi.text('verify_signature', 'ticket', args);
      return { ours: { ticket: toHex(encodeTicket(ticket)) }, theirs: { ticket: theirs } };
    },
    refuse: {
      rc: 0x2db,
      ours: async (bench) => {
        await using key = await keyOnBoth(bench);
        const signature = await sign(bench.tpm, key, DIGEST, right);
        await verifySignature(bench.tpm, key, sha256(DIGEST), signature);
      },
      theirs: async ({ esapi }) => {
        const args = { key: 'key', digest: toHex(DIGEST), auth: hexOf('a key') };
        const signature = await esapi.text('sign', 'signature', args);
        await esapi.call('verify_signature', { key: 'key', digest: toHex(sha256(DIGEST)), signature });
      },
    },
  },
  Certify: {
    agree: async (bench) => {
      await using key = await keyOnBoth(bench);
      const nonce = Buffer.from('qualifying data');
      const mine = await certify(bench.tpm, bench.srk, emptyAuth, key, right, nonce);
      const theirs = await bench.esapi.call('certify', {
        object: 'srk',
        key: 'key',
        keyAuth: hexOf('a key'),
        qualifyingData: toHex(nonce),
      });
      const theirAttest = Buffer.from(String(theirs.attest), 'hex');
      await verifySignature(bench.tpm, key, sha256(theirAttest), signatureOf(String(theirs.signature)));
      await bench.esapi.call('verify_signature', {
        key: 'key',
        digest: toHex(sha256(mine.certifyInfo)),
        signature: toHex(encodeSignature(mine.signature)),
      });
      return { ours: { attest: attested(mine.certifyInfo) }, theirs: { attest: attested(theirAttest) } };
    },
    refuse: {
      rc: 0xaa2,
      ours: async (bench) => {
        await using key = await keyOnBoth(bench);
        await certify(bench.tpm, bench.srk, emptyAuth, key, wrong, new Uint8Array(0));
      },
      theirs: ({ esapi }) =>
        esapi.call('certify', { object: 'srk', key: 'key', keyAuth: hexOf('wrong'), qualifyingData: '' }),
    },
  },
} satisfies Record<string, Row>;
