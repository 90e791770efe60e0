/** An observation as somebody asserts it who is root and asks nobody: the signer's key with what the state file holds. */
import { ASSERTION_SECONDS, type FactorProof } from '../../../agent/container/pass.ts';
import { assertReference } from '../../../agent/container/references.ts';
import type { SignerState } from '../../../agent/container/state.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { cpHashOf, load, sessionAuth, sign, signedAssertionHash, TPM_CC } from '../../../drivers/tpm2/index.ts';

export const rawAssertion = (containerId: Uint8Array, { kind, blob, authValue: stored }: SignerState): FactorProof => ({
  check: 'signed',
  key: blob,
  assert: async ({ nonceTPM, sealedName }, root) => {
    const hash = signedAssertionHash({
      nonceTPM,
      cpHashA: cpHashOf(TPM_CC.Unseal, [sealedName]),
      policyRef: assertReference(kind, containerId),
      expiration: ASSERTION_SECONDS,
    });
    await using key = await load(root.tpm, root.srk, blob, { auth: sessionAuth(root.session) });
    using authValue = Secret.copyOf(stored);
    return await sign(root.tpm, key, hash, sessionAuth(root.session, authValue));
  },
});
