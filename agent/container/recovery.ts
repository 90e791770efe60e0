/**
 * Recovery: an independent wrap of the container key and the authority's authValue under the secret of a sheet. By
 * design it opens without TPM and factors; so whoever uses it gets a new container key, authority, counter and sheet.
 */
import { concat, u32 } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { deriveKey, openBox, sealBox } from './secret-box.ts';
import type { ContainerState } from './state.ts';

export interface RecoveredSecrets extends Disposable {
  readonly containerKey: Secret;
  /** Null on managed machines: the authority is elsewhere. */
  readonly authorityAuth: Secret | null;
}

const context = (containerId: Uint8Array, generation: number): Uint8Array => concat(containerId, u32(generation));

export function wrapForRecovery(
  sheet: Secret,
  containerId: Uint8Array,
  generation: number,
  secrets: { containerKey: Secret; authorityAuth: Secret | null },
  entropy: Entropy,
): Uint8Array {
  using key = deriveKey(sheet, 'recovery v1', containerId);
  using content = Secret.take(
    concat(secrets.containerKey.expose(), secrets.authorityAuth?.expose() ?? new Uint8Array(0)),
  );
  return sealBox(key, content.expose(), context(containerId, generation), entropy);
}

/** @throws {ERR_RECOVERY_WRONG} the sheet is of another container or an older generation */
export function openRecovery(sheet: Secret, state: ContainerState): RecoveredSecrets {
  using key = deriveKey(sheet, 'recovery v1', state.containerId);
  using content = openBox(key, state.recovery.wrap, context(state.containerId, state.recovery.generation));
  if (content === null || (content.length !== 32 && content.length !== 64)) {
    throw new UnlockdError('ERR_RECOVERY_WRONG', 'this recovery sheet does not open this container');
  }
  const bytes = content.expose();
  const containerKey = Secret.copyOf(bytes.subarray(0, 32));
  const authorityAuth = bytes.length === 64 ? Secret.copyOf(bytes.subarray(32)) : null;
  return {
    containerKey,
    authorityAuth,
    [Symbol.dispose]: () => {
      containerKey.dispose();
      authorityAuth?.dispose();
    },
  };
}
