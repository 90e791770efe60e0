/** Wraps and records: each opens only for the key, container, credential and generation that it was made for. */
import { describe, expect, it } from 'vitest';
import {
  groupAuthValue,
  newGroupSecret,
  unwrapGroupSecret,
  wrapGroupSecret,
  wrapKeyOf,
} from '../../../agent/container/key-group.ts';
import { EMPTY_RECORDS, openRecords, sealRecords, wipeRecords } from '../../../agent/container/records.ts';
import { openRecovery, wrapForRecovery } from '../../../agent/container/recovery.ts';
import { newRecoverySecret } from '../../../agent/container/recovery-sheet.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { SAMPLE_STATE } from '../../support/container/sample-state.ts';

const id = new Uint8Array(16).fill(1);
const otherId = new Uint8Array(16).fill(2);
const fresh = () => Secret.copyOf(systemEntropy.bytes(32));

describe('the group secret', () => {
  const hmacSecret = fresh();
  const credentialId = systemEntropy.bytes(64);
  const group = newGroupSecret(systemEntropy);
  const context = { containerId: id, credentialId, generation: 1 };
  const wrap = wrapGroupSecret(wrapKeyOf(hmacSecret, credentialId), group, context, systemEntropy);

  it('is unwrapped by the key that it was wrapped for', () => {
    expect(unwrapGroupSecret(wrapKeyOf(hmacSecret, credentialId), wrap, context)?.equals(group)).toBe(true);
  });

  it.each([
    ['another key', wrapKeyOf(fresh(), credentialId), context],
    ['another credential of the same key', wrapKeyOf(hmacSecret, id), { ...context, credentialId: id }],
    ['another container', wrapKeyOf(hmacSecret, credentialId), { ...context, containerId: otherId }],
    ['another generation', wrapKeyOf(hmacSecret, credentialId), { ...context, generation: 2 }],
    ['another credential id in the context', wrapKeyOf(hmacSecret, credentialId), { ...context, credentialId: id }],
  ])('is not for %s', (_, key, where) => {
    expect(unwrapGroupSecret(key, wrap, where)).toBe(null);
  });

  it('is not when a bit of the wrap is flipped, or it is cut off', () => {
    const key = wrapKeyOf(hmacSecret, credentialId);
    for (let bit = 0; bit < wrap.length * 8; bit++) {
      const changed = wrap.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(unwrapGroupSecret(key, changed, context), `bit ${bit}`).toBe(null);
    }
    for (let end = 0; end < wrap.length; end++)
      expect(unwrapGroupSecret(key, wrap.subarray(0, end), context)).toBe(null);
  });

  it('gives each container another authValue', () => {
    expect(groupAuthValue(group, id).equals(groupAuthValue(group, otherId))).toBe(false);
    expect(groupAuthValue(group, id).equals(groupAuthValue(group, id))).toBe(true);
  });
});

describe('records', () => {
  const key = fresh();
  const records = {
    pinHistory: [{ salt: systemEntropy.bytes(16), logN: 14, value: systemEntropy.bytes(32) }],
    wrapKeys: [{ credentialId: systemEntropy.bytes(40), key: systemEntropy.bytes(32) }],
    earlierKeys: [{ containerId: systemEntropy.bytes(16), key: systemEntropy.bytes(32) }],
    earlierContexts: [
      { containerId: systemEntropy.bytes(16), context: 'wallet' as const, key: systemEntropy.bytes(32) },
    ],
  };

  it('are read back under the container key, and wiped', () => {
    const opened = openRecords(key, id, sealRecords(key, id, records, systemEntropy));
    expect(opened).toEqual(records);
    wipeRecords(opened);
    const zeros = new Uint8Array(32);
    const keys = [opened.wrapKeys, opened.earlierKeys, opened.earlierContexts].map(([entry]) => entry?.key);
    expect([opened.pinHistory[0]?.value, ...keys]).toEqual([zeros, zeros, zeros, zeros]);
    expect(openRecords(key, id, sealRecords(key, id, EMPTY_RECORDS, systemEntropy))).toEqual(EMPTY_RECORDS);
  });

  it('are ERR_STATE_CORRUPT under another key, for another container, or cut off', () => {
    const sealed = sealRecords(key, id, records, systemEntropy);
    for (const attempt of [
      () => openRecords(fresh(), id, sealed),
      () => openRecords(key, otherId, sealed),
      () => openRecords(key, id, sealed.subarray(1)),
      () => openRecords(key, id, new Uint8Array(0)),
    ]) {
      expect(attempt).toThrow(expect.objectContaining({ code: 'ERR_STATE_CORRUPT' }));
    }
  });
});

describe('the recovery wrap', () => {
  it.each([true, false])(
    'with the authority on this machine: %s, opens with its sheet and generation only',
    (local) => {
      const sheet = newRecoverySecret(systemEntropy);
      const containerKey = fresh();
      const authorityAuth = local ? fresh() : null;
      const { containerId } = SAMPLE_STATE;
      const wrap = wrapForRecovery(sheet, containerId, 2, { containerKey, authorityAuth }, systemEntropy);
      const state = { ...SAMPLE_STATE, recovery: { generation: 2, issuedAt: 0, wrap, publicKey: null } };
      using opened = openRecovery(sheet, state);
      expect(opened.containerKey.equals(containerKey)).toBe(true);
      expect(authorityAuth === null ? opened.authorityAuth : opened.authorityAuth?.equals(authorityAuth)).toBe(
        local || null,
      );
      const wrong = expect.objectContaining({ code: 'ERR_RECOVERY_WRONG' });
      expect(() => openRecovery(newRecoverySecret(systemEntropy), state)).toThrow(wrong);
      expect(() => openRecovery(sheet, { ...state, recovery: { ...state.recovery, generation: 3 } })).toThrow(wrong);
      expect(() => openRecovery(sheet, { ...state, containerId: otherId })).toThrow(wrong);
    },
  );
});
