/** Lists of PublicKeyCredentialDescriptor in requests (CTAP 2.1 §6.1 excludeList, §6.2 allowList). */
import type { CborKey } from '../../drivers/fido2/wire/cbor.ts';
import { type Credential, findCredential } from './credential.ts';
import { Params } from './params.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';

export const PUBLIC_KEY = 'public-key';

/**
 * The ids of a list, or null when the list is not there. A platform must leave an empty list out.
 * @throws {CtapRefusal} CTAP2_ERR_LIMIT_EXCEEDED past maxCredentialCountInList
 */
export function credentialIds(context: CommandContext, params: Params, key: CborKey): readonly Uint8Array[] | null {
  const list = params.listOr(key);
  if (list === undefined) return null;
  if (list.length === 0) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  if (list.length > context.profile.maxCredentialCountInList) throw refusal('CTAP2_ERR_LIMIT_EXCEEDED');
  return list.flatMap((entry) => {
    const descriptor = Params.of(entry);
    const [id, type] = [descriptor.bytes('id'), descriptor.text('type')];
    return type === PUBLIC_KEY ? [id] : [];
  });
}

/** Those of the ids that are credentials of this authenticator for `rpId`. */
export const locate = (context: CommandContext, ids: readonly Uint8Array[], rpId: string): Credential[] =>
  ids.flatMap((id) => findCredential(context.state, id, rpId) ?? []);
