/** The security keys of a container, as people tell them apart. */
import { toHex } from '../../drivers/base/bytes.ts';
import { sha256 } from '../../drivers/tpm2/index.ts';
import type { EnrolledKey } from '../api/ports.ts';
import type { ContainerState, SecurityKeyCredential } from '../container/state.ts';

const ID_LENGTH = 8;

export const credentialsOf = ({ factors }: Pick<ContainerState, 'factors'>): readonly SecurityKeyCredential[] =>
  factors.securityKey?.credentials ?? [];

/** What a key is called where its model is not enough: of its credential, and nobody's secret. */
export const idOf = ({ credentialId }: Pick<SecurityKeyCredential, 'credentialId'>): string =>
  toHex(sha256(credentialId)).slice(0, ID_LENGTH);

export const enrolledKeys = (state: ContainerState): readonly EnrolledKey[] =>
  credentialsOf(state).map((credential) => ({
    id: idOf(credential),
    label: credential.label,
    model: toHex(credential.aaguid),
    userVerification: credential.uvUsed,
  }));
