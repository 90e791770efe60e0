/**
 * The secrets of a run, computed once more from what only the test has: the PINs, the memory of the authenticator and
 * the recovery sheet. Each derivation is written out here with node:crypto and not taken from the product, and each
 * chain ends in something that proves it right: a box that opens, or a key that the daemon has handed out.
 */
import { createDecipheriv, createHash, createHmac, hkdfSync, scryptSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseSheet } from '../../../agent/container/recovery-sheet.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { credRandom, findCredential } from '../../../hal-mocks/fido2/credential.ts';
import { decodeState } from '../../../hal-mocks/fido2/state.ts';
import type { Canary } from './search.ts';

const RP_ID = 'unlockd';

const hkdf = (secret: Uint8Array, label: string, salt: Uint8Array, context: string | Uint8Array = ''): Buffer =>
  Buffer.from(
    hkdfSync('sha256', secret, salt, Buffer.concat([Buffer.from(`unlockd ${label}\0`), Buffer.from(context)]), 32),
  );

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** AES-256-GCM, nonce (12) ‖ ciphertext ‖ tag (16). @throws when it is not the key */
function open(key: Uint8Array, box: Uint8Array, context: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(context);
  decipher.setAuthTag(box.subarray(box.length - 16));
  return Buffer.concat([decipher.update(box.subarray(12, box.length - 16)), decipher.final()]);
}

/** PIN → authValue of its TPM object, under the salt of this state; and the hash that a careless log would keep. */
export function pinSecrets(name: string, pin: string, state: ContainerState): Canary[] {
  const { pin: enrolled } = state.factors;
  if (enrolled === null) throw new Error('no PIN is enrolled');
  const N = 2 ** enrolled.logN;
  const authValue = scryptSync(pin, enrolled.salt, 32, { N, r: 8, p: 1, maxmem: 129 * N * 8 });
  return [
    { name: `scrypt of ${name}`, bytes: authValue },
    { name: `SHA-256 of ${name}`, bytes: sha256(utf8(pin)) },
    { name: `LEFT(SHA-256, 16) of ${name}`, bytes: sha256(utf8(pin)).subarray(0, 16) },
  ];
}

/** hmac-secret output → wrap key → group secret → authValue of the key object. The wrap that opens is the proof. */
export async function keySecrets(authenticatorFile: string, state: ContainerState): Promise<Canary[]> {
  const authenticator = decodeState(new Uint8Array(await readFile(authenticatorFile)));
  const [enrolled] = state.factors.securityKey?.credentials ?? [];
  if (enrolled === undefined) throw new Error('no security key is enrolled');
  const { credentialId, salt, uvUsed, wrap } = enrolled;
  const credential = findCredential(authenticator, credentialId, RP_ID);
  if (credential === null) throw new Error('the authenticator does not know the credential');
  const output = createHmac('sha256', credRandom(authenticator, credential, uvUsed))
    .update(salt)
    .digest();
  const wrapKey = hkdf(output, 'key wrap v1', sha256(credentialId));
  const generation = u32(state.factors.securityKey?.generation ?? 0);
  const group = open(wrapKey, wrap, Buffer.concat([state.containerId, generation, sha256(credentialId)]));
  return [
    { name: 'hmac-secret output', bytes: output },
    { name: 'wrap key', bytes: wrapKey },
    { name: 'group secret', bytes: group },
    { name: 'key authValue', bytes: hkdf(group, 'key authValue v1', state.containerId) },
  ];
}

export interface SealedSecrets {
  readonly canaries: readonly Canary[];
  readonly purposeKey: Canary;
}

/** Sheet → container key and the authority's authValue → purpose key. The box that opens is the proof. */
export function sealedSecrets(sheet: string, purpose: string, state: ContainerState): SealedSecrets {
  using typed = Secret.take(utf8(sheet));
  using secret = parseSheet(typed);
  const sheetBytes = Buffer.from(secret.expose());
  const recoveryKey = hkdf(sheetBytes, 'recovery v1', state.containerId);
  const context = Buffer.concat([state.containerId, u32(state.recovery.generation)]);
  const content = open(recoveryKey, state.recovery.wrap, context);
  const containerKey = content.subarray(0, 32);
  return {
    canaries: [
      { name: 'secret of the recovery sheet', bytes: sheetBytes },
      { name: 'recovery key', bytes: recoveryKey },
      { name: 'container key', bytes: containerKey },
      { name: 'authority authValue', bytes: content.subarray(32) },
      { name: 'records key', bytes: hkdf(containerKey, 'records v1', state.containerId) },
    ],
    purposeKey: { name: 'purpose key', bytes: hkdf(containerKey, 'purpose v1', state.containerId, purpose) },
  };
}

/** A sheet as it was shown, without its hyphens, and each of its groups alone. */
export const sheetSecrets = (name: string, sheet: string): Canary[] => [
  { name, bytes: utf8(sheet) },
  { name: `${name} without hyphens`, bytes: utf8(sheet.replaceAll('-', '')) },
  ...sheet.split('-').map((group, at) => ({ name: `${name}, group ${at + 1}`, bytes: utf8(group) })),
];
