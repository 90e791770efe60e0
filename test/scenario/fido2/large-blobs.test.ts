/** Large blobs by our client against the virtual authenticator: CTAP 2.1 §6.10. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import {
  openLargeBlob,
  readLargeBlobArray,
  sealLargeBlob,
  writeLargeBlobArray,
} from '../../../drivers/fido2/large-blobs.ts';
import { PERMISSION } from '../../../drivers/fido2/wire/constants.ts';
import { opened, store } from '../../support/fido2/managed-key.ts';

describe('authenticatorLargeBlobs', () => {
  it('keeps blobs of several credentials apart, in fragments of the size that the key takes', async () => {
    const { alice, session, token, options } = await opened('small-messages');
    await using _ = session;
    const extensions = new Map([['largeBlobKey', true]]);
    const [a, b] = [
      await store(alice, session, 'a.example', 'a', extensions),
      await store(alice, session, 'b.example', 'b', extensions),
    ];
    const [keyA, keyB] = [a.largeBlobKey ?? expect.fail('none'), b.largeBlobKey ?? expect.fail('none')];
    expect(await readLargeBlobArray(session.authenticator, session.info, options)).toEqual([]);
    const blob = systemEntropy.bytes(800);
    const elements = [sealLargeBlob(keyA, blob, systemEntropy), sealLargeBlob(keyB, utf8('of b'), systemEntropy)];
    using lbw = await token(PERMISSION.lbw);
    await writeLargeBlobArray(session.authenticator, session.info, elements, lbw, options);
    const back = await readLargeBlobArray(session.authenticator, session.info, options);
    expect(back).toHaveLength(2);
    expect(back.flatMap((element) => openLargeBlob(keyA, element) ?? [])).toEqual([blob]);
    expect(back.flatMap((element) => openLargeBlob(keyB, element) ?? [])).toEqual([utf8('of b')]);
  });

  it('that do not fit are ERR_CTAP_STORAGE_FULL, and what was there stays', async () => {
    const { authenticator, session, token, options } = await opened('2.1');
    await using _ = session;
    using lbw = await token(PERMISSION.lbw);
    const before = new Uint8Array(authenticator.state.largeBlobs);
    const element = sealLargeBlob(systemEntropy.bytes(32), systemEntropy.bytes(2000), systemEntropy);
    const writing = writeLargeBlobArray(session.authenticator, session.info, [element], lbw, options);
    await expect(writing).rejects.toMatchObject({ code: 'ERR_CTAP_STORAGE_FULL', detail: { capacity: 1024 } });
    expect(authenticator.state.largeBlobs).toEqual(before);
  });

  it('with a wrong digest are an empty array, and a key of before has none', async () => {
    const { authenticator, session, options } = await opened('2.1');
    await using _ = session;
    authenticator.configure((state) => {
      state.largeBlobs = systemEntropy.bytes(40);
    });
    expect(await readLargeBlobArray(session.authenticator, session.info, options)).toEqual([]);
    const old = await opened('2.0');
    await using __ = old.session;
    const reading = readLargeBlobArray(old.session.authenticator, old.session.info, old.options);
    await expect(reading).rejects.toMatchObject({ code: 'ERR_CTAP_UNSUPPORTED' });
  });

  it('of a key that never ends are ERR_CTAP_MALFORMED_RESPONSE', async () => {
    const { authenticator, session, options } = await opened('2.1');
    await using _ = session;
    authenticator.misbehave({
      name: 'an array without end',
      reply: (reply) =>
        reply.command === 0x0c ? { ...reply, status: 0, body: new Map([[1, new Uint8Array(1200 - 64)]]) } : reply,
    });
    const reading = readLargeBlobArray(session.authenticator, session.info, options);
    await expect(reading).rejects.toMatchObject({ code: 'ERR_CTAP_MALFORMED_RESPONSE' });
  });
});

describe('an element of the large-blob array', () => {
  const blobKey = systemEntropy.bytes(32);
  const element = sealLargeBlob(blobKey, new Uint8Array(100_000), systemEntropy) as Map<number, unknown>;
  const changed = (at: number, value: unknown) => new Map([...element, [at, value]]) as never;

  it.each([
    ['a size that is not the blob’s', changed(3, 99_999)],
    ['a size beyond reason', changed(3, 2 ** 40)],
    ['a short nonce', changed(2, new Uint8Array(11))],
    ['a ciphertext without a tag', changed(1, new Uint8Array(15))],
    ['other bytes', changed(1, systemEntropy.bytes(64))],
  ])('with %s opens to nothing', (_title, broken) => {
    expect(openLargeBlob(blobKey, broken)).toBe(null);
  });

  it('opens to what was sealed, and under another key to nothing', () => {
    expect(openLargeBlob(blobKey, element as never)).toEqual(new Uint8Array(100_000));
    expect(openLargeBlob(systemEntropy.bytes(32), element as never)).toBe(null);
    expect(openLargeBlob(blobKey, 'no element')).toBe(null);
  });
});
