/** A security key that is enrolled into a container: a credential, a wrap of the group secret, and its wrap key. */
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

const GENERATION = 1;
/** The key makes a credential, then answers with its secret: a person who sees it blink twice wonders. */
const TOUCHES = {
  enrol: 'Touch your security key to enrol it (1 of 2)',
  confirm: 'Touch your security key once more (2 of 2)',
} as const;

/** The security keys of a new container: one so far, under a fresh group secret. */
export interface NewKeyGroup extends Disposable {
  readonly credential: SecurityKeyCredential;
  readonly authValue: Secret;
  /** For the records: kept encrypted, so that later group secrets can be wrapped without the key. */
  readonly wrapKeys: Records['wrapKeys'];
  readonly label: string;
}

/** @throws {ERR_CTAP_…} as the FIDO2 room says */
export async function enrolKeyGroup(
  parts: ServiceParts,
  run: CeremonyRun,
  containerId: Uint8Array,
  uv: UserVerification,
): Promise<NewKeyGroup> {
  const ceremony = keyCeremony(parts, run, run.signal, undefined, TOUCHES);
  const enrolled = await enrolSecurityKey({ ...ceremony, userId: containerId, userName: 'unlockd container', uv });
  using hmacSecret = enrolled.hmacSecret;
  if (enrolled.salt.length !== 32) throw new UnlockdError('ERR_CTAP_VERIFICATION', 'the salt is not 32 bytes');
  using wrapKey = wrapKeyOf(hmacSecret, enrolled.credentialId);
  using group = newGroupSecret(parts.entropy);
  const context = { containerId, credentialId: enrolled.credentialId, generation: GENERATION };
  const { credentialId, publicKey, aaguid, salt, uvUsed, deviceInfo } = enrolled;
  const label = deviceInfo.name.slice(0, 128);
  const wrap = wrapGroupSecret(wrapKey, group, context, parts.entropy);
  const authValue = groupAuthValue(group, containerId);
  return {
    credential: { credentialId, publicKey, aaguid, salt, uvUsed, label, wrap },
    authValue,
    wrapKeys: [{ credentialId, key: new Uint8Array(wrapKey.expose()) }],
    label,
    [Symbol.dispose]: () => authValue.dispose(),
  };
}

/** Makes the TPM object of the group. */
export async function createKeyGroup(
  parts: ServiceParts,
  root: RootSession,
  group: NewKeyGroup,
): Promise<SecurityKeyState> {
  const blob = await createFactor(root, 'securityKey', group.authValue, parts.entropy);
  return { blob, generation: GENERATION, credentials: [group.credential] };
}
