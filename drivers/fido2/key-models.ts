/**
 * Which models of security keys may be enrolled: by AAGUID, and where a FIDO metadata file is given, only what its maker
 * attested (WebAuthn §7.1 steps 23 and 24). Without the file an AAGUID is what the key says of itself.
 */
import type { UnixMs } from '../base/brand.ts';
import { toHex } from '../base/bytes.ts';
import { UnlockdError } from '../base/errors.ts';
import type { AttestationResult } from './attestation.ts';
import { readCertificate } from './attestation-certificate.ts';
import { chainsTo } from './certificate-chain.ts';
import type { FidoMetadata } from './fido-metadata.ts';

/** What may be enrolled. */
export interface KeyModels {
  /** 32 lower-case hexadecimal digits each; empty: any. */
  readonly allowed: ReadonlySet<string>;
  /** Null: makers are not checked. */
  readonly metadata: FidoMetadata | null;
}

const refused = (aaguid: Uint8Array, reason: string): UnlockdError =>
  new UnlockdError(
    'ERR_CTAP_NOT_ALLOWED_MODEL',
    `security keys of model ${toHex(aaguid)} are not enrolled: ${reason}`,
    {
      detail: { aaguid: toHex(aaguid), reason },
    },
  );

/** What a key says of itself, before anybody touches it. @throws {ERR_CTAP_NOT_ALLOWED_MODEL} */
export function checkClaimedModel(aaguid: Uint8Array, { allowed, metadata }: KeyModels): void {
  const name = toHex(aaguid);
  if (allowed.size > 0 && !allowed.has(name)) throw refused(aaguid, 'it is not in the list of allowed models');
  if (metadata === null) return;
  const model = metadata.models.get(name);
  if (model === undefined) throw refused(aaguid, 'the metadata file does not know it');
  if (model.compromised !== null) throw refused(aaguid, `the metadata file says ${model.compromised}`);
}

/**
 * What a key has made: its model, and the maker's word for it.
 * @param aaguid of the attested credential
 * @param at civil time: certificates expire
 * @throws {ERR_CTAP_NOT_ALLOWED_MODEL}
 */
export function checkAttestedModel(
  aaguid: Uint8Array,
  attestation: AttestationResult,
  models: KeyModels,
  at: UnixMs,
): void {
  checkClaimedModel(aaguid, models);
  const model = models.metadata?.models.get(toHex(aaguid));
  if (model === undefined) return;
  if (attestation.signedBy === 'self' && model.attestsItself) return;
  if (attestation.signedBy !== 'certificate') throw refused(aaguid, 'its maker does not vouch for it');
  if (!chainsTo(attestation.certificates.map(readCertificate), model.roots, at)) {
    throw refused(aaguid, 'its certificate is not of the maker that the metadata file names');
  }
}
