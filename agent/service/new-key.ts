/**
 * Security keys that are enrolled into a container: a credential of each, and a group secret that is wrapped for all of
 * them. Whenever the set of keys changes the group secret is a new one: deleting a wrap would revoke nothing.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import { enrolSecurityKey } from '../../drivers/fido2/security-key.ts';
import { groupAuthValue, newGroupSecret, wrapGroupSecret, wrapKeyOf } from '../container/key-group.ts';
import { createFactor } from '../container/objects.ts';
import type { Records } from '../container/records.ts';
import type { RootSession } from '../container/root.ts';
import type { SecurityKeyCredential, SecurityKeyState } from '../container/state.ts';
import type { UserVerification } from '../policy/model.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import { keyCeremony } from './key-check.ts';
import type { ServiceParts } from './parts.ts';

/** The key makes a credential, then answers with its secret: a person who sees it blink twice wonders. */
const TOUCHES = {
  enrol: 'Touch your security key to enrol it (1 of 2)',
  confirm: 'Touch your security key once more (2 of 2)',
} as const;

/** What is said while a further key is waited for. */
const INSERTS = {
  'no-key': 'Plug in the security key that is to be added',
  'wrong-key': 'The security key that is plugged in is enrolled already; plug in the one that is to be added',
} as const;

type Credential = Omit<SecurityKeyCredential, 'wrap'>;

/** A key that has just made a credential: what it wraps with. The owner disposes it. */
export interface NewKey extends Disposable {
  readonly credential: Credential;
  readonly wrapKey: Secret;
}

/**
 * Has a key make a credential.
 * @param present keys that are enrolled already: they are passed over
 * @throws {ERR_CTAP_…} as the FIDO2 room says
 */
export async function enrolKey(
  parts: ServiceParts,
  run: CeremonyRun,
  containerId: Uint8Array,
  uv: UserVerification,
  present: readonly Uint8Array[] = [],
): Promise<NewKey> {
  const inserts = present.length === 0 ? {} : INSERTS;
  const models = parts.settings.keyModels?.();
  const ceremony = keyCeremony(parts, run, run.signal, undefined, TOUCHES, inserts);
  const enrolled = await enrolSecurityKey({
    ...ceremony,
    userId: containerId,
    userName: 'unlockd container',
    uv,
    exclude: present,
    ...(models === undefined ? {} : { models }),
  });
  using hmacSecret = enrolled.hmacSecret;
  if (enrolled.salt.length !== 32) throw new UnlockdError('ERR_CTAP_VERIFICATION', 'the salt is not 32 bytes');
  const wrapKey = wrapKeyOf(hmacSecret, enrolled.credentialId);
  const { credentialId, publicKey, aaguid, salt, uvUsed, deviceInfo } = enrolled;
  const label = deviceInfo.name.slice(0, 128);
  return {
    credential: { credentialId, publicKey, aaguid, salt, uvUsed, label },
    wrapKey,
    [Symbol.dispose]: () => wrapKey.dispose(),
  };
}

/** The security keys of a container as they are to be, under a fresh group secret. */
export interface NewKeyGroup extends Disposable {
  readonly credentials: readonly SecurityKeyCredential[];
  readonly generation: number;
  readonly authValue: Secret;
  /** For the records: kept encrypted, so that later group secrets can be wrapped without the keys. */
  readonly wrapKeys: Records['wrapKeys'];
}

/** A group of one. The caller disposes the key as well. */
export const firstKeyGroup = (parts: ServiceParts, containerId: Uint8Array, key: NewKey): NewKeyGroup =>
  newKeyGroup(parts, containerId, 1, [{ credential: key.credential, wrapKey: key.wrapKey.clone() }]);

/**
 * Makes a group secret and wraps it for each key; none of them has to be plugged in.
 * @param members owned by this from now on
 */
export function newKeyGroup(
  parts: Pick<ServiceParts, 'entropy'>,
  containerId: Uint8Array,
  generation: number,
  members: readonly { readonly credential: Credential; readonly wrapKey: Secret }[],
): NewKeyGroup {
  using group = newGroupSecret(parts.entropy);
  const credentials: SecurityKeyCredential[] = [];
  const wrapKeys: Records['wrapKeys'][number][] = [];
  for (const { credential, wrapKey } of members) {
    const context = { containerId, credentialId: credential.credentialId, generation };
    credentials.push({ ...credential, wrap: wrapGroupSecret(wrapKey, group, context, parts.entropy) });
    wrapKeys.push({ credentialId: credential.credentialId, key: new Uint8Array(wrapKey.expose()) });
    wrapKey.dispose();
  }
  const authValue = groupAuthValue(group, containerId);
  return { credentials, generation, authValue, wrapKeys, [Symbol.dispose]: () => authValue.dispose() };
}

/** Makes the TPM object of the group. */
export async function createKeyGroup(
  parts: ServiceParts,
  root: RootSession,
  { authValue, generation, credentials }: NewKeyGroup,
): Promise<SecurityKeyState> {
  const blob = await createFactor(root, 'securityKey', authValue, parts.entropy);
  return { blob, generation, credentials };
}
